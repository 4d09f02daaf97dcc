//! Waiting for workloads, and telling what they wait for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use tokio::time::{Interval, MissedTickBehavior};

use crate::adapters::cluster::{Cluster, ClusterError, Workloads};
use crate::error::Failure;
use crate::model::object::{AnyObject, ObjectKey};
use crate::plan::argocd::workloads;
use crate::plan::sync::{Patience, Trouble, Verdict, trouble};
use crate::plan::workload::is_ready;
use crate::printer::Task;

/// Pause between two looks at pods.
const LOOK: Duration = Duration::from_secs(1);
/// How many lines of a log are told.
const LINES: i64 = 5;

/// Since when each thing that is waited for stands as it does.
#[derive(Default)]
pub(super) struct Since(BTreeMap<String, (Duration, Instant)>);

impl Since {
    /// Returns whether something has stood so for longer than it may.
    pub(super) fn is_over(&mut self, name: &str, verdict: &Verdict) -> bool {
        let patience = verdict.patience();
        // Not by its text, which may have another port or time in it whenever it is told.
        let known = self.0.get(name).filter(|(known, _)| *known == patience).copied();
        let (_, since) = known.unwrap_or((patience, Instant::now()));
        self.0.insert(name.to_owned(), (patience, since));
        since.elapsed() >= patience
    }
}

/// Returns those workloads of `objects` that are not ready.
pub(super) async fn unready(cluster: &Cluster, objects: &[AnyObject]) -> Result<Vec<ObjectKey>> {
    let mut unready = Vec::new();
    for key in workloads(objects) {
        let found = cluster.get(&key).await?;
        if !found.is_some_and(|object| is_ready(&serde_json::to_value(&object).unwrap_or_default())) {
            unready.push(key);
        }
    }
    Ok(unready)
}

/// Waits until the workloads of `objects` are ready, all of which are in one namespace.
pub(super) async fn for_workloads(
    cluster: &Cluster,
    objects: &[AnyObject],
    namespace: &str,
    timeout: Duration,
    task: &Task,
) -> Result<()> {
    let mut watched = Workloads::watch(cluster, namespace);
    let wanted = workloads(objects);
    let (began, mut since) = (Instant::now(), Since::default());
    let mut look = looks();
    let (mut shown, mut blocked, mut is_first) = (String::new(), String::new(), true);
    loop {
        let missing: Vec<&str> = wanted
            .iter()
            .filter(|key| !watched.find(key).as_ref().is_some_and(is_ready))
            .map(|key| key.name.as_str())
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let text = format!("waiting for {} ...", missing.join(", "));
        if text != shown {
            task.step(&text);
            shown = text;
        }
        if began.elapsed() > timeout {
            let (names, seconds) = (missing.join(", "), timeout.as_secs());
            let failure = Failure::new(format!("{names} did not become ready within {seconds} s{blocked}"));
            return Err(failure.hint("run the same again: it goes on from here").into());
        }
        tokio::select! {
            changed = watched.changed() => changed?,
            _ = look.tick() => {
                let is_of = |pod: &Pod| {
                    let name = pod.metadata.name.as_deref().unwrap_or_default();
                    missing.iter().any(|workload| name.strip_prefix(workload).is_some_and(|rest| rest.starts_with('-')))
                };
                let found = troubles(cluster, namespace, "", Patience::StartUp, is_of).await?;
                if std::mem::take(&mut is_first) {
                    try_again(cluster, namespace, &found).await?;
                    continue;
                }
                for trouble in &found {
                    if since.is_over(&trouble.pod, &trouble.verdict) {
                        return Err(explain(cluster, namespace, trouble).await.into());
                    }
                }
                blocked = found.first().map(|found| format!("; {}", told(found))).unwrap_or_default();
                task.detail(&format!("{shown} {} s{blocked}", began.elapsed().as_secs()));
            }
        }
    }
}

/// Returns what keeps pods from being ready. A cluster that is away for a moment tells of nothing: the watch beside it knows
/// when that is too long.
pub(super) async fn troubles(
    cluster: &Cluster,
    namespace: &str,
    labels: &str,
    patience: Patience,
    is_meant: impl Fn(&Pod) -> bool,
) -> Result<Vec<Trouble>> {
    match cluster.pods(namespace, labels).await {
        Ok(pods) => {
            Ok(pods.iter().filter(|pod| is_meant(pod)).filter_map(|pod| trouble(pod, patience)).collect())
        }
        Err(error) if error.is_transient() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Pods that an earlier run has left stuck wait for minutes before they try again what may be mended by now: their workload
/// makes others.
pub(super) async fn try_again(
    cluster: &Cluster,
    namespace: &str,
    found: &[Trouble],
) -> Result<(), ClusterError> {
    for stuck in found.iter().filter(|found| matches!(found.verdict, Verdict::Failed(_))) {
        cluster.delete(&ObjectKey::new("v1", "Pod", Some(namespace), &stuck.pod)).await?;
    }
    Ok(())
}

/// Returns when pods are looked at; what was missed while the cluster took its time is not made up for.
pub(super) fn looks() -> Interval {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}

/// Returns what a pod waits for, in short.
pub(super) fn told(found: &Trouble) -> String {
    format!("pod `{}`: {}", found.pod, found.verdict.reason().unwrap_or_default())
}

/// Returns a failure that says what is wrong with a pod: its reason, the last event, the last lines of its log.
pub(super) async fn explain(cluster: &Cluster, namespace: &str, found: &Trouble) -> Failure {
    let reason = found.verdict.reason().unwrap_or_default();
    let mut message = format!("pod `{namespace}/{}`: {reason}", found.pod);
    let events = cluster.warnings(namespace, &found.pod).await.unwrap_or_default();
    if let Some(event) = events.iter().find(|event| !reason.contains(event.as_str())) {
        let _ = write!(message, "\n  event: {event}");
    }
    if let Some(container) = &found.container {
        let lines = cluster.last_lines(namespace, &found.pod, container, LINES).await.unwrap_or_default();
        for line in lines {
            let _ = write!(message, "\n  log: {line}");
        }
    }
    let hint = if reason.contains("Image") {
        "is the image where nodes look for it, and may they pull it? A private registry needs a `pullSecret`"
    } else {
        "mend it and run the same again: it goes on from here"
    };
    Failure::new(message).hint(hint)
}

/// Returns the names of images that every node has, as far as they tell; of one node, with those that run there.
pub(super) async fn images_on_nodes(cluster: &Cluster, namespace: &str) -> Result<BTreeSet<String>> {
    let nodes: Vec<_> = cluster.nodes(&[]).await?.into_iter().filter(|node| node.is_ready).collect();
    let mut every = nodes.iter().map(|node| node.images.clone());
    let first = every.next().unwrap_or_default();
    let mut images = every.fold(first, |all, one| all.intersection(&one).cloned().collect());
    if nodes.len() != 1 {
        return Ok(images);
    }
    for pod in cluster.pods(namespace, "").await? {
        let statuses =
            pod.status.into_iter().flat_map(|status| status.container_statuses.unwrap_or_default());
        let running: BTreeSet<String> =
            statuses.filter(|status| status.ready).map(|status| status.name).collect();
        let containers = pod.spec.into_iter().flat_map(|spec| spec.containers);
        let containers = containers.filter(|container| running.contains(&container.name));
        images.extend(containers.filter_map(|container| container.image));
    }
    Ok(images)
}
