//! Argo CD's install manifest, made to fit: its namespace, what its pods may pull, what it must know of Applications.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PodSpec};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::model::argocd::NAMESPACE;
use crate::model::labels;
use crate::model::object::{AnyObject, NoObject, ObjectKey};

/// The version that is installed.
pub const VERSION: &str = "v3.6.1";
/// The digest of its `manifests/install.yaml`.
pub const MANIFEST: &str = "sha256:7be23ca7d9ca3d3074dee8332f1ca92a933b990cee7c9cf22cf3843ee8c2913e";
/// The image of it, which has git.
pub const IMAGE: &str = "quay.io/argoproj/argocd:v3.6.1";

/// The labels of all that is installed.
const LABELS: [(&str, &str); 2] = [(labels::MANAGED_BY, labels::ECOMCTL), (labels::PART_OF, labels::ARGOCD)];

/// Without it Argo CD does not know when a child Application is healthy, and sync waves of Applications mean nothing
/// (<https://argo-cd.readthedocs.io/en/stable/operator-manual/health/#argocd-app>).
const APPLICATION_HEALTH: &str = r#"local health = {status = "Progressing", message = "no health is known yet"}
if obj.status ~= nil and obj.status.health ~= nil and obj.status.health.status ~= nil then
  health.status = obj.status.health.status
  health.message = obj.status.health.message or ""
end
return health
"#;

/// What is set beside the manifest: a config map, a key, a value.
const SETTINGS: [(&str, &str, &str); 2] = [
    ("argocd-cm", "resource.customizations.health.argoproj.io_Application", APPLICATION_HEALTH),
    // The health of each object is written to the Application, where `bootstrap` and `status` read it.
    ("argocd-cmd-params-cm", "controller.resource.health.persist", "true"),
];

/// A manifest that cannot be made to fit.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// A document is no object.
    #[error(transparent)]
    Object(#[from] NoObject),
    /// An object is not what its kind says.
    #[error("{key}: {reason}")]
    Shape {
        /// Which object.
        key: String,
        /// What is wrong.
        reason: String,
    },
}

/// Returns the objects of the installation, the namespace first, with `known_hosts` added to the ssh hosts that it trusts.
///
/// # Errors
/// A document of the manifest is not what it must be.
pub fn installation(documents: Vec<Value>, known_hosts: &str) -> Result<Vec<AnyObject>, ManifestError> {
    let mut objects = vec![namespace()?];
    for document in documents {
        let object = AnyObject::try_from(document)?;
        let mut object = match object.kind() {
            "Deployment" => changed(&object, |deployment: &mut Deployment| {
                pull_if_not_present(deployment.spec.as_mut().and_then(|spec| spec.template.spec.as_mut()));
            })?,
            "StatefulSet" => changed(&object, |set: &mut StatefulSet| {
                pull_if_not_present(set.spec.as_mut().and_then(|spec| spec.template.spec.as_mut()));
            })?,
            "ClusterRoleBinding" => {
                changed(&object, |binding: &mut ClusterRoleBinding| bind(binding.subjects.as_mut()))?
            }
            "RoleBinding" => changed(&object, |binding: &mut RoleBinding| bind(binding.subjects.as_mut()))?,
            "ConfigMap" => changed(&object, |map: &mut ConfigMap| configure(map, known_hosts))?,
            _ => object,
        };
        if object.is_namespaced() {
            object.metadata_mut().insert("namespace".to_owned(), NAMESPACE.into());
        }
        objects.push(object);
    }
    for object in &mut objects {
        for (name, value) in LABELS {
            object.set_label(name, value);
        }
    }
    Ok(objects)
}

