//! Server-side apply (<https://kubernetes.io/docs/reference/using-api/server-side-apply/>), and what it would change.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::core::DynamicObject;
use kube::runtime::wait::{Condition, conditions};
use serde_json::Value;

use super::{AT_ONCE, Cluster, ClusterError, TIMEOUT, Watched};
use crate::model::image::Digest;
use crate::model::object::{AnyObject, ObjectKey, missing_in};

/// Who owns the fields that ecomctl applies.
const FIELD_MANAGER: &str = "ecomctl";
/// How long an object may take to go.
const GONE: Duration = Duration::from_mins(2);
/// The annotation with the digest of what was applied: fields that were dropped since are noticed by it.
const APPLIED: &str = "ecomctl.local/applied";

/// An object that is not as it should be.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What it should be, ready to be applied.
    pub object: AnyObject,
    /// What differs: nothing when it is not there at all.
    pub field: Option<String>,
    /// Whether an object of this key is on its way out.
    is_leaving: bool,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = self.object.key();
        match &self.field {
            None if self.is_leaving => write!(f, "create {key}, once the one that is being deleted is gone"),
            None => write!(f, "create {key}"),
            Some(field) => write!(f, "change {key}: {field}"),
        }
    }
}

impl Cluster {
    /// Returns those of `objects` that are not in the cluster as they should be.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn differences(&self, objects: &[AnyObject]) -> Result<Vec<Difference>, ClusterError> {
        let (namespaces, others) = split(objects.iter().collect(), |object| object.kind() == "Namespace");
        let mut differences = self.compared(&namespaces, &BTreeSet::new()).await?;
        // With one that is on its way out, all that is in it goes.
        let new = differences.iter().filter(|difference| difference.field.is_none());
        let new: BTreeSet<String> = new.map(|difference| difference.object.key().name).collect();
        differences.extend(self.compared(&others, &new).await?);
        Ok(differences)
    }

    async fn compared(
        &self,
        objects: &[&AnyObject],
        new_namespaces: &BTreeSet<String>,
    ) -> Result<Vec<Difference>, ClusterError> {
        let compared = objects.iter().map(|object| self.difference(object, new_namespaces));
        let compared: Vec<Option<Difference>> =
            stream::iter(compared).buffered(AT_ONCE).try_collect().await?;
        Ok(compared.into_iter().flatten().collect())
    }

    async fn difference(
        &self,
        object: &AnyObject,
        new_namespaces: &BTreeSet<String>,
    ) -> Result<Option<Difference>, ClusterError> {
        let object = with_digest(object);
        let key = object.key();
        let is_absent = key.namespace.as_ref().is_some_and(|namespace| new_namespaces.contains(namespace));
        let live = if is_absent { None } else { self.get(&key).await? };
        let Some(live) = live else {
            return Ok(Some(Difference { object, field: None, is_leaving: false }));
        };
        if live.metadata.deletion_timestamp.is_some() {
            return Ok(Some(Difference { object, field: None, is_leaving: true }));
        }
        let live = json(&live);
        let wanted = Value::Object(object.as_map().clone());
        let Some(field) = missing_in(&wanted, &live) else { return Ok(None) };
        // The API server may write the same in another way: it knows.
        let dry = self.patch(&object, &PatchParams { dry_run: true, ..parameters() }).await?;
        let would_change = without_bookkeeping(json(&dry)) != without_bookkeeping(live);
        Ok(would_change.then_some(Difference { object, field: Some(field), is_leaving: false }))
    }

    /// Applies what differs: namespaces first; then what needs no definition of a kind, and beside it these definitions; what is
    /// of these kinds once they are established. What is being deleted is waited for. Fields that others own become ecomctl's.
    ///
    /// # Errors
    /// The cluster refuses one, or fails.
    pub async fn apply(&self, differences: &[Difference]) -> Result<(), ClusterError> {
        for leaving in differences.iter().filter(|difference| difference.is_leaving) {
            let gone = tokio::time::timeout(GONE, self.gone(&leaving.object.key())).await;
            gone.map_err(|_| ClusterError::Stays(leaving.object.key().to_string()))??;
        }
        let objects: Vec<&AnyObject> = differences.iter().map(|difference| &difference.object).collect();
        let (namespaces, objects) = split(objects, |object| object.kind() == "Namespace");
        let (kinds, objects) = split(objects, |object| object.kind() == "CustomResourceDefinition");
        let groups: Vec<String> = kinds
            .iter()
            .filter_map(|kind| kind.key().name.split_once('.').map(|(_, group)| group.to_owned()))
            .collect();
        let (of_kinds, rest) = split(objects, |object| groups.contains(&object.key().group));
        self.apply_all(&namespaces).await?;
        tokio::try_join!(self.apply_all(&rest), self.define(kinds.clone()))?;
        if of_kinds.is_empty() {
            return Ok(());
        }
        self.established(kinds).await?;
        self.apply_all(&of_kinds).await
    }

    /// Applies definitions of kinds one after the other, the largest first: with each that it has, the API server describes all
    /// of its kinds anew, which holds up whatever else it is asked.
    async fn define(&self, mut kinds: Vec<&AnyObject>) -> Result<(), ClusterError> {
        kinds.sort_by_cached_key(|kind| Reverse(serde_json::to_vec(kind).unwrap_or_default().len()));
        for kind in kinds {
            self.apply_all(&[kind]).await?;
        }
        Ok(())
    }

    async fn apply_all(&self, objects: &[&AnyObject]) -> Result<(), ClusterError> {
        let parameters = parameters();
        let applied = objects.iter().map(|object| self.patch(object, &parameters));
        stream::iter(applied).buffer_unordered(AT_ONCE).map_ok(drop).try_collect().await
    }

    async fn patch(
        &self,
        object: &AnyObject,
        parameters: &PatchParams,
    ) -> Result<DynamicObject, ClusterError> {
        let key = object.key();
        let api = self.api_of(&key);
        let patch = Patch::Apply(object);
        let patched = api.patch(&key.name, parameters, &patch);
        self.ask(&format!("apply {key}"), patched).await
    }

    /// Waits until the API server serves the kinds that `objects` define.
    ///
    /// # Errors
    /// It does not in time, or fails.
    pub async fn established(
        &self,
        objects: impl IntoIterator<Item = &AnyObject>,
    ) -> Result<(), ClusterError> {
        let kinds = objects.into_iter().filter(|object| object.kind() == "CustomResourceDefinition");
        let names: Vec<String> = kinds.map(|kind| kind.key().name).collect();
        let waits = names.iter().map(|name| self.is_established(name));
        stream::iter(waits).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn is_established(&self, name: &str) -> Result<(), ClusterError> {
        let api: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let mut watched = Watched::of(self, api, &format!("metadata.name={name}"), "");
        let condition = conditions::is_crd_established();
        let waited = async {
            while !watched.objects().values().any(|crd| condition.matches_object(Some(crd))) {
                watched.changed().await?;
            }
            Ok(())
        };
        tokio::time::timeout(TIMEOUT, waited).await.map_err(|_| self.late(TIMEOUT))?
    }

    /// Makes an object, or takes over what ecomctl has made of it before. Unlike others, it has no digest of its content,
    /// which would say something of a secret.
    ///
    /// # Errors
    /// The cluster refuses, or fails.
    pub async fn create(&self, object: &AnyObject) -> Result<(), ClusterError> {
        self.patch(object, &parameters()).await.map(drop)
    }

    /// Changes fields of an object like [`Self::merge`]; one that is gone already is no failure.
    ///
    /// # Errors
    /// The cluster refuses, or fails.
    pub async fn merge_if_there(&self, key: &ObjectKey, patch: &Value) -> Result<(), ClusterError> {
        match self.merge(key, patch).await {
            Err(ClusterError::Refused { code: 404, .. }) => Ok(()),
            done => done,
        }
    }

    /// Changes fields of an object by a JSON merge patch (RFC 7396).
    ///
    /// # Errors
    /// It is not there, or the cluster fails.
    pub async fn merge(&self, key: &ObjectKey, patch: &Value) -> Result<(), ClusterError> {
        let api = self.api_of(key);
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(patch);
        let patched = api.patch(&key.name, &parameters, &patch);
        self.ask(&format!("change {key}"), patched).await.map(drop)
    }
}

fn split(
    objects: Vec<&AnyObject>,
    is_meant: impl Fn(&AnyObject) -> bool,
) -> (Vec<&AnyObject>, Vec<&AnyObject>) {
    objects.into_iter().partition(|object| is_meant(object))
}

fn parameters() -> PatchParams {
    PatchParams::apply(FIELD_MANAGER).force()
}

fn with_digest(object: &AnyObject) -> AnyObject {
    let text = serde_json::to_vec(object).unwrap_or_default();
    let mut object = object.clone();
    object.set_annotation(APPLIED, &Digest::of(&text).to_string());
    object
}

fn json(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

fn without_bookkeeping(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for name in ["managedFields", "resourceVersion", "generation"] {
            metadata.remove(name);
        }
    }
    object
}
