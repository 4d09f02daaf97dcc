//! Argo CD's Application and AppProject, as far as ecomctl says something of them
//! (<https://argo-cd.readthedocs.io/en/stable/operator-manual/application-specification/>).

use std::collections::BTreeMap;

use kube::CustomResource;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where Argo CD runs, and where it looks for Applications.
pub const NAMESPACE: &str = "argocd";

/// The cluster that Argo CD runs in.
pub const IN_CLUSTER: &str = "https://kubernetes.default.svc";

/// What is synced from where to where.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(group = "argoproj.io", version = "v1alpha1", kind = "Application", namespaced)]
#[kube(schema = "disabled", derive = "PartialEq", doc = "What Argo CD syncs")]
#[serde(rename_all = "camelCase")]
pub struct ApplicationSpec {
    /// The project whose limits apply.
    pub project: String,
    /// Where the manifests are.
    pub source: ApplicationSource,
    /// Where they go.
    pub destination: Destination,
    /// When they go there.
    pub sync_policy: SyncPolicy,
}

/// A folder of a git repository, or a chart of a Helm repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationSource {
    /// The repository.
    #[serde(rename = "repoURL")]
    pub repo_url: String,
    /// The branch, tag or commit; of a chart, its version.
    pub target_revision: String,
    /// The folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart: Option<String>,
    /// How the chart is rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helm: Option<Helm>,
}

/// How a chart is rendered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Helm {
    /// The name of the release, which names its objects.
    pub release_name: String,
    /// Its values.
    pub values_object: Value,
}

/// A namespace of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// The API server.
    pub server: String,
    /// The namespace.
    pub namespace: String,
}

/// When and how Argo CD syncs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncPolicy {
    /// Sync without being asked.
    pub automated: Automated,
    /// How to apply.
    pub sync_options: Vec<String>,
    /// What the namespace is made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_namespace_metadata: Option<NamespaceMetadata>,
    /// What to do when a sync fails.
    pub retry: Retry,
}

/// What a namespace is made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceMetadata {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// Sync without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Automated {
    /// Delete what is no longer rendered.
    pub prune: bool,
    /// Undo changes made in the cluster.
    pub self_heal: bool,
}

/// What to do when a sync fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How often to try again; -1 is without end.
    pub limit: i64,
    /// Whether to try again with the newest commit instead of the one that failed.
    pub refresh: bool,
    /// The pauses.
    pub backoff: Backoff,
}

/// The pauses between tries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backoff {
    /// The first pause.
    pub duration: String,
    /// What it is multiplied with.
    pub factor: i64,
    /// The longest pause.
    pub max_duration: String,
}

/// What Applications may deploy, from where to where.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[kube(group = "argoproj.io", version = "v1alpha1", kind = "AppProject", namespaced)]
#[kube(schema = "disabled", derive = "PartialEq", doc = "The limits of Applications")]
#[serde(rename_all = "camelCase")]
pub struct AppProjectSpec {
    /// What it is for.
    pub description: String,
    /// The repositories that may be read.
    pub source_repos: Vec<String>,
    /// The namespaces that may be written to.
    pub destinations: Vec<Destination>,
    /// The kinds without a namespace that may be written.
    pub cluster_resource_whitelist: Vec<GroupKind>,
    /// The kinds in a namespace that may be written.
    pub namespace_resource_whitelist: Vec<GroupKind>,
}

/// A kind of object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupKind {
    /// The API group; the core group is empty.
    pub group: String,
    /// The kind.
    pub kind: String,
}
