//! What Argo CD says of its Applications
//! (<https://argo-cd.readthedocs.io/en/stable/operator-manual/application-specification/>), as far as it is read.

use serde::Deserialize;

use super::object::ObjectKey;

/// Asks Argo CD to look at the repository now instead of at its next poll.
pub const REFRESH: &str = "argocd.argoproj.io/refresh";
/// Confirms the deletion of what is kept until somebody does.
pub const DELETION_APPROVED: &str = "argocd.argoproj.io/deletion-approved";
/// Says of which Application an object is.
pub const TRACKING: &str = "argocd.argoproj.io/tracking-id";

/// The status of an Application.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ApplicationStatus {
    /// Whether the cluster has what the repository says.
    pub sync: SyncStatus,
    /// Whether that works.
    pub health: Health,
    /// What is wrong with the Application itself.
    pub conditions: Vec<Condition>,
    /// The sync that is under way or was the last.
    pub operation_state: Option<OperationState>,
    /// What it deploys.
    pub resources: Vec<ResourceStatus>,
}

/// Whether the cluster has what the repository says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SyncStatus {
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub status: String,
    /// The commit, or the version of a chart.
    pub revision: String,
}

/// Whether something works.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Health {
    /// `Healthy`, `Progressing`, `Degraded`, `Suspended`, `Missing` or `Unknown`.
    pub status: String,
    /// Why.
    pub message: String,
}

/// Something that is wrong with an Application.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// Such as `ComparisonError`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is wrong.
    pub message: String,
}

impl Condition {
    /// Returns whether it keeps the Application from being synced.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.kind.ends_with("Error")
    }
}

/// A sync.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OperationState {
    /// `Running`, `Succeeded`, `Failed`, `Error` or `Terminating`.
    pub phase: String,
    /// What it says of itself.
    pub message: String,
    /// What became of the objects.
    pub sync_result: Option<SyncResult>,
}

/// What became of the objects of a sync.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SyncResult {
    /// The commit that was synced.
    pub revision: String,
    /// The objects.
    pub resources: Vec<ResourceResult>,
}

/// What became of an object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResourceResult {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `Synced`, `SyncFailed`, `Pruned`, `PruneSkipped`.
    pub status: String,
    /// What the API server said.
    pub message: String,
}

/// An object that an Application deploys.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ResourceStatus {
    /// Its API group.
    pub group: String,
    /// The version of the group.
    pub version: String,
    /// Its kind.
    pub kind: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// `Synced` or `OutOfSync`.
    pub status: String,
    /// Whether it works; nothing for kinds that cannot say.
    pub health: Option<Health>,
}

impl ResourceStatus {
    /// Returns the key of the object.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            group: self.group.clone(),
            version: self.version.clone(),
            kind: self.kind.clone(),
            namespace: self.namespace.clone().filter(|namespace| !namespace.is_empty()),
            name: self.name.clone(),
        }
    }
}

/// An Application in a cluster.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug)]
pub struct LiveApplication {
    /// Its name.
    pub name: String,
    /// Its project.
    pub project: String,
    /// The repository or chart repository that it reads.
    pub repo_url: String,
    /// Whether ecomctl has made it.
    pub is_made: bool,
    /// Whether it is being deleted.
    pub is_deleting: bool,
    /// Whether the deletion of what is kept was confirmed.
    pub is_approved: bool,
    /// Whether Argo CD was asked to look at the repository and has not yet.
    pub is_refreshing: bool,
    /// What Argo CD says of it.
    pub status: ApplicationStatus,
}
