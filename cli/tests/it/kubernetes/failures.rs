//! What cannot work is told with its cause, soon, and leaves nothing half-made.

use std::fs;
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::cluster::{Cluster, HOST, kubeconfig, kubectl, kubectl_of};
use super::shop::{GitDaemon, Served, at_line, bootstrap, destroy, done, free_port, serving};
use crate::docker::registry::Registry;
use crate::docker::shop::{Shop, assert_sound, printed};

/// Longest time until a cause is named.
const SOON: Duration = Duration::from_secs(30);

fn fails(shop: &Shop, mut command: Command, words: &[&str]) -> String {
    let began = Instant::now();
    let output = command.output().unwrap();
    let shown = shop.context.show(&output);
    assert!(!output.status.success(), "{shown}");
    assert!(began.elapsed() < SOON, "{:?}: {shown}", began.elapsed());
    for word in words {
        assert!(shown.contains(word), "`{word}` is not in {shown}");
    }
    shown
}

#[test]
#[ignore = "needs kubernetes"]
fn a_cluster_that_is_none_or_gives_no_rights_is_told_before_anything_is_written() {
    let cluster = Cluster::take();
    let shop = serving("");
    let head = shop.git(&["rev-parse", "HEAD"]);
    let with = |config: PathBuf, args: &[&str]| {
        let mut command = bootstrap(&shop, args);
        command.env("KUBECONFIG", config);
        command
    };
    fails(&shop, with(shop.context.path("nowhere"), &[]), &["exit: 2", "no kubeconfig names a cluster"]);
    shop.context.write("broken", "clusters: [");
    fails(
        &shop,
        with(shop.context.path("broken"), &[]),
        &["exit: 2", "no kubeconfig names a cluster", "broken"],
    );
    fails(
        &shop,
        bootstrap(&shop, &["--context", "other"]),
        &["exit: 2", "has no context `other`", "hint: it has "],
    );
    let server = kubectl(&["config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"]);
    let closed = fs::read_to_string(kubeconfig())
        .unwrap()
        .replace(&server, &format!("https://127.0.0.1:{}", free_port()));
    shop.context.write("closed", &closed);
    fails(&shop, with(shop.context.path("closed"), &[]), &["exit: 1", "does not answer: ", "refused"]);

    kubectl(&["-n", "default", "create", "serviceaccount", "nobody"]);
    let token = kubectl(&["-n", "default", "create", "token", "nobody"]);
    let own = shop.context.path("nobody").display().to_string();
    fs::copy(kubeconfig(), &own).unwrap();
    let config = |args: &[&str]| kubectl_of(&own, &[&["config"], args].concat());
    config(&["set-credentials", "nobody", &format!("--token={token}")]);
    config(&["set-context", "--current", "--user=nobody"]);
    let shown = fails(&shop, with(own.clone().into(), &[]), &["exit: 1"]);
    assert!(shown.contains("you may not do this") || shown.contains("refuses to"), "{shown}");
    config(&["set-credentials", "nobody", "--token=wrong"]);
    fails(&shop, with(own.into(), &[]), &["exit: 1", "does not accept your credentials"]);
    kubectl(&["-n", "default", "delete", "serviceaccount", "nobody"]);
    assert_eq!(shop.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(shop.git(&["status", "--porcelain"]), "");
    cluster.assert_as_before();
}

/// A way to the API server that can be cut.
struct Way {
    address: String,
    is_open: Arc<AtomicBool>,
    connections: Arc<Mutex<Vec<TcpStream>>>,
}

impl Way {
    fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let is_open = Arc::new(AtomicBool::new(true));
        let connections = Arc::new(Mutex::new(Vec::new()));
        thread::spawn({
            let (is_open, connections) = (is_open.clone(), connections.clone());
            move || {
                for client in listener.incoming().flatten() {
                    if !is_open.load(Ordering::Relaxed) {
                        continue;
                    }
                    let server = TcpStream::connect(&target).unwrap();
                    connections
                        .lock()
                        .unwrap()
                        .extend([client.try_clone().unwrap(), server.try_clone().unwrap()]);
                    for (mut from, mut to) in
                        [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)]
                    {
                        thread::spawn(move || {
                            let _ = std::io::copy(&mut from, &mut to);
                            let _ = to.shutdown(Shutdown::Both);
                        });
                    }
                }
            }
        });
        Self { address, is_open, connections }
    }

    fn cut(&self) {
        self.is_open.store(false, Ordering::Relaxed);
        for connection in self.connections.lock().unwrap().drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

#[test]
#[ignore = "needs kubernetes"]
fn what_breaks_in_the_middle_is_told_and_the_next_run_goes_on() {
    let cluster = Cluster::take();
    let shop = serving("");
    let server = kubectl(&["config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"]);
    let way = Way::to(server.trim_start_matches("https://").to_owned());
    let config =
        fs::read_to_string(kubeconfig()).unwrap().replace(&server, &format!("https://{}", way.address));
    shop.context.write("way", &config);
    let mut command = bootstrap(&shop, &[]);
    command.env("KUBECONFIG", shop.context.path("way"));
    // The cluster is gone while Argo CD starts.
    let (output, took) = at_line(command, "argocd       waiting for", || way.cut());
    let shown = shop.context.show(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(took < SOON && shown.contains("does not answer"), "{took:?}: {shown}");

    // The disk is full: the project is on one of its own.
    let folder = shop.context.path("disk");
    fs::create_dir(&folder).unwrap();
    let disk = folder.display().to_string();
    printed("mount", &["-t", "tmpfs", "-o", "size=1m", "ecomctl-test", &disk]);
    let _unmounted = Unmounted(disk.clone());
    shop.context.git("", &["clone", "--quiet", "shop", "disk/shop"]);
    shop.context.git("disk/shop", &["remote", "remove", "origin"]);
    let here = |shop: &Shop| {
        let mut command = bootstrap(shop, &[]);
        command.current_dir(folder.join("shop")).env("CARGO_TARGET_DIR", shop.folder().join("target"));
        command
    };
    let mut filler = fs::File::create(folder.join("filler")).unwrap();
    while filler.write_all(&[0; 4096]).is_ok() {}
    let began = Instant::now();
    let output = here(&shop).output().unwrap();
    let shown = shop.context.show(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(began.elapsed() < SOON && shown.contains("No space left on device"), "{shown}");
    assert_sound(&folder.join("shop"));
    drop(filler);
    fs::remove_file(folder.join("filler")).unwrap();
    done(&shop, here(&shop));
    assert_sound(&folder.join("shop"));
    destroy(&shop);
    cluster.assert_as_before();
}

struct Unmounted(String);

impl Drop for Unmounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").args(["--lazy", &self.0]).status();
    }
}

#[test]
#[ignore = "needs kubernetes"]
fn what_argo_cd_or_a_node_cannot_get_is_told_at_once() {
    let cluster = Cluster::take();
    let registry = Registry::open();
    let port = free_port();
    let header =
        format!("registry: {}\ngit: {{url: \"git://{HOST}:{port}/remote.git\"}}\n", registry.address);
    let shop = serving(&header).with_remote();

    // A repository that is not for Argo CD.
    let daemon = GitDaemon::start(&shop.context.path(""), port, Served::Nobody);
    let (output, took) = at_line(bootstrap(&shop, &[]), "applications telling Argo CD", || ());
    let shown = shop.context.show(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(took < SOON && shown.contains("failed to list refs: repository not found"), "{took:?}: {shown}");
    assert!(shown.contains("hint: may Argo CD read that repository?"), "{shown}");
    drop(daemon);

    // An image that is not there any more: the registry is gone once it is pushed to.
    let _daemon = GitDaemon::start(&shop.context.path(""), port, Served::Readers);
    let (output, took) = at_line(bootstrap(&shop, &[]), "applications telling Argo CD", || drop(registry));
    let shown = shop.context.show(&output);
    assert_eq!(output.status.code(), Some(1), "{shown}");
    // Argo CD syncs, and the node tries twice, before there is something to be told.
    assert!(took < SOON * 2 && shown.contains("ImagePullBackOff"), "{took:?}: {shown}");
    assert!(shown.contains("hint: is the image where nodes look for it"), "{shown}");
    destroy(&shop);
    cluster.assert_as_before();
}
