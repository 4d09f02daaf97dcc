//! `ecomctl up`: what stops it before it compiles, and, where the services can be compiled, that it runs the shop,
//! stops it, and leaves nothing behind.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use insta::assert_snapshot;

use crate::context::{SPEC, TestContext, repository, with_cargo};

#[test]
fn a_taken_gateway_port_is_named_with_its_holder() {
    let context = TestContext::with_spec(SPEC);
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port().to_string();
    let shown = context.run(&["up", "--port", &port]);
    let pid = std::process::id().to_string();
    assert!(shown.contains(&format!("(process {pid})")), "{shown}");
    let next = (port.parse::<u16>().unwrap() + 1).to_string();
    let name = fs::read_to_string("/proc/self/comm").unwrap();
    let shown = shown.replace(&next, "[NEXT]").replace(&port, "[PORT]").replace(&pid, "[PID]");
    assert_snapshot!(shown.replace(name.trim(), "[NAME]"), @"
    exit: 1
    --- stdout
    --- stderr
    error: port [PORT] (gateway) is taken by `[NAME]` (process [PID])
    hint: `--port [NEXT]` chooses another port, `--free-ports` any
    ");
}

#[test]
fn a_taken_service_port_is_named_with_its_service() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let context = TestContext::with_spec(&SPEC.replace("5001", &(port - 1000).to_string()));
    let gateway = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let shown = context.run(&["up", "--port", &gateway]);
    assert!(shown.contains(&format!("error: port {port} (admin of cart-service) is taken by")), "{shown}");
    assert!(shown.contains("--free-ports"), "{shown}");
}

