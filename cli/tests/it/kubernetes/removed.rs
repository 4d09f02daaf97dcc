//! `destroy` removes what ecomctl has made, and nothing else.

use std::fs;
use std::process::Command;

use super::cluster::{Cluster, kubectl, objects, program};
use super::shop::{bootstrap, context, destroy, done, on_cluster, serving};
use crate::docker::shop::printed;

#[test]
#[ignore = "needs kubernetes"]
fn destroy_works_without_argo_cd_and_leaves_what_is_not_its_own() {
    let cluster = Cluster::take();
    let shop = serving("");
    done(&shop, bootstrap(&shop, &[]));
    // Not asked, nothing is removed.
    let refused = on_cluster(shop.command(&["destroy", "--context", &context()])).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", shop.context.show(&refused));
    let refused = on_cluster(shop.command(&["destroy", "--yes"])).output().unwrap();
    let shown = shop.context.show(&refused);
    assert!(shown.starts_with("exit: 2") && shown.contains("which is the current context"), "{shown}");
    // What syncs it goes, and the shop stays.
    done(&shop, on_cluster(shop.command(&["destroy", "--yes", "--keep-workloads", "--context", &context()])));
    let left = objects();
    assert!(left.iter().any(|object| object.starts_with("Deployment/ecommerce/alpha-")), "{left:?}");
    assert!(!left.iter().any(|object| object.contains("argocd")), "{left:?}");
    // It is taken up again; then its controller is down.
    done(&shop, bootstrap(&shop, &[]));
    kubectl(&["-n", "argocd", "scale", "statefulset", "argocd-application-controller", "--replicas=0"]);
    kubectl(&[
        "-n",
        "argocd",
        "wait",
        "--for=delete",
        "pod/argocd-application-controller-0",
        "--timeout=60s",
    ]);
    kubectl(&["-n", "default", "create", "configmap", "mine", "--from-literal=a=b"]);
    destroy(&shop);
    assert_eq!(kubectl(&["-n", "default", "get", "configmap", "mine", "-o", "name"]), "configmap/mine");
    kubectl(&["-n", "default", "delete", "configmap", "mine"]);
    cluster.assert_as_before();
}

#[test]
#[ignore = "needs kubernetes"]
fn what_somebody_else_has_made_is_not_taken_over() {
    let cluster = Cluster::take();
    let shop = serving("");
    let refused = |command: &mut Command, words: &[&str]| {
        let output = command.output().unwrap();
        let shown = shop.context.show(&output);
        assert_eq!(output.status.code(), Some(1), "{shown}");
        assert!(words.iter().all(|word| shown.contains(word)), "{shown}");
    };
    kubectl(&["create", "namespace", "ecommerce"]);
    refused(&mut bootstrap(&shop, &[]), &["namespace `ecommerce` is there, and ecomctl has not made it"]);
    kubectl(&["delete", "namespace", "ecommerce"]);

    // An Argo CD of somebody else's.
    let manifest = fs::read_to_string(printed(&program().display().to_string(), &["argocd"])).unwrap();
    shop.context
        .write("install.yaml", &manifest.replace("imagePullPolicy: Always", "imagePullPolicy: IfNotPresent"));
    let file = shop.context.path("install.yaml").display().to_string();
    kubectl(&["create", "namespace", "argocd"]);
    kubectl(&["-n", "argocd", "apply", "--server-side", "-f", &file]);
    kubectl(&[
        "-n",
        "argocd",
        "rollout",
        "status",
        "statefulset",
        "argocd-application-controller",
        "--timeout=120s",
    ]);
    kubectl(&["-n", "argocd", "wait", "--for=condition=Available", "deployment", "--all", "--timeout=120s"]);
    let theirs = || {
        let lasts = |object: &String| !object.starts_with("Pod/") && !object.starts_with("ReplicaSet/");
        objects().into_iter().filter(lasts).collect::<Vec<_>>()
    };
    // It makes this one itself, a moment after it starts.
    kubectl(&["-n", "argocd", "wait", "--for=create", "appproject/default", "--timeout=60s"]);
    let before = theirs();
    refused(
        &mut bootstrap(&shop, &[]),
        &["an Argo CD that ecomctl has not installed", "hint: `--adopt` uses it"],
    );
    done(&shop, bootstrap(&shop, &["--adopt"]));
    // That it was adopted is seen by what it deploys.
    let planned = bootstrap(&shop, &["--plan"]).output().unwrap();
    assert_eq!(planned.status.code(), Some(0), "{}", shop.context.show(&planned));
    destroy(&shop);
    assert_eq!(theirs(), before);
    for kind in ["clusterrolebinding", "clusterrole", "crd"] {
        kubectl(&["delete", kind, "-l", "app.kubernetes.io/part-of=argocd"]);
    }
    kubectl(&["delete", "namespace", "argocd"]);
    cluster.assert_as_before();
}
