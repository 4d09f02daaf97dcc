//! What is committed reaches the cluster, and nothing else stays there.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::cluster::{Cluster, GATEWAY, eventually, kubectl, object};
use super::shop::{SERVER, bootstrap, destroy, done, on_cluster, serving};

fn get(path: &str) -> Option<String> {
    let output =
        Command::new("curl").args(["-sf", "-m", "30", &format!("{GATEWAY}{path}")]).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
#[ignore = "needs kubernetes"]
fn a_commit_arrives_a_hand_edit_is_healed_and_a_new_image_loses_no_request() {
    let cluster = Cluster::take();
    let shop = serving("");
    done(&shop, bootstrap(&shop, &[]));
    let alpha = shop.services[0].clone();
    assert_eq!(get("/at-5003").as_deref(), Some("hello"));

    // A hand edit.
    kubectl(&["-n", "ecommerce", "scale", "deployment", &alpha, "--replicas=0"]);
    eventually("the hand edit is healed", || {
        object("ecommerce", "deployment", &alpha)["spec"]["replicas"] == 2
    });
    eventually("the shop answers again", || get("/at-5003").is_some());

    // A new image, under load.
    let (ended, failed, sent) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let requests = thread::spawn({
        let (ended, failed, sent) = (ended.clone(), failed.clone(), sent.clone());
        move || {
            while !ended.load(Ordering::Relaxed) {
                sent.fetch_add(1, Ordering::Relaxed);
                if get("/at-5003").is_none() {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    });
    shop.context.write(&shop.main_of(0), &SERVER.replace("\"hello\"", "\"welcome\""));
    shop.git(&["commit", "--quiet", "--all", "--message", "be polite"]);
    done(&shop, bootstrap(&shop, &[]));
    done(&shop, on_cluster(shop.command(&["verify", "--live"])));
    eventually("the router sends to the new pods alone", || get("/at-5003").as_deref() == Some("welcome"));
    let terminating = || kubectl(&["-n", "ecommerce", "get", "pods", "-o", "name"]).lines().count() > 4;
    eventually("the old pods are gone", || !terminating());
    ended.store(true, Ordering::Relaxed);
    requests.join().unwrap();
    assert!(sent.load(Ordering::Relaxed) > 50);
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {} requests", sent.load(Ordering::Relaxed));

    // A commit that a colleague could have made.
    let spec =
        shop.context.read("shop/ecomctl.yaml").replace("path: /at-5001,", "path: /at-5001, replicas: 1,");
    shop.context.write("shop/ecomctl.yaml", &spec);
    shop.git(&["commit", "--quiet", "--all", "--message", "one is enough"]);
    done(&shop, bootstrap(&shop, &[]));
    assert_eq!(object("ecommerce", "deployment", &shop.services[1])["spec"]["replicas"], 1);

    // A service that is no longer declared.
    let spec = shop.context.read("shop/ecomctl.yaml");
    let kept: Vec<&str> = spec.lines().filter(|line| !line.contains(&shop.services[1])).collect();
    shop.context.write("shop/ecomctl.yaml", &format!("{}\n", kept.join("\n")));
    shop.git(&["commit", "--quiet", "--all", "--message", "no more of that"]);
    done(&shop, bootstrap(&shop, &[]));
    eventually("the service is pruned", || {
        !kubectl(&["-n", "ecommerce", "get", "deployments", "-o", "name"]).contains(&shop.services[1])
    });
    destroy(&shop);
    cluster.assert_as_before();
}
