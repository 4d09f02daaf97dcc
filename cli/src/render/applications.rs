//! What tells Argo CD to sync: the AppProject, the root Application, and one child Application a component.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::metadata::{self, annotations};
use super::{gateway, kong};
use crate::model::argocd::{
    self, AppProject, AppProjectSpec, Application, ApplicationSource, ApplicationSpec, Automated, Backoff,
    Destination, GroupKind, IN_CLUSTER, NamespaceMetadata, Retry, SyncPolicy,
};
use crate::model::manifests::{Component, Object};
use crate::model::resolve::{Gateway, ResolvedPlatform};

/// Makes Argo CD delete what an Application deployed when the Application is deleted.
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io/foreground";
/// Argo CD compares as the API server would apply, so defaults are no difference.
const COMPARE: (&str, &str) = ("argocd.argoproj.io/compare-options", "ServerSideDiff=true");
/// The order in which child Applications are synced.
const WAVE: &str = "argocd.argoproj.io/sync-wave";

/// Returns the AppProjects and the root Application.
pub(super) fn entry(platform: &ResolvedPlatform) -> Vec<Object> {
    let root = platform.root();
    let root = application(platform, &root, super::APPLICATIONS, argocd::NAMESPACE, annotations([COMPARE]));
    let mut objects = vec![Object::AppProject(Box::new(project(platform)))];
    if platform.gateway != Gateway::Existing {
        objects.push(Object::AppProject(Box::new(addons_project(platform))));
    }
    objects.push(root);
    objects
}

/// Returns an Application for each of `components`.
pub(super) fn children(platform: &ResolvedPlatform, components: &[Component]) -> Vec<Object> {
    let of_component = |component: &Component| {
        let name = platform.application(&component.name);
        let annotations = annotations([COMPARE, (WAVE, wave(&component.name))]);
        application(platform, &name, &component.name, &platform.namespace(), annotations)
    };
    gateway_itself(platform).into_iter().chain(components.iter().map(of_component)).collect()
}

/// Returns the Application that installs the gateway, before all that needs it.
fn gateway_itself(platform: &ResolvedPlatform) -> Option<Object> {
    let name = platform.application(kong::COMPONENT);
    let labels = metadata::labels(platform, kong::COMPONENT);
    let spec = ApplicationSpec {
        project: platform.addons_project(),
        source: kong::source(platform.gateway)?,
        destination: destination(kong::NAMESPACE.to_owned()),
        sync_policy: sync_policy(Some(NamespaceMetadata { labels })),
    };
    Some(object(platform, &name, annotations([COMPARE, (WAVE, "0")]), spec))
}

/// Namespace, then stores (3) and services, then the gateway; 0 to 1 is left to addons.
fn wave(component: &str) -> &'static str {
    match component {
        "base" => "2",
        gateway::COMPONENT => "5",
        _ => "4",
    }
}

fn application(
    platform: &ResolvedPlatform,
    name: &str,
    component: &str,
    namespace: &str,
    annotations: Option<BTreeMap<String, String>>,
) -> Object {
    let spec = ApplicationSpec {
        project: platform.namespace(),
        source: ApplicationSource {
            repo_url: platform.git_url.clone(),
            target_revision: platform.branch.clone(),
            path: Some(format!("generated/{}/{component}", platform.environment)),
            chart: None,
            helm: None,
        },
        destination: destination(namespace.to_owned()),
        sync_policy: sync_policy(None),
    };
    object(platform, name, annotations, spec)
}

fn sync_policy(managed_namespace_metadata: Option<NamespaceMetadata>) -> SyncPolicy {
    SyncPolicy {
        automated: Automated { prune: true, self_heal: true },
        sync_options: vec!["CreateNamespace=true".to_owned(), "ServerSideApply=true".to_owned()],
        managed_namespace_metadata,
        retry: Retry {
            limit: -1,
            refresh: true,
            backoff: Backoff { duration: "5s".to_owned(), factor: 2, max_duration: "1m".to_owned() },
        },
    }
}

fn object(
    platform: &ResolvedPlatform,
    name: &str,
    annotations: Option<BTreeMap<String, String>>,
    spec: ApplicationSpec,
) -> Object {
    let metadata =
        ObjectMeta { annotations, finalizers: Some(vec![FINALIZER.to_owned()]), ..in_argocd(platform, name) };
    Object::Application(Box::new(Application { metadata, spec }))
}

fn kind(group: &str, kind: &str) -> GroupKind {
    GroupKind { group: group.to_owned(), kind: kind.to_owned() }
}

/// What is installed beside the shop, from charts, and may have kinds of the whole cluster.
fn addons_project(platform: &ResolvedPlatform) -> AppProject {
    AppProject {
        metadata: in_argocd(platform, &platform.addons_project()),
        spec: AppProjectSpec {
            description: format!("What the {} platform needs in {}", platform.name, platform.environment),
            source_repos: vec![kong::CHARTS.to_owned()],
            destinations: vec![destination(kong::NAMESPACE.to_owned())],
            cluster_resource_whitelist: vec![
                kind("", "Namespace"),
                kind("apiextensions.k8s.io", "CustomResourceDefinition"),
                kind("networking.k8s.io", "IngressClass"),
                kind("rbac.authorization.k8s.io", "ClusterRole"),
                kind("rbac.authorization.k8s.io", "ClusterRoleBinding"),
            ],
            namespace_resource_whitelist: vec![kind("*", "*")],
        },
    }
}

fn project(platform: &ResolvedPlatform) -> AppProject {
    AppProject {
        metadata: in_argocd(platform, &platform.namespace()),
        spec: AppProjectSpec {
            description: format!("The {} platform in {}", platform.name, platform.environment),
            source_repos: vec![platform.git_url.clone()],
            destinations: vec![destination(platform.namespace()), destination(argocd::NAMESPACE.to_owned())],
            cluster_resource_whitelist: vec![kind("", "Namespace")],
            namespace_resource_whitelist: vec![
                kind("", "PersistentVolumeClaim"),
                kind("", "Service"),
                kind("", "ServiceAccount"),
                kind("apps", "Deployment"),
                kind("argoproj.io", "Application"),
                kind("autoscaling", "HorizontalPodAutoscaler"),
                kind("networking.k8s.io", "Ingress"),
                kind("networking.k8s.io", "NetworkPolicy"),
                kind("policy", "PodDisruptionBudget"),
            ],
        },
    }
}

fn destination(namespace: String) -> Destination {
    Destination { server: IN_CLUSTER.to_owned(), namespace }
}

fn in_argocd(platform: &ResolvedPlatform, name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(argocd::NAMESPACE.to_owned()),
        labels: Some(metadata::labels(platform, platform.name.as_str())),
        ..ObjectMeta::default()
    }
}
