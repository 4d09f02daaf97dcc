//! From an empty cluster to a shop that is synced, healthy and verified.

use std::fs;

use serde_json::Value;

use super::cluster::{Cluster, HOST, eventually, kubectl, minikube, objects};
use super::shop::{GitDaemon, Served, bootstrap, destroy, done, free_port, on_cluster, serving};
use crate::context::{TestContext, repository, with_cargo};
use crate::docker::registry::Registry;

/// Returns the objects with what changes when somebody changes them.
fn generations() -> String {
    let template = "{range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name} {.metadata.generation}{\"\\n\"}{end}";
    let kinds = "deployments,statefulsets,ingresses,networkpolicies,poddisruptionbudgets";
    let counted = kubectl(&["get", kinds, "-A", "-o", &format!("jsonpath={template}")]);
    // Of these, every change of the status is counted.
    let template = "{range .items[*]}{.kind}/{.metadata.name} {.spec}{\"\\n\"}{end}";
    let kinds = "applications.argoproj.io,appprojects.argoproj.io";
    counted + &kubectl(&["get", kinds, "-A", "-o", &format!("jsonpath={template}")])
}

#[test]
#[ignore = "needs kubernetes"]
fn a_laptop_without_an_account_gets_the_whole_loop() {
    let cluster = Cluster::take();
    let context = TestContext::empty().with_identity();
    // minikube is a stub that does the same to the test's cluster.
    let programs = context.path("programs");
    fs::create_dir_all(&programs).unwrap();
    let config = context.path("kubeconfig");
    minikube(&programs, &config);
    let ecomctl = |args: &[&str]| {
        let mut command = on_cluster(with_cargo(context.command(args)));
        command.current_dir(context.path("shop")).env("KUBECONFIG", &config);
        command.env("CARGO_TARGET_DIR", repository().join("target"));
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
        command.env("PATH", path);
        command.output().unwrap()
    };
    let succeed = |args: &[&str]| {
        let output = ecomctl(args);
        assert!(output.status.success(), "{args:?}: {}", context.show(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let made = with_cargo(context.command(&["init", "shop"])).output().unwrap();
    assert!(made.status.success(), "{}", context.show(&made));
    let spec =
        context.read("shop/ecomctl.yaml").replace("services:\n", "gateway: {managed: false}\nservices:\n");
    context.write("shop/ecomctl.yaml", &spec);
    context.git("shop", &["commit", "--quiet", "--all", "--message", "the gateway is there"]);

    let planned = ecomctl(&["bootstrap", "--plan"]);
    let told = context.show(&planned);
    assert_eq!(planned.status.code(), Some(3), "{told}");
    assert!(told.contains("start minikube `minikube` (4096 MiB memory, 2 CPUs)"), "{told}");
    assert!(!programs.join("started").exists(), "a plan starts nothing");
    cluster.assert_as_before();

    let report: Value = serde_json::from_str(&succeed(&["bootstrap", "--output", "json"])).unwrap();
    assert_eq!(report["changed"], true);
    assert_eq!(
        fs::read_to_string(programs.join("arguments")).unwrap(),
        "start --memory=4096 --cpus=2 --profile minikube\n"
    );
    let status: Value = serde_json::from_str(&succeed(&["status", "--output", "json"])).unwrap();
    let applications = status["applications"].as_array().unwrap();
    assert_eq!(applications.len(), 6, "{status}");
    for application in applications {
        assert_eq!(application["sync"], "Synced", "{application}");
        assert_eq!(application["health"], "Healthy", "{application}");
        assert_eq!(application["revision"], report["commit"], "{application}");
    }
    succeed(&["verify"]);
    let links: Value = serde_json::from_str(&succeed(&["verify", "--live", "--output", "json"])).unwrap();
    assert_eq!(links.as_array().unwrap().len(), 3, "{links}");
    let logs = succeed(&["logs", "--environment", "minikube", "product-service"]);
    assert!(logs.contains("listening"), "{logs}");

    let (before, head) = (generations(), context.git("shop", &["rev-parse", "HEAD"]));
    eventually("nothing is planned", || ecomctl(&["bootstrap", "--plan"]).status.code() == Some(0));
    let report: Value = serde_json::from_str(&succeed(&["bootstrap", "--output", "json"])).unwrap();
    assert_eq!(report["changed"], false, "{report}");
    assert_eq!(generations(), before);
    assert_eq!(context.git("shop", &["rev-parse", "HEAD"]), head);

    succeed(&["destroy", "--yes"]);
    cluster.assert_as_before();
}

#[test]
#[ignore = "needs kubernetes"]
fn a_team_with_a_registry_and_a_repository_gets_the_same() {
    let cluster = Cluster::take();
    let registry = Registry::with_login("you", "p/a+s=s");
    let port = free_port();
    let header =
        format!("registry: {}\nenvironments: {{minikube: {{pullSecret: pull}}}}\n", registry.address);
    let logged_in = |mut command: std::process::Command| {
        for kind in ["REGISTRY", "PULL"] {
            command.env(format!("ECOMCTL_{kind}_USERNAME"), "you");
            command.env(format!("ECOMCTL_{kind}_PASSWORD"), "p/a+s=s");
        }
        command.env("ECOMCTL_GIT_TOKEN", "t0ken");
        command
    };
    // Nothing is declared of the repository: it is what `origin` is.
    let shop = serving(&header).with_remote();
    let daemon = GitDaemon::start(&shop.context.path(""), port, Served::Writers);
    let url = format!("git://{HOST}:{port}/remote.git");
    shop.git(&["remote", "set-url", "origin", &url]);
    done(&shop, logged_in(bootstrap(&shop, &[])));
    assert!(shop.context.read("shop/ecomctl.yaml").contains(&format!("git:\n  url: {url}\n")));
    assert!(shop.git(&["log", "-1", "--format=%B"]).contains("Declared-by: ecomctl bootstrap"));
    assert_eq!(shop.git(&["status", "--porcelain"]), "");
    // The token is for https: Argo CD would refuse to read the git protocol with it.
    let label = "argocd.argoproj.io/secret-type=repository";
    assert_eq!(kubectl(&["-n", "argocd", "get", "secrets", "-l", label, "-o", "name"]), "");
    assert!(shop.lock().contains("manifest: sha256:"), "{}", shop.lock());
    let deployed =
        kubectl(&["-n", "ecommerce", "get", "pods", "-o", "jsonpath={.items[*].spec.containers[*].image}"]);
    assert!(deployed.split(' ').all(|image| image.contains("@sha256:")), "{deployed}");
    assert!(
        objects().iter().all(|object| !object.contains("ecomctl-git")),
        "no repository inside the cluster"
    );
    done(&shop, on_cluster(shop.command(&["verify", "--live"])));
    let report: Value =
        serde_json::from_str(&done(&shop, logged_in(bootstrap(&shop, &["--output", "json"])))).unwrap();
    assert_eq!(report["changed"], false, "{report}");

    // What an older Argo CD had that this one has not, and what somebody has changed in it.
    kubectl(&["-n", "argocd", "create", "configmap", "argocd-old"]);
    let labels = ["app.kubernetes.io/managed-by=ecomctl", "app.kubernetes.io/part-of=argocd"];
    kubectl(&["-n", "argocd", "label", "configmap", "argocd-old", labels[0], labels[1]]);
    kubectl(&["-n", "argocd", "delete", "service", "argocd-metrics"]);
    let edit = r#"{"data": {"controller.resource.health.persist": "false"}}"#;
    kubectl(&["-n", "argocd", "patch", "configmap", "argocd-cmd-params-cm", "--type=merge", "-p", edit]);
    let planned = logged_in(bootstrap(&shop, &["--plan"])).output().unwrap();
    let told = shop.context.show(&planned);
    assert_eq!(planned.status.code(), Some(3), "{told}");
    for words in [
        "create service `argocd/argocd-metrics`",
        "change configmap `argocd/argocd-cmd-params-cm`: data.controller.resource.health.persist",
        "delete configmap `argocd/argocd-old`",
    ] {
        assert!(told.contains(words), "`{words}` is not in {told}");
    }
    done(&shop, logged_in(bootstrap(&shop, &[])));
    eventually("nothing is planned", || {
        logged_in(bootstrap(&shop, &["--plan"])).output().unwrap().status.code() == Some(0)
    });
    assert_eq!(daemon.port, port);
    destroy(&shop);
    cluster.assert_as_before();
}
