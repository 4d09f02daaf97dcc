//! How long it takes to apply Argo CD's objects to an empty cluster, and again when nothing differs: ecomctl, and
//! `kubectl apply --server-side` of the same objects, in turns. No pods are started: what is measured is the applying.
//!
//! Needs a cluster that may be changed (`KUBECONFIG`), kubectl (`KUBECTL`), and Argo CD's install manifest
//! (`ECOMCTL_ARGOCD_MANIFEST`).
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use ecomctl::adapters::cluster::Cluster;
use ecomctl::model::object::AnyObject;
use ecomctl::plan::argocd::installation;
use ecomctl::yaml;
use serde_json::Value;

const ROUNDS: usize = 5;

fn kubectl(args: &[&str]) {
    let program = std::env::var("KUBECTL").unwrap_or_else(|_| "kubectl".to_owned());
    let words: Vec<&str> = program.split(' ').collect();
    let output = Command::new(words[0]).args(&words[1..]).args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The API server is busy for a while with what it was given: neither side pays for that of the other.
const PAUSE: Duration = Duration::from_secs(2);

fn clean() {
    kubectl(&["delete", "namespace", "argocd", "--ignore-not-found"]);
    for kind in ["clusterrolebinding", "clusterrole", "crd"] {
        kubectl(&["delete", kind, "-l", "app.kubernetes.io/part-of=argocd"]);
    }
}

fn middle(mut times: Vec<Duration>) -> String {
    times.sort();
    let seconds = |time: &Duration| format!("{:.2}", time.as_secs_f64());
    format!(
        "{} s ({} to {})",
        seconds(&times[times.len() / 2]),
        seconds(&times[0]),
        seconds(&times[times.len() - 1])
    )
}

fn main() {
    let file = std::env::var("ECOMCTL_ARGOCD_MANIFEST").expect("ECOMCTL_ARGOCD_MANIFEST names the manifest");
    let text = std::fs::read_to_string(file).unwrap();
    let mut documents: Vec<Value> = yaml::documents(&text).unwrap();
    for document in &mut documents {
        if ["Deployment", "StatefulSet"].contains(&document["kind"].as_str().unwrap()) {
            document["spec"]["replicas"] = 0.into();
        }
    }
    let objects: Vec<AnyObject> = installation(documents, "").unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let path = folder.path().join("objects.json");
    std::fs::write(&path, list.to_string()).unwrap();
    let path = path.display().to_string();
    let apply = ["apply", "--server-side", "--force-conflicts", "-f", &path];

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ours = || {
        thread::sleep(PAUSE);
        let began = Instant::now();
        let changed = runtime.block_on(async {
            let cluster = Cluster::connect(None).await.unwrap();
            let differences = cluster.differences(&objects).await.unwrap();
            cluster.apply(&differences).await.unwrap();
            differences.len()
        });
        (began.elapsed(), changed)
    };
    let theirs = || {
        thread::sleep(PAUSE);
        let began = Instant::now();
        kubectl(&apply);
        began.elapsed()
    };
    let mut times: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        clean();
        let (took, changed) = ours();
        assert_eq!(changed, objects.len());
        times[0].push(took);
        let (took, changed) = ours();
        assert_eq!(changed, 0);
        times[1].push(took);
        clean();
        times[2].push(theirs());
        times[3].push(theirs());
    }
    clean();
    let [first, again, kubectl_first, kubectl_again] = times.map(middle);
    println!("{} objects            ecomctl                    kubectl apply --server-side", objects.len());
    println!("on an empty cluster   {first:<26} {kubectl_first}");
    println!("nothing differs       {again:<26} {kubectl_again}");
}
