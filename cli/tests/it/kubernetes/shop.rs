//! A shop of two services that compile in seconds and serve, and the commands of a user who deploys it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::cluster::{GATEWAY, HOST, kubeconfig, kubectl, program};
use crate::docker::registry::free_address;
use crate::docker::shop::{Shop, printed};

/// Answers every request on both ports with one line, and ends when it is told to.
pub(crate) const SERVER: &str = r#"//! A service.
use std::io::{Read, Write};
use std::net::TcpListener;

unsafe extern "C" {
    fn signal(number: i32, handler: extern "C" fn(i32)) -> usize;
    fn _exit(code: i32) -> !;
}

extern "C" fn end(_: i32) {
    unsafe { _exit(0) }
}

fn serve(variable: &str) {
    let port: u16 = std::env::var(variable).unwrap().parse().unwrap();
    let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
    for mut client in listener.incoming().flatten() {
        std::thread::spawn(move || {
            let mut request = [0; 4096];
            let _ = client.read(&mut request);
            let body = "hello";
            let _ = write!(client, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        });
    }
}

fn main() {
    unsafe { signal(15, end) };
    println!("it serves");
    std::thread::spawn(|| serve("ADMIN_PORT"));
    serve("HTTP_PORT");
}
"#;

/// How a spec uses the gateway that the test cluster has.
pub(crate) const GATEWAY_SPEC: &str = "gateway: {managed: false}\n";

/// Returns a shop whose spec begins with `header`, and whose services have no store and two replicas.
pub(crate) fn serving(header: &str) -> Shop {
    Shop::of(
        &format!("{GATEWAY_SPEC}{header}"),
        ", store: none, resources: {requests: {cpu: 10m, memory: 16Mi}}",
        SERVER,
    )
}

/// Returns a command on the test's cluster, with what it needs of this machine.
pub(crate) fn on_cluster(mut command: Command) -> Command {
    let manifest = printed(&program().display().to_string(), &["argocd"]);
    command.env("KUBECONFIG", kubeconfig()).env("ECOMCTL_ARGOCD_MANIFEST", manifest);
    command.env("ECOMCTL_URL", GATEWAY);
    command.envs(std::env::var_os("DOCKER_HOST").map(|host| ("DOCKER_HOST", host)));
    command
}

/// Returns `ecomctl bootstrap` of a shop, whose images are loaded if it has no registry.
pub(crate) fn bootstrap(shop: &Shop, args: &[&str]) -> Command {
    let mut command = on_cluster(shop.command(&[&["bootstrap", "--provider", "existing"], args].concat()));
    if !shop.context.read("shop/ecomctl.yaml").contains("registry:") {
        command.env("ECOMCTL_LOAD_WITH", format!("{} load", program().display()));
    }
    command
}

/// Returns what a command did, which must succeed.
pub(crate) fn done(shop: &Shop, mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", shop.context.show(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Removes all from the cluster.
pub(crate) fn destroy(shop: &Shop) {
    done(shop, on_cluster(shop.command(&["destroy", "--yes", "--context", &context()])));
}

/// Whom repositories are served to.
#[derive(Clone, Copy)]
pub(crate) enum Served {
    Nobody,
    Readers,
    Writers,
}

/// Serves a user's repositories to the cluster until this is dropped.
pub(crate) struct GitDaemon {
    process: Child,
    /// The port on this machine's address for pods.
    pub(crate) port: u16,
}

impl GitDaemon {
    /// Serves the repositories below `folder`: to nobody, to readers, or to those who push too.
    pub(crate) fn start(folder: &std::path::Path, port: u16, to: Served) -> Self {
        let mut command = Command::new("git");
        command.args(["daemon", "--reuseaddr", &format!("--listen={HOST}"), &format!("--port={port}")]);
        command.arg(format!("--base-path={}", folder.display()));
        command.args(match to {
            Served::Nobody => &[][..],
            Served::Readers => &["--export-all"],
            Served::Writers => &["--export-all", "--enable=receive-pack"],
        });
        command
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "safe.directory")
            .env("GIT_CONFIG_VALUE_0", "*");
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect((HOST, port)).is_err() {
            assert!(Instant::now() < deadline, "git daemon does not start");
            thread::sleep(Duration::from_millis(20));
        }
        Self { process, port }
    }
}

impl Drop for GitDaemon {
    fn drop(&mut self) {
        // It has a child that serves.
        let _ = Command::new("pkill").args(["-TERM", "-P", &self.process.id().to_string()]).status();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the current context of the kubeconfig.
pub(crate) fn context() -> String {
    kubectl(&["config", "current-context"])
}

pub(crate) fn free_port() -> u16 {
    free_address().rsplit(':').next().unwrap().parse().unwrap()
}

/// Runs a command until a line of stderr has `words`, does `then`, and returns how the command ended, and how long that took.
pub(crate) fn at_line(mut command: Command, words: &str, then: impl FnOnce()) -> (Output, Duration) {
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let mut found = false;
    for line in lines.by_ref().map_while(Result::ok) {
        said = said + &line + "\n";
        if line.contains(words) {
            found = true;
            break;
        }
    }
    assert!(found, "`{words}` is not in {said}");
    then();
    let began = Instant::now();
    for line in lines.map_while(Result::ok) {
        said = said + &line + "\n";
    }
    let mut stdout = Vec::new();
    running.stdout.take().unwrap().read_to_end(&mut stdout).unwrap();
    let status = running.wait().unwrap();
    (Output { status, stdout, stderr: said.into_bytes() }, began.elapsed())
}