#[test]
fn a_second_up_in_the_folder_is_refused() {
    let context = TestContext::with_spec(SPEC);
    context.write(".ecomctl/up.lock", "process 4711, http://localhost:8000");
    let lock = File::open(context.path(".ecomctl/up.lock")).unwrap();
    lock.lock().unwrap();
    assert_snapshot!(context.run(&["up"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: another `ecomctl up` runs in this folder (process 4711, http://localhost:8000)
    hint: stop it with Ctrl-C in its terminal; another folder's shop can run beside it with `--free-ports`
    ");
    assert_eq!(context.read(".ecomctl/up.lock"), "process 4711, http://localhost:8000");
}

#[test]
fn the_gateway_cannot_have_a_services_port() {
    let context = TestContext::with_spec(SPEC);
    for port in ["5003", "6003"] {
        let shown = context.run(&["up", "--port", port]);
        assert!(shown.starts_with("exit: 2") && shown.contains("that of product-service"), "{shown}");
    }
}

/// A stand-in for cargo that compiles without end: real compiling is over before it can be killed for sure.
fn endless_cargo(context: &TestContext) -> PathBuf {
    context.write("cargo", "#!/bin/sh\necho $$ >compiling\nexec sleep 600\n");
    let cargo = context.path("cargo");
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();
    cargo
}

#[test]
fn a_killed_ecomctl_leaves_no_cargo() {
    let context = TestContext::with_spec(SPEC);
    for signal in ["-KILL", "-QUIT", "-INT"] {
        let mut command = context.command(&["up", "--free-ports"]);
        // The environment's port is no contradiction to the flag.
        command.env("CARGO", endless_cargo(&context)).env("ECOMCTL_PORT", "9000");
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !context.path("compiling").exists() {
            assert!(Instant::now() < deadline, "it does not compile");
            sleep(Duration::from_millis(10));
        }
        let killed = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        child.wait().unwrap();
        nothing_is_left(&context);
        fs::remove_file(context.path("compiling")).unwrap();
    }
}

#[test]
fn a_missing_cargo_is_an_error_with_a_hint() {
    let context = TestContext::with_spec(SPEC);
    let output = context.command(&["up", "--free-ports"]).env("CARGO", "/no/such/cargo").output().unwrap();
    assert_snapshot!(context.show(&output), @"
    exit: 1
    --- stdout
    --- stderr
    Compiling cart-service, order-service, product-service ...
    error: failed to run `/no/such/cargo`
      cause: No such file or directory (os error 2)
    hint: install Rust with rustup, or set CARGO to the program
    ");
}

/// A new shop, made once: `up` in it compiles this repository's services, with what is compiled of their
/// dependencies shared. One test at a time has it.
static SHOP: LazyLock<Mutex<TestContext>> = LazyLock::new(|| {
    let context = TestContext::empty().with_identity();
    let made = with_cargo(context.command(&["init", "."])).output().unwrap();
    assert!(made.status.success(), "{}", context.show(&made));
    Mutex::new(context)
});

fn shop() -> MutexGuard<'static, TestContext> {
    SHOP.lock().unwrap_or_else(PoisonError::into_inner)
}

fn up(context: &TestContext, args: &[&str]) -> Command {
    let mut command = with_cargo(context.command(&[&["up", "--free-ports"], args].concat()));
    command.env("CARGO_TARGET_DIR", repository().join("target"));
    command
}

/// An `up` that serves.
struct Serving {
    child: Child,
    /// The gateway.
    url: String,
    /// The API of each service.
    services: BTreeMap<String, String>,
    stderr: BufReader<std::process::ChildStderr>,
}

fn serving(context: &TestContext) -> Serving {
    let mut child = up(context, &[]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let (mut line, mut said) = (String::new(), String::new());
    let mut services = BTreeMap::new();
    let url = loop {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended:\n{said}");
        said.push_str(&line);
        if let Some((name, ports)) = line.strip_prefix("Started ").and_then(|rest| rest.split_once(": ")) {
            let (_, url) = ports.trim_end().split_once("http http://").unwrap();
            services.insert(name.to_owned(), format!("http://{url}"));
        }
        if let Some(rest) = line.strip_prefix("The shop answers at ") {
            break rest.trim_end().trim_end_matches(". Try:").to_owned();
        }
    };
    Serving { child, url, services, stderr }
}

impl Serving {
    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Returns the exit code and what was still said.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

/// Returns the processes that run in the shop's folder.
fn processes(context: &TestContext) -> Vec<String> {
    let inside = |pid: &String| {
        let cwd = fs::read_link(format!("/proc/{pid}/cwd"));
        let alive = fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
        alive && cwd.is_ok_and(|cwd| cwd.starts_with(context.path("")))
    };
    let entries = fs::read_dir("/proc").unwrap();
    let pids = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    pids.filter(|name| name.bytes().all(|b| b.is_ascii_digit())).filter(inside).collect()
}

fn nothing_is_left(context: &TestContext) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !processes(context).is_empty() {
        assert!(Instant::now() < deadline, "still there: {:?}", processes(context));
        sleep(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "needs release builds of the services"]
fn a_new_shop_passes_every_check() {
    let context = shop();
    let output = up(&context, &["--once"]).output().unwrap();
    let shown = context.show(&output);
    assert!(shown.starts_with("exit: 0"), "{shown}");
    assert_eq!(shown.lines().filter(|line| line.starts_with("ok ")).count(), 14, "{shown}");
    nothing_is_left(&context);
    let logs = context.run(&["logs", "cart-service", "--tail", "1"]);
    assert!(logs.starts_with("exit: 0\n--- stdout\ncart-service | {"), "{logs}");
    assert_eq!(logs.lines().filter(|line| line.starts_with("cart-service")).count(), 1, "{logs}");
    let json = up(&context, &["--once", "--output", "json"]).output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&report["passed"], &report["failed"]), (&14.into(), &0.into()));
    assert_eq!(context.git("", &["status", "--porcelain"]), "", "git does not see what `up` leaves");
}

#[test]
#[ignore = "needs release builds of the services"]
fn ctrl_c_stops_everything_and_the_data_stays() {
    let context = shop();
    let serving = serving(&context);
    assert_eq!(processes(&context).len(), 4, "three services and ecomctl");
    let url = serving.url.clone();
    let order = r#"{"user_id": "kept", "items": [{"product_id": 1, "quantity": 2}], "total": 199.98}"#;
    let post = ["-sf", "-X", "POST", "-H", "Content-Type: application/json", "-d", order];
    assert!(Command::new("curl").args(post).arg(format!("{url}/orders")).output().unwrap().status.success());
    let read_only = context.run(&["verify", "--url", &url, "--read-only"]);
    assert!(read_only.starts_with("exit: 0") && read_only.contains("All 6 checks passed"), "{read_only}");
    serving.signal("-INT");
    let (code, said) = serving.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("cart-service    | {") && said.ends_with("Stopped.\n"), "{said}");
    nothing_is_left(&context);

    let again = self::serving(&context);
    let orders = Command::new("curl").args(["-sf", &format!("{}/orders/kept", again.url)]).output().unwrap();
    let orders: serde_json::Value = serde_json::from_slice(&orders.stdout).unwrap();
    assert_eq!(orders["count"], 1);
    again.signal("-TERM");
    assert_eq!(again.ended().0, Some(0));
    nothing_is_left(&context);
}

fn curl(args: &[&str]) -> serde_json::Value {
    let args = [&["-s", "-w", "\n%{http_code}"], args].concat();
    let output = String::from_utf8(Command::new("curl").args(args).output().unwrap().stdout).unwrap();
    let (body, status) = output.rsplit_once('\n').unwrap();
    serde_json::json!([
        status.parse::<u16>().unwrap(),
        serde_json::from_str::<serde_json::Value>(body).unwrap()
    ])
}

/// The requests of the tutorial's step 14, as it writes them.
#[test]
#[ignore = "needs release builds of the services"]
fn the_tutorials_requests_are_answered_by_the_gateway_and_at_each_port() {
    let context = shop();
    let serving = serving(&context);
    let json = ["-X", "POST", "-H", "Content-Type: application/json", "-d"];
    for direct in [false, true] {
        let at = |service: &str, path: &str| {
            let base = if direct { &serving.services[service] } else { &serving.url };
            format!("{base}{path}")
        };
        let products = curl(&[&at("product-service", "/products")]);
        assert_eq!((&products[0], &products[1]["count"]), (&200.into(), &4.into()));
        let user = if direct { "/cart/direct/add" } else { "/cart/user123/add" };
        let item = r#"{"product_id": 1, "quantity": 2}"#;
        let cart = curl(&[&json[..], &[item, &at("cart-service", user)]].concat());
        assert_eq!((&cart[0], &cart[1]["message"]), (&200.into(), &"Item added to cart".into()));
        assert_eq!(cart[1]["cart"]["items"][0]["quantity"], 2);
        let order = r#"{"user_id": "user123", "items": [{"product_id": 1, "quantity": 2}], "total": 199.98}"#;
        let order = curl(&[&json[..], &[order, &at("order-service", "/orders")]].concat());
        assert_eq!((&order[0], &order[1]["message"]), (&201.into(), &"Order created successfully".into()));
        assert_eq!(order[1]["order"]["status"], "confirmed");
    }
    let nowhere = curl(&[&format!("{}/nowhere", serving.url)]);
    assert_eq!((&nowhere[0], &nowhere[1]["error"]), (&404.into(), &"no route for /nowhere".into()));
    context.write("large", &format!("{{\"product_id\": 1, \"note\": \"{}\"}}", "x".repeat(100_000)));
    let large = context.path("large").display().to_string();
    for (file, framing) in [(&large, "Transfer-Encoding: chunked"), (&large, "X-Framing: length")] {
        let file = format!("@{file}");
        let upload = [&json[..4], &["-H", framing, "--data-binary", &file]].concat();
        let refused = curl(&[&upload[..], &[&format!("{}/cart/u/add", serving.url)]].concat());
        assert_eq!(refused[0], 413, "{framing}: {refused}");
    }
    fs::remove_file(large).unwrap();
    serving.signal("-INT");
    assert_eq!(serving.ended().0, Some(0));
}

#[test]
#[ignore = "needs release builds of the services"]
fn a_new_shop_passes_its_own_tests() {
    let context = shop();
    let mut command = Command::new("cargo");
    command.args(["test", "--locked", "--workspace"]).current_dir(context.path(""));
    command.env("CARGO_TARGET_DIR", repository().join("target/shop"));
    let output = with_cargo(command).output().unwrap();
    assert!(output.status.success(), "{}", context.show(&output));
}

#[test]
#[ignore = "needs release builds of the services"]
fn a_killed_ecomctl_leaves_no_process() {
    let context = shop();
    let serving = serving(&context);
    serving.signal("-KILL");
    assert_eq!(serving.ended().0, None);
    nothing_is_left(&context);
}

#[test]
#[ignore = "needs release builds of the services"]
fn a_service_that_ends_while_it_serves_ends_the_rest() {
    let context = shop();
    let serving = serving(&context);
    let order = processes(&context)
        .into_iter()
        .find(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap() == "order-service\n")
        .unwrap();
    assert!(Command::new("kill").args(["-KILL", &order]).status().unwrap().success());
    let (code, said) = serving.ended();
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("error: order-service ended (signal: 9 (SIGKILL)); its last lines:\n  {"),
        "{said}"
    );
    nothing_is_left(&context);
}

#[test]
#[ignore = "needs release builds of the services"]
fn a_service_that_cannot_start_is_named_with_its_last_lines() {
    let context = shop();
    let store = context.path(".ecomctl/local/order-service/data/order-service.db");
    let kept = store.with_extension("kept");
    let had_one = fs::rename(&store, &kept).is_ok();
    fs::create_dir_all(&store).unwrap();
    let shown = context.show(&up(&context, &["--once"]).output().unwrap());
    fs::remove_dir(&store).unwrap();
    if had_one {
        fs::rename(&kept, &store).unwrap();
    }
    assert!(shown.starts_with("exit: 1"), "{shown}");
    assert!(shown.contains("error: order-service ended (exit status: 1); its last lines:\n"), "{shown}");
    assert!(
        shown.contains(r#""cause":"failed to open the store `sqlite:data/order-service.db`:"#),
        "{shown}"
    );
    nothing_is_left(&context);
}

#[test]
#[ignore = "needs release builds of the services"]
fn ctrl_c_while_compiling_stops_cargo() {
    let context = shop();
    let source = "services/common/src/lib.rs";
    let text = context.read(source);
    context.write(source, &format!("{text}\n"));
    let mut child = up(&context, &["--once"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("   Compiling") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended before it compiled");
    }
    let signalled = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    nothing_is_left(&context);
    context.write(source, &text);
}

#[test]
#[ignore = "needs release builds of the services"]
fn a_compile_error_comes_out_as_cargo_wrote_it() {
    let context = shop();
    let source = "services/order-service/src/domain.rs";
    let text = context.read(source);
    context.write(source, &format!("{text}\nfn broken() -> u8 {{ \"text\" }}\n"));
    let shown = context.show(&up(&context, &["--once"]).output().unwrap());
    context.write(source, &text);
    assert!(shown.starts_with("exit: 1"), "{shown}");
    assert!(shown.contains("error[E0308]: mismatched types") && shown.contains("domain.rs"), "{shown}");
    assert!(shown.ends_with("error: `cargo build` failed (exit status: 101)\n"), "{shown}");
}
