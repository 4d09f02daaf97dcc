//! What a tag follows, and what a build says.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::shop::{Shop, printed};

#[test]
#[ignore = "needs docker"]
fn a_tag_follows_the_inputs_and_nothing_else() {
    let shop = Shop::new(None);
    let tags = || -> Vec<String> { shop.build().into_iter().map(|(tag, _)| tag).collect() };
    let first = tags();
    assert_eq!(shop.build(), first.iter().map(|tag| (tag.clone(), false)).collect::<Vec<_>>());

    // A commit of what ecomctl writes, a file that git ignores, a crate that no service is compiled from.
    shop.succeed(&["render"]);
    shop.git(&["add", "generated", "argocd"]);
    shop.git(&["commit", "--quiet", "--message", "manifests"]);
    shop.context.write("shop/target/x", "x");
    let lock = shop.context.read("shop/Cargo.lock");
    let unrelated = "[[package]]\nname = \"tool\"\nversion = \"0.1.0\"\n";
    assert!(lock.contains(unrelated), "{lock}");
    shop.context
        .write("shop/tool/Cargo.toml", &shop.context.read("shop/tool/Cargo.toml").replace("0.1.0", "0.1.1"));
    shop.context.write("shop/Cargo.lock", &lock.replace(unrelated, &unrelated.replace("0.1.0", "0.1.1")));
    assert_eq!(tags(), first, "nothing of a service changed");

    // A mode.
    let main = shop.context.path(&shop.main_of(0));
    fs::set_permissions(&main, fs::Permissions::from_mode(0o755)).unwrap();
    let explained = shop.run(&["build", "--explain"]);
    assert!(explained.contains("src/main.rs: mode 100644 -> 100755"), "{explained}");
    let executable = tags();
    assert!(executable[0] != first[0] && executable[1] == first[1], "{executable:?}");
    // Bits that differ from clone to clone are no input.
    fs::set_permissions(&main, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(tags(), first);

    // A file that moves.
    let folder = format!("shop/services/{}/src", shop.services[1]);
    shop.context.write(&format!("{folder}/a.txt"), "the same");
    let before = tags();
    fs::rename(shop.context.path(&format!("{folder}/a.txt")), shop.context.path(&format!("{folder}/b.txt")))
        .unwrap();
    let moved = tags();
    assert!(moved[1] != before[1] && moved[0] == before[0], "{moved:?}");
    fs::remove_file(shop.context.path(&format!("{folder}/b.txt"))).unwrap();
    assert_eq!(tags(), first);

    // Flags of the compiler, of all services.
    let flagged = shop
        .command(&["build", "--output", "json"])
        .env("RUSTFLAGS", "-C debug-assertions")
        .output()
        .unwrap();
    let flagged = shop.context.show(&flagged);
    assert!(first.iter().all(|tag| !flagged.contains(tag.as_str())), "{flagged}");
}

#[test]
#[ignore = "needs docker"]
fn errors_of_cargo_and_of_the_engine_fail_the_command_in_their_own_words() {
    let shop = Shop::new(None);
    shop.context.write(&shop.main_of(0), "fn main() { let x: u8 = \"no\"; }\n");
    let shown = shop.run(&["build"]);
    assert!(shown.starts_with("exit: 1") && shown.contains("error[E0308]: mismatched types"), "{shown}");
    shop.change("shop", 0, "hello");
    let dockerfile = format!("shop/services/{}/Dockerfile", shop.services[0]);
    shop.context.write(&dockerfile, "FROM scratch AS prebuilt\nCOPY nowhere /\n");
    let shown = shop.run(&["build"]);
    assert!(shown.starts_with("exit: 1") && shown.contains("failed to build the image of"), "{shown}");
    assert!(shown.contains("nowhere"), "{shown}");
    fs::remove_file(shop.context.path(&dockerfile)).unwrap();
    let shown = shop.run(&["build"]);
    assert!(shown.contains(&format!("there is no `services/{}/Dockerfile`", shop.services[0])), "{shown}");
    assert!(!shown.contains("Compiling"), "it is told of before anything is compiled: {shown}");
    let shown = shop.run(&["build", "gamma"]);
    assert!(shown.starts_with("exit: 2") && shown.contains("there is no service `gamma`"), "{shown}");
}

#[test]
#[ignore = "needs docker"]
fn the_last_stage_gets_the_sources_without_what_is_ignored() {
    let shop = Shop::new(None);
    shop.context.write("shop/target/large", "x");
    let shown = shop.run(&["build", "--in-container", "--output", "json"]);
    assert!(shown.starts_with("exit: 0"), "{shown}");
    let image = shown.split('"').find(|text| text.starts_with("ecomctl.local/")).unwrap().to_owned();
    let config =
        printed("docker", &["image", "inspect", "--format", "{{.Config.User}} {{.Config.Labels}}", &image]);
    assert!(config.starts_with("65532:65532") && config.contains("inputs:sha256:"), "{config}");
    let here: Vec<String> = shop.build().into_iter().map(|(tag, _)| tag).collect();
    assert!(here.iter().all(|tag| !shown.contains(tag.as_str())), "what compiles is an input");
}

#[test]
#[ignore = "needs docker"]
fn engines_are_found_by_host_and_by_context() {
    let shop = Shop::new(None);
    // Serves the engine's socket by TCP.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = UnixStream::connect("/var/run/docker.sock").unwrap();
            let (mut a, mut b) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut a, &mut b));
            let (mut a, mut b) = (server, client);
            thread::spawn(move || {
                let _ = std::io::copy(&mut a, &mut b);
                let _ = b.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    let run = |name: &str, value: &str| {
        let output = shop.command(&["build"]).env(name, value).output().unwrap();
        shop.context.show(&output)
    };
    let shown = run("DOCKER_HOST", &address);
    assert!(shown.starts_with("exit: 0"), "{shown}");
    let shown = run("DOCKER_HOST", "tcp://127.0.0.1:1");
    assert!(
        shown.starts_with("exit: 1") && shown.contains("no Docker engine answers at `tcp://127.0.0.1:1`"),
        "{shown}"
    );
    assert!(shown.contains("hint: start Docker"), "{shown}");
    let shown = run("DOCKER_HOST", "ssh://you@example.com");
    assert!(shown.contains("is no address of an engine that can be used"), "{shown}");
    let shown = run("DOCKER_CONTEXT", "nowhere");
    assert!(shown.contains("failed to use the Docker context `nowhere`"), "{shown}");
    let id = printed("sh", &["-c", "printf far | sha256sum | cut -d' ' -f1"]);
    let meta = shop.context.home().join(".docker/contexts/meta").join(id);
    fs::create_dir_all(&meta).unwrap();
    let text = format!(r#"{{"Name": "far", "Endpoints": {{"docker": {{"Host": "{address}"}}}}}}"#);
    fs::write(meta.join("meta.json"), text).unwrap();
    fs::write(shop.context.home().join(".docker/config.json"), r#"{"currentContext": "far"}"#).unwrap();
    let doctor = shop.run(&["doctor", "build"]);
    assert!(doctor.contains(&format!("at {address} (context `far`)")), "{doctor}");
}

#[test]
#[ignore = "needs docker"]
fn ctrl_c_stops_the_engine_too() {
    let shop = Shop::new(None);
    // A step that takes a minute, in an image made of this machine's own files.
    let folder = shop.context.path("base");
    fs::create_dir(&folder).unwrap();
    shop.context
        .write("base/sleep.rs", "fn main() { std::thread::sleep(std::time::Duration::from_secs(60)) }");
    let program = folder.join("sleep");
    let source = folder.join("sleep.rs");
    printed(
        "rustc",
        &["-C", "target-feature=+crt-static", source.to_str().unwrap(), "-o", program.to_str().unwrap()],
    );
    let dockerfile = format!("shop/services/{}/Dockerfile", shop.services[0]);
    fs::copy(&program, shop.context.path(&format!("shop/services/{}/sleep", shop.services[0]))).unwrap();
    let steps = format!("FROM scratch\nCOPY services/{}/sleep /sleep\nRUN [\"/sleep\"]\n", shop.services[0]);
    shop.context.write(&dockerfile, &steps);
    let mut command = shop.command(&["build", &shop.services[0], "--in-container"]);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let containers = || printed("docker", &["ps", "--no-trunc", "--format", "{{.ID}} {{.Command}}"]);
    let sleeping = || containers().lines().filter(|line| line.contains("/sleep")).count();
    let wait = |wanted: bool| {
        let deadline = Instant::now() + Duration::from_secs(30);
        while (sleeping() > 0) != wanted {
            assert!(Instant::now() < deadline, "no change: {}", containers());
            thread::sleep(Duration::from_millis(50));
        }
    };
    wait(true);
    printed("kill", &["-INT", &running.id().to_string()]);
    let status = running.wait().unwrap();
    let lines: Vec<String> =
        BufReader::new(running.stderr.take().unwrap()).lines().map_while(Result::ok).collect();
    assert_eq!(status.code(), Some(130), "{lines:?}");
    wait(false);
}

#[test]
#[ignore = "needs docker"]
fn images_are_listed_and_pruned() {
    let shop = Shop::new(None);
    let old = shop.build();
    shop.change("shop", 0, "changed");
    let new = shop.build();
    let listed = shop.succeed(&["images"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    assert!(listed.contains(&old[0].0) && listed.contains(&new[0].0) && listed.contains(" MB"), "{listed}");
    let removed = shop.succeed(&["images", "prune"]);
    assert!(removed.contains(&old[0].0) && !removed.contains(&new[0].0), "{removed}");
    assert_eq!(shop.succeed(&["images"]).lines().count(), 2);
    assert_eq!(shop.build(), new.into_iter().map(|(tag, _)| (tag, false)).collect::<Vec<_>>());
    shop.succeed(&["images", "prune", "--all"]);
    assert_eq!(shop.succeed(&["images"]), "");
}
