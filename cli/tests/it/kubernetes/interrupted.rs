//! `kill -9` at any moment of a bootstrap: the next run goes on from there.

use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use super::cluster::{Cluster, kubectl, objects};
use super::shop::{SERVER, bootstrap, destroy, done, serving};
use crate::docker::rounds;
use crate::docker::shop::assert_sound;

#[test]
#[ignore = "needs kubernetes"]
fn a_killed_bootstrap_is_finished_by_the_next() {
    let cluster = Cluster::take();
    let shop = serving("");
    let began = Instant::now();
    done(&shop, bootstrap(&shop, &[]));
    let whole = began.elapsed();
    let names = || {
        let stable = |object: &String| !object.starts_with("Pod/") && !object.starts_with("ReplicaSet/");
        objects().into_iter().filter(stable).collect::<Vec<_>>()
    };
    let expected = names();
    for round in 0..rounds(3, 20) {
        // From nothing, or from what an earlier round has left.
        let from_nothing = round % 3 == 0;
        if from_nothing {
            destroy(&shop);
        }
        shop.context.write(&shop.main_of(0), &SERVER.replace("\"hello\"", &format!("\"hello {round}\"")));
        let longest = if from_nothing { whole } else { whole / 4 };
        let mut running = bootstrap(&shop, &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(longest.mul_f64(rand::random::<f64>()).min(Duration::from_mins(1)));
        let _ = running.kill();
        running.wait().unwrap();
        if round % 2 == 0 {
            done(&shop, bootstrap(&shop, &[]));
            assert_eq!(names(), expected, "round {round}");
        }
    }
    done(&shop, bootstrap(&shop, &[]));
    assert_eq!(names(), expected);
    assert_sound(&shop.folder());
    let pod = kubectl(&[
        "-n",
        "argocd",
        "get",
        "pod",
        "-l",
        "app.kubernetes.io/name=ecomctl-git-ecommerce",
        "-o",
        "name",
    ]);
    let fsck = [
        "-n",
        "argocd",
        "exec",
        &pod,
        "--",
        "git",
        "-C",
        "/srv/git/ecommerce.git",
        "fsck",
        "--full",
        "--strict",
    ];
    kubectl(&fsck);
    let deployed =
        ["-n", "argocd", "exec", &pod, "--", "git", "-C", "/srv/git/ecommerce.git", "rev-parse", "main"];
    assert_eq!(kubectl(&deployed), shop.git(&["rev-parse", "main"]).trim());
    destroy(&shop);
    cluster.assert_as_before();
}
