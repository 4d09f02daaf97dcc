//! Argo CD's Applications.

use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::{Cluster, ClusterError, Watched, resource};
use crate::model::argocd::NAMESPACE;
use crate::model::labels;
use crate::model::object::ObjectKey;
use crate::model::sync::{DELETION_APPROVED, LiveApplication, REFRESH};

const API_VERSION: &str = "argoproj.io/v1alpha1";

impl Cluster {
    fn applications_api(&self) -> Api<DynamicObject> {
        Api::namespaced_with(
            self.client.clone(),
            NAMESPACE,
            &resource("argoproj.io", "v1alpha1", "Application"),
        )
    }

    /// Returns all Applications; none when Argo CD is not there.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn applications(&self) -> Result<Vec<LiveApplication>, ClusterError> {
        let api = self.applications_api();
        match self.ask("list Applications", api.list(&ListParams::default())).await {
            Ok(listed) => Ok(listed.items.iter().map(live).collect()),
            Err(ClusterError::Refused { code: 404, .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Watches all Applications.
    #[must_use]
    pub fn watch_applications(&self) -> Watched<DynamicObject> {
        Watched::of(self, self.applications_api(), "", "")
    }

    /// Asks Argo CD to look at an Application's repository now.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn refresh(&self, name: &str) -> Result<(), ClusterError> {
        let patch = json!({"metadata": {"annotations": {REFRESH: "normal"}}});
        self.merge_if_there(&application(name), &patch).await
    }
}

/// Returns the key of an Application.
#[must_use]
pub fn application(name: &str) -> ObjectKey {
    ObjectKey::new(API_VERSION, "Application", Some(NAMESPACE), name)
}

impl Watched<DynamicObject> {
    /// Returns the Applications as they were told of last.
    #[must_use]
    pub fn applications(&self) -> Vec<LiveApplication> {
        self.objects().values().map(live).collect()
    }
}

fn live(object: &DynamicObject) -> LiveApplication {
    let text =
        |pointer: &str| object.data.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let status = object.data.get("status").cloned().unwrap_or_default();
    LiveApplication {
        name: object.name_any(),
        project: text("/spec/project"),
        repo_url: text("/spec/source/repoURL"),
        is_made: object.labels().get(labels::MANAGED_BY).is_some_and(|by| by == labels::ECOMCTL),
        is_approved: object.annotations().contains_key(DELETION_APPROVED),
        is_deleting: object.metadata.deletion_timestamp.is_some(),
        is_refreshing: object.annotations().contains_key(REFRESH),
        status: serde_json::from_value(status).unwrap_or_default(),
    }
}
