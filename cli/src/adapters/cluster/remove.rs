//! Deleting objects, and those that ecomctl has made.

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use kube::api::{DeleteParams, ListParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use super::{AT_ONCE, Cluster, ClusterError, resource};
use crate::model::object::ObjectKey;

/// Kinds that ecomctl applies itself, in the order in which they are deleted: what works on others before them, and
/// the definitions of kinds last.
const KINDS: [(&str, &str, &str); 16] = [
    ("argoproj.io", "v1alpha1", "AppProject"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("", "v1", "Service"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("", "v1", "PersistentVolumeClaim"),
    ("", "v1", "ConfigMap"),
    ("", "v1", "Secret"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ("rbac.authorization.k8s.io", "v1", "Role"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole"),
    ("", "v1", "ServiceAccount"),
    ("argoproj.io", "v1alpha1", "Application"),
    ("", "v1", "Namespace"),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
];

/// Pause between two looks whether something is gone.
const PAUSE: Duration = Duration::from_millis(250);

impl Cluster {
    /// Returns the keys of objects that `labels` selects, of all kinds that ecomctl applies, in the order of deleting.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn inventory(&self, labels: &str) -> Result<Vec<ObjectKey>, ClusterError> {
        let selected = ListParams::default().labels(labels);
        let listed = KINDS.iter().map(|(group, version, kind)| {
            let api: Api<kube::core::DynamicObject> =
                Api::all_with(self.client.clone(), &resource(group, version, kind));
            let selected = selected.clone();
            async move {
                let listed = match self.ask(&format!("list {kind}s"), api.list_metadata(&selected)).await {
                    Ok(listed) => listed.items,
                    // The kind is not known: there is none of it.
                    Err(ClusterError::Refused { code: 404, .. }) => Vec::new(),
                    Err(error) => return Err(error),
                };
                let key = |object: kube::core::PartialObjectMeta<_>| ObjectKey {
                    group: (*group).to_owned(),
                    version: (*version).to_owned(),
                    kind: (*kind).to_owned(),
                    namespace: object.namespace(),
                    name: object.name_any(),
                };
                Ok(listed.into_iter().map(key).collect::<Vec<_>>())
            }
        });
        let listed: Vec<Vec<ObjectKey>> = stream::iter(listed).buffered(AT_ONCE).try_collect().await?;
        Ok(listed.into_iter().flatten().collect())
    }

    /// Deletes an object, and what it owns in the background. One that is gone already is no failure.
    ///
    /// # Errors
    /// The cluster refuses, or fails.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), ClusterError> {
        let api = self.api_of(key);
        let parameters = DeleteParams::background();
        let deleted = api.delete(&key.name, &parameters);
        match self.ask(&format!("delete {key}"), deleted).await {
            Ok(_) | Err(ClusterError::Refused { code: 404, .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Takes the finalizers from an object, which then goes without anything being done for it.
    ///
    /// # Errors
    /// The cluster refuses, or fails.
    pub async fn drop_finalizers(&self, key: &ObjectKey) -> Result<(), ClusterError> {
        self.merge_if_there(key, &json!({"metadata": {"finalizers": null}})).await
    }

    /// Waits until an object is gone.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn gone(&self, key: &ObjectKey) -> Result<(), ClusterError> {
        while self.get(key).await?.is_some() {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}
