//! Waiting for workloads, and telling what they wait for.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use crate::adapters::cluster::{Cluster, Workloads};
use crate::error::Failure;
use crate::model::object::{AnyObject, ObjectKey};
use crate::plan::argocd::workloads;
use crate::plan::sync::{Patience, Trouble, Verdict, trouble};
use crate::plan::workload::is_ready;
use crate::printer::Task;

/// Pause between two looks at pods.
const LOOK: Duration = Duration::from_secs(1);
/// How long something may be wrong that should pass within moments.
pub(super) const GRACE: Duration = Duration::from_secs(20);
/// How many lines of a log are told.
const LINES: i64 = 5;

/// Returns those workloads of `objects` that are not ready.
pub(super) async fn unready(cluster: &Cluster, objects: &[AnyObject]) -> Result<Vec<ObjectKey>> {
    let mut unready = Vec::new();
    for key in workloads(objects) {
        let found = cluster.get(&key).await?;
        let is_ready = found.is_some_and(|object| {
            let value: Value = serde_json::to_value(&object).unwrap_or_default();
            is_ready(&value)
        });
        if !is_ready {
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
    let began = Instant::now();
    let mut look = tokio::time::interval(LOOK);
    let mut shown = String::new();
    loop {
        let waited: Vec<&ObjectKey> =
            wanted.iter().filter(|key| !watched.find(key).as_ref().is_some_and(is_ready)).collect();
        if waited.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = waited.iter().map(|key| key.name.as_str()).collect();
        let text = format!("waiting for {} ...", names.join(", "));
        if text != shown {
            task.step(&text);
            shown = text;
        }
        if began.elapsed() > timeout {
            let failure = Failure::new(format!(
                "{} did not become ready within {} s",
                names.join(", "),
                timeout.as_secs()
            ));
            return Err(failure.hint("run the same again: it goes on from here").into());
        }
        tokio::select! {
            changed = watched.changed() => changed?,
            _ = look.tick() => {
                let pods = cluster.pods(namespace, "").await?;
                if let Some(found) = first_failure(&pods) {
                    return Err(explain(cluster, namespace, &found).await.into());
                }
                task.detail(&format!("{shown} {} s", began.elapsed().as_secs()));
            }
        }
    }
}

fn first_failure(pods: &[Pod]) -> Option<Trouble> {
    pods.iter()
        .filter_map(|pod| trouble(pod, Patience::StartUp))
        .find(|found| matches!(found.verdict, Verdict::Failed(_)))
}

/// Returns a failure that says what is wrong with a pod: its reason, the last event, the last lines of its log.
pub(super) async fn explain(cluster: &Cluster, namespace: &str, found: &Trouble) -> Failure {
    let (Verdict::Failed(reason) | Verdict::Suspect(reason) | Verdict::Waiting(reason)) = &found.verdict
    else {
        return Failure::new(format!("pod `{namespace}/{}` is not ready", found.pod));
    };
    let mut message = format!("pod `{namespace}/{}`: {reason}", found.pod);
    let events = cluster.warnings(namespace, &found.pod).await.unwrap_or_default();
    if let Some(event) = events.iter().find(|event| !reason.contains(event.as_str())) {
        message.push_str(&format!("\n  event: {event}"));
    }
    if let Some(container) = &found.container {
        let lines = cluster.last_lines(namespace, &found.pod, container, LINES).await.unwrap_or_default();
        for line in lines {
            message.push_str(&format!("\n  log: {line}"));
        }
    }
    let hint = if reason.contains("Image") {
        "is the image where nodes look for it, and may they pull it? ECOMCTL_PULL_USERNAME and ECOMCTL_PULL_PASSWORD are for private registries"
    } else {
        "mend it and run the same again: it goes on from here"
    };
    Failure::new(message).hint(hint)
}

/// Returns the names of images that the nodes have: those that they tell of, and those that run.
pub(super) async fn images_on_nodes(cluster: &Cluster, namespace: &str) -> Result<BTreeSet<String>> {
    let mut images: BTreeSet<String> =
        cluster.nodes(&[]).await?.into_iter().flat_map(|node| node.images).collect();
    for pod in cluster.pods(namespace, "").await? {
        let statuses =
            pod.status.into_iter().flat_map(|status| status.container_statuses.unwrap_or_default());
        let running: BTreeSet<String> =
            statuses.filter(|status| status.ready).map(|status| status.name).collect();
        let containers = pod.spec.into_iter().flat_map(|spec| spec.containers);
        images.extend(
            containers
                .filter(|container| running.contains(&container.name))
                .filter_map(|container| container.image),
        );
    }
    Ok(images)
}
