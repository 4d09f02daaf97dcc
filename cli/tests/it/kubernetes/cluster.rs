//! The cluster, which one test has at a time.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::context::repository;
use crate::docker::shop::printed;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The cluster, empty.
pub(crate) struct Cluster {
    _alone: MutexGuard<'static, ()>,
    /// What there was before.
    before: BTreeSet<String>,
}

/// Where the ingress of class `kong` answers.
pub(crate) const GATEWAY: &str = "http://127.0.0.1:8880";
/// The address of this machine for pods.
pub(crate) const HOST: &str = "10.88.0.1";

/// Returns the program that the test cluster is ruled by.
pub(crate) fn program() -> PathBuf {
    let given = std::env::var_os("TESTCLUSTER").map(PathBuf::from);
    given.unwrap_or_else(|| repository().join("../shared/testcluster/cluster"))
}

/// Returns the kubeconfig of the cluster.
pub(crate) fn kubeconfig() -> PathBuf {
    std::env::var_os("KUBECONFIG").expect("KUBECONFIG names a cluster: see `.ci/run`").into()
}

/// Returns what kubectl prints.
pub(crate) fn kubectl(args: &[&str]) -> String {
    kubectl_of(&kubeconfig().display().to_string(), args)
}

/// Returns what kubectl prints that uses another kubeconfig.
pub(crate) fn kubectl_of(kubeconfig: &str, args: &[&str]) -> String {
    printed(&program().display().to_string(), &[&["kubectl", "--kubeconfig", kubeconfig], args].concat())
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_mins(1);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(500));
    }
}

/// Returns an object as JSON.
pub(crate) fn object(namespace: &str, kind: &str, name: &str) -> Value {
    serde_json::from_str(&kubectl(&["-n", namespace, "get", kind, name, "-o", "json"])).unwrap()
}

/// Kinds of which objects are counted: all that ecomctl, Argo CD or a shop makes, and not what the cluster makes of itself.
const KINDS: &str = "applications.argoproj.io,appprojects.argoproj.io,clusterroles,clusterrolebindings,configmaps,\
    customresourcedefinitions,deployments,ingresses,namespaces,networkpolicies,persistentvolumeclaims,poddisruptionbudgets,pods,replicasets,\
    roles,rolebindings,secrets,serviceaccounts,services,statefulsets";

impl Cluster {
    /// Waits for the others, and returns the cluster without what a failed test has left.
    pub(crate) fn take() -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        clean();
        Self { _alone: alone, before: objects() }
    }

    /// Asserts that the cluster has what it had at first, and nothing else.
    pub(crate) fn assert_as_before(&self) {
        let after = objects();
        let more: Vec<_> = after.difference(&self.before).collect();
        let less: Vec<_> = self.before.difference(&after).collect();
        assert!(more.is_empty() && less.is_empty(), "more: {more:?}, less: {less:?}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        clean();
    }
}

/// Returns the keys of all objects.
pub(crate) fn objects() -> BTreeSet<String> {
    let has_argocd = kubectl(&["get", "crd", "-o", "name"]).contains("applications.argoproj.io");
    let kinds = KINDS.split(',').filter(|kind| has_argocd || !kind.ends_with("argoproj.io"));
    let kinds: Vec<&str> = kinds.collect();
    let template = "{range .items[*]}{.kind}/{.metadata.namespace}/{.metadata.name}{\"\\n\"}{end}";
    let listed = kubectl(&["get", &kinds.join(","), "-A", "-o", &format!("jsonpath={template}")]);
    listed.lines().map(ToOwned::to_owned).collect()
}

/// Removes what a test that failed has left: whatever it was doing.
fn clean() {
    // Never fails: it also runs while a test that has failed unwinds.
    let quiet = |args: &[&str]| {
        let mut command = Command::new(program());
        command.args(["kubectl", "--kubeconfig"]).arg(kubeconfig()).args(args);
        let output = command.output().map(|output| output.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).into_owned()
    };
    let delete = |args: &[&str]| quiet(&[&["delete", "--timeout=120s", "--ignore-not-found"], args].concat());
    let namespaces = quiet(&["get", "namespaces", "-o", "name"]);
    let left: Vec<&str> = namespaces
        .lines()
        .filter(|name| ["namespace/argocd", "namespace/ecommerce"].iter().any(|own| name.starts_with(own)))
        .collect();
    let definitions = quiet(&["get", "crd", "-l", "app.kubernetes.io/part-of=argocd", "-o", "name"]);
    if left.is_empty() && definitions.is_empty() {
        return;
    }
    // Nobody makes again what goes.
    delete(&["-n", "argocd", "statefulset", "argocd-application-controller", "--cascade=foreground"]);
    for name in quiet(&["get", "applications.argoproj.io", "-n", "argocd", "-o", "name"]).lines() {
        let free = r#"{"metadata": {"finalizers": null}}"#;
        quiet(&["-n", "argocd", "patch", name, "--type=merge", "-p", free]);
        delete(&["-n", "argocd", name, "--wait=false"]);
    }
    for name in left {
        delete(&[name, "--grace-period=1"]);
    }
    for kind in ["clusterrolebinding", "clusterrole", "crd"] {
        delete(&[kind, "-l", "app.kubernetes.io/part-of=argocd"]);
    }
}

/// Makes a `minikube` in `folder`: one that is stopped until it is started, and whose cluster is the test's.
pub(crate) fn minikube(folder: &Path, kubeconfig: &Path) {
    let script = format!(
        r#"#!/bin/sh
# Stands for minikube, which cannot fetch its machine here: the same commands, done to the test's cluster.
state="$(dirname "$0")/started"
case "$1 $2" in
"status "*) if [ -e "$state" ]; then echo '{{"Name":"minikube","Host":"Running","Kubelet":"Running","APIServer":"Running","Kubeconfig":"Configured"}}'
    else echo '{{"Name":"minikube","Host":"Nonexistent","Kubelet":"Nonexistent","APIServer":"Nonexistent"}}'; exit 85; fi ;;
"start "*) echo "* minikube on a test"; echo "$*" >"$(dirname "$0")/arguments"
    '{cluster}' kubectl --kubeconfig '{source}' config view --raw --minify --flatten >'{kubeconfig}'
    name="$('{cluster}' kubectl --kubeconfig '{kubeconfig}' config current-context)"
    '{cluster}' kubectl --kubeconfig '{kubeconfig}' config rename-context "$name" minikube >&2; touch "$state" ;;
"image load") exec '{cluster}' load "$3" ;;
*) echo "unknown command $*" >&2; exit 64 ;;
esac
"#,
        source = self::kubeconfig().display(),
        kubeconfig = kubeconfig.display(),
        cluster = program().display(),
    );
    let path = folder.join("minikube");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}
