//! An object of any kind, as a cluster takes it.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

/// Who an object is of, in a cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ObjectKey {
    /// The API group; the core group is empty.
    pub group: String,
    /// The version of the group.
    pub version: String,
    /// The kind.
    pub kind: String,
    /// The namespace; nothing for kinds that have none.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectKey {
    /// Returns the key of an object of a kind, such as `apps/v1` and `Deployment`.
    #[must_use]
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(ToOwned::to_owned),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind.to_lowercase();
        match &self.namespace {
            Some(namespace) => write!(f, "{kind} `{namespace}/{}`", self.name),
            None => write!(f, "{kind} `{}`", self.name),
        }
    }
}

/// Kinds without a namespace, of those that ecomctl applies itself.
const CLUSTER_KINDS: [&str; 4] =
    ["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Namespace"];

/// An object of any kind.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct AnyObject(Map<String, Value>);

/// A value that is no Kubernetes object.
#[derive(Debug, thiserror::Error)]
#[error("no Kubernetes object: {0}")]
pub struct NoObject(String);

impl AnyObject {
    /// Returns what a typed object is, with its kind.
    ///
    /// # Errors
    /// It has no kind or no name.
    pub fn of(object: &impl Serialize) -> Result<Self, NoObject> {
        let value = serde_json::to_value(object).map_err(|error| NoObject(error.to_string()))?;
        Self::try_from(value)
    }

    /// Returns the key.
    #[must_use]
    pub fn key(&self) -> ObjectKey {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let metadata = self.0.get("metadata");
        let in_metadata = |name: &str| metadata.and_then(|metadata| metadata.get(name));
        ObjectKey::new(
            &text(self.0.get("apiVersion")),
            self.kind(),
            in_metadata("namespace").and_then(Value::as_str),
            &text(in_metadata("name")),
        )
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.get("kind").and_then(Value::as_str).unwrap_or_default()
    }

    /// Returns whether objects of its kind are in a namespace.
    #[must_use]
    pub fn is_namespaced(&self) -> bool {
        !CLUSTER_KINDS.contains(&self.kind())
    }

    /// Returns its metadata, to be changed.
    pub fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        object_in(&mut self.0, "metadata")
    }

    /// Sets a label.
    pub fn set_label(&mut self, name: &str, value: &str) {
        object_in(self.metadata_mut(), "labels").insert(name.to_owned(), value.into());
    }

    /// Sets an annotation.
    pub fn set_annotation(&mut self, name: &str, value: &str) {
        object_in(self.metadata_mut(), "annotations").insert(name.to_owned(), value.into());
    }

    /// Returns it as JSON.
    #[must_use]
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

fn object_in<'a>(map: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was made an object")
}

impl TryFrom<Value> for AnyObject {
    type Error = NoObject;

    fn try_from(value: Value) -> Result<Self, NoObject> {
        let Value::Object(map) = value else { return Err(NoObject("it is no map".to_owned())) };
        let object = Self(map);
        let key = object.key();
        if key.kind.is_empty() || key.version.is_empty() || key.name.is_empty() {
            return Err(NoObject("it has no kind, no version or no name".to_owned()));
        }
        Ok(object)
    }
}

/// Returns the first field of `wanted` that `live` has otherwise, as its path; nothing when `live` has all of it.
#[must_use]
pub fn missing_in(wanted: &Value, live: &Value) -> Option<String> {
    fn walk(wanted: &Value, live: Option<&Value>, path: &mut Vec<String>) -> bool {
        match (wanted, live) {
            (Value::Object(wanted), Some(Value::Object(live))) => {
                for (name, value) in wanted {
                    path.push(name.clone());
                    if !walk(value, live.get(name), path) {
                        return false;
                    }
                    path.pop();
                }
                true
            }
            (Value::Array(wanted), Some(Value::Array(live))) if wanted.len() == live.len() => {
                for (index, value) in wanted.iter().enumerate() {
                    path.push(index.to_string());
                    if !walk(value, live.get(index), path) {
                        return false;
                    }
                    path.pop();
                }
                true
            }
            // The API server leaves out what is empty.
            (Value::Null, None) => true,
            (Value::Object(wanted), None) => wanted.is_empty(),
            (Value::Array(wanted), None) => wanted.is_empty(),
            (wanted, Some(live)) => wanted == live,
            (_, None) => false,
        }
    }
    let mut path = Vec::new();
    if walk(wanted, Some(live), &mut path) { None } else { Some(path.join(".")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_cluster_adds_is_no_difference_and_what_it_changed_is() {
        let wanted = json!({"spec": {"replicas": 1, "list": [{"a": 1}], "empty": {}}});
        let live = json!({"spec": {"replicas": 1, "list": [{"a": 1, "b": 2}], "more": 1}, "status": {}});
        assert_eq!(missing_in(&wanted, &live), None);
        let scaled = json!({"spec": {"replicas": 2, "list": [{"a": 1}]}});
        assert_eq!(missing_in(&wanted, &scaled).as_deref(), Some("spec.replicas"));
        let longer = json!({"spec": {"replicas": 1, "list": [{"a": 1}, {"a": 2}]}});
        assert_eq!(missing_in(&wanted, &longer).as_deref(), Some("spec.list"));
    }

    #[test]
    fn a_key_is_read_from_the_object() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "b"}});
        let key = AnyObject::try_from(object).unwrap().key();
        assert_eq!(key, ObjectKey::new("apps/v1", "Deployment", Some("b"), "a"));
        assert_eq!(key.to_string(), "deployment `b/a`");
        assert!(AnyObject::try_from(json!({"kind": "List", "apiVersion": "v1"})).is_err());
    }
}
