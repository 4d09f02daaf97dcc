//! Objects as they change.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::Pin;
use std::time::{Duration, Instant};

use futures_util::{Stream, StreamExt};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Cluster, ClusterError};
use crate::model::object::ObjectKey;

/// How long a cluster may be away while something is watched, such as when its API server starts again.
const AWAY: Duration = Duration::from_secs(10);

/// The objects of a kind, kept as the cluster tells of them.
pub struct Watched<K> {
    cluster: Cluster,
    stream: Pin<Box<dyn Stream<Item = Result<Event<K>, watcher::Error>> + Send>>,
    objects: BTreeMap<String, K>,
    listing: BTreeMap<String, K>,
    away_since: Option<Instant>,
}

impl<K> Watched<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    /// Begins to watch what `fields` and `labels` select of an API.
    pub(super) fn of(cluster: &Cluster, api: Api<K>, fields: &str, labels: &str) -> Self {
        let mut config = watcher::Config::default();
        if !fields.is_empty() {
            config = config.fields(fields);
        }
        if !labels.is_empty() {
            config = config.labels(labels);
        }
        let stream = Box::pin(watcher(api, config).default_backoff());
        Self {
            cluster: cluster.clone(),
            stream,
            objects: BTreeMap::new(),
            listing: BTreeMap::new(),
            away_since: None,
        }
    }
}

impl<K> Watched<K>
where
    K: Resource + Clone + Debug + Send + 'static,
{
    /// Returns the objects as they were told of last, by name.
    #[must_use]
    pub fn objects(&self) -> &BTreeMap<String, K> {
        &self.objects
    }

    /// Waits until something has changed.
    ///
    /// # Errors
    /// The cluster has been away for too long, or refuses.
    pub async fn changed(&mut self) -> Result<(), ClusterError> {
        loop {
            let Some(event) = self.stream.next().await else { return Ok(()) };
            match event {
                Ok(event) => {
                    // That it asks again is no answer.
                    if !matches!(event, Event::Init) {
                        self.away_since = None;
                    }
                    if self.take(event) {
                        return Ok(());
                    }
                }
                Err(error) => self.failed(error)?,
            }
        }
    }

    fn take(&mut self, event: Event<K>) -> bool {
        match event {
            Event::Init => {
                self.listing.clear();
                return false;
            }
            Event::InitApply(object) => {
                self.listing.insert(object.name_any(), object);
                return false;
            }
            Event::InitDone => self.objects = std::mem::take(&mut self.listing),
            Event::Apply(object) => drop(self.objects.insert(object.name_any(), object)),
            Event::Delete(object) => drop(self.objects.remove(&object.name_any())),
        }
        true
    }

    fn failed(&mut self, error: watcher::Error) -> Result<(), ClusterError> {
        let error = match error {
            watcher::Error::InitialListFailed(error)
            | watcher::Error::WatchStartFailed(error)
            | watcher::Error::WatchFailed(error) => self.cluster.error("watch", error),
            error => ClusterError::Unreachable { url: self.cluster.url.clone(), reason: error.to_string() },
        };
        let since = *self.away_since.get_or_insert_with(Instant::now);
        // A kind that is not there yet will be.
        let may_pass =
            error.is_transient() || matches!(&error, ClusterError::Refused { code: 404 | 410, .. });
        if may_pass && since.elapsed() < AWAY { Ok(()) } else { Err(error) }
    }
}

/// The workloads of a namespace.
pub struct Workloads {
    deployments: Watched<Deployment>,
    sets: Watched<StatefulSet>,
}

impl Workloads {
    /// Begins to watch them.
    #[must_use]
    pub fn watch(cluster: &Cluster, namespace: &str) -> Self {
        let client = &cluster.client;
        Self {
            deployments: Watched::of(cluster, Api::namespaced(client.clone(), namespace), "", ""),
            sets: Watched::of(cluster, Api::namespaced(client.clone(), namespace), "", ""),
        }
    }

    /// Returns a workload as it was told of last.
    #[must_use]
    pub fn find(&self, key: &ObjectKey) -> Option<Value> {
        let found = match key.kind.as_str() {
            "Deployment" => self.deployments.objects().get(&key.name).map(serde_json::to_value),
            _ => self.sets.objects().get(&key.name).map(serde_json::to_value),
        };
        found.and_then(Result::ok)
    }

    /// Waits until one has changed.
    ///
    /// # Errors
    /// The cluster has been away for too long, or refuses.
    pub async fn changed(&mut self) -> Result<(), ClusterError> {
        tokio::select! {
            changed = self.deployments.changed() => changed,
            changed = self.sets.changed() => changed,
        }
    }
}