/// Returns the namespace of Argo CD.
///
/// # Errors
/// None that can be met.
pub fn namespace() -> Result<AnyObject, NoObject> {
    let labels = LABELS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    AnyObject::of(&Namespace {
        metadata: ObjectMeta {
            name: Some(NAMESPACE.to_owned()),
            labels: Some(BTreeMap::from(labels)),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    })
}

/// Returns the keys of the workloads that must be ready.
#[must_use]
pub fn workloads(objects: &[AnyObject]) -> Vec<ObjectKey> {
    let is_workload = |object: &&AnyObject| ["Deployment", "StatefulSet"].contains(&object.kind());
    objects.iter().filter(is_workload).map(AnyObject::key).collect()
}

fn changed<T: DeserializeOwned + Serialize>(
    object: &AnyObject,
    change: impl FnOnce(&mut T),
) -> Result<AnyObject, ManifestError> {
    let mut typed: T = serde_json::from_value(Value::Object(object.as_map().clone()))
        .map_err(|error| ManifestError::Shape { key: object.key().to_string(), reason: error.to_string() })?;
    change(&mut typed);
    Ok(AnyObject::of(&typed)?)
}

/// What the node has is not pulled again, which would fail without the network; the tags are versions.
fn pull_if_not_present(pod: Option<&mut PodSpec>) {
    let Some(pod) = pod else { return };
    for container in pod.containers.iter_mut().chain(pod.init_containers.iter_mut().flatten()) {
        container.image_pull_policy = Some("IfNotPresent".to_owned());
    }
}

fn bind(subjects: Option<&mut Vec<Subject>>) {
    for subject in subjects.into_iter().flatten().filter(|subject| subject.kind == "ServiceAccount") {
        subject.namespace = Some(NAMESPACE.to_owned());
    }
}

fn configure(map: &mut ConfigMap, known_hosts: &str) {
    let name = map.metadata.name.clone().unwrap_or_default();
    for (_, key, value) in SETTINGS.iter().filter(|(of, _, _)| *of == name) {
        map.data.get_or_insert_default().insert((*key).to_owned(), (*value).to_owned());
    }
    if name == "argocd-ssh-known-hosts-cm" && !known_hosts.is_empty() {
        let hosts = map.data.get_or_insert_default().entry("ssh_known_hosts".to_owned()).or_default();
        let added: Vec<&str> =
            known_hosts.lines().filter(|line| !hosts.lines().any(|known| known == *line)).collect();
        for line in added {
            if !hosts.is_empty() && !hosts.ends_with('\n') {
                hosts.push('\n');
            }
            hosts.push_str(line);
            hosts.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patched(document: Value) -> Value {
        let objects = installation(vec![document], "git.example.com ssh-ed25519 AAAA\n").unwrap();
        serde_json::to_value(&objects[1]).unwrap()
    }

    #[test]
    fn bindings_name_the_namespace_and_cluster_kinds_have_none() {
        let binding = patched(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "a"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "a"},
            "subjects": [{"kind": "ServiceAccount", "name": "a", "namespace": "elsewhere"}],
        }));
        assert_eq!(binding.pointer("/subjects/0/namespace"), Some(&json!("argocd")));
        assert_eq!(binding.pointer("/metadata/namespace"), None);
        assert_eq!(
            binding.pointer("/metadata/labels/app.kubernetes.io~1managed-by"),
            Some(&json!("ecomctl"))
        );
    }

    #[test]
    fn no_container_pulls_what_the_node_has() {
        let pod = json!({
            "containers": [{"name": "a", "image": "a:1", "imagePullPolicy": "Always"}],
            "initContainers": [{"name": "b", "image": "b:1"}],
        });
        let deployment = patched(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"selector": {}, "template": {"spec": pod}},
        }));
        let policy =
            |path: &str| deployment.pointer(&format!("/spec/template/spec/{path}/0/imagePullPolicy"));
        assert_eq!(policy("containers"), Some(&json!("IfNotPresent")));
        assert_eq!(policy("initContainers"), Some(&json!("IfNotPresent")));
        assert_eq!(deployment.pointer("/metadata/namespace"), Some(&json!("argocd")));
    }

    #[test]
    fn health_of_applications_and_known_hosts_are_set() {
        let map = |name: &str| {
            patched(json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
                "data": {"ssh_known_hosts": "github.com ssh-ed25519 BBBB"},
            }))
        };
        let health = &map("argocd-cm")["data"]["resource.customizations.health.argoproj.io_Application"];
        assert!(health.as_str().unwrap().contains("obj.status.health"));
        assert_eq!(map("argocd-cmd-params-cm")["data"]["controller.resource.health.persist"], "true");
        assert_eq!(
            map("argocd-ssh-known-hosts-cm")["data"]["ssh_known_hosts"],
            "github.com ssh-ed25519 BBBB\ngit.example.com ssh-ed25519 AAAA\n"
        );
    }
}
