//! `destroy` removes what ecomctl has made, and nothing else.

use super::cluster::{Cluster, kubectl, objects};
use super::shop::{bootstrap, destroy, done, on_cluster, serving};

#[test]
#[ignore = "needs kubernetes"]
fn destroy_works_without_argo_cd_and_leaves_what_is_not_its_own() {
    let cluster = Cluster::take();
    let shop = serving("");
    done(&shop, bootstrap(&shop, &[]));
    // Not asked, nothing is removed.
    let refused = on_cluster(shop.command(&["destroy"])).output().unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", shop.context.show(&refused));
    // What syncs it goes, and the shop stays.
    done(&shop, on_cluster(shop.command(&["destroy", "--yes", "--keep-workloads"])));
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
