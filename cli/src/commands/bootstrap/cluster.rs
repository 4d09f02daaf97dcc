//! The cluster: it runs, and its nodes take pods.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::Observed;
use super::site::Site;
use crate::adapters::cluster::Cluster;
use crate::error::Failure;
use crate::printer::Task;
use crate::settings::ClusterChoice;

/// Pause between two looks at the nodes.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn observe(site: &mut Site) -> Result<Observed> {
    let Some(cluster) = &site.cluster else {
        let ClusterChoice::Minikube(machine) = &site.settings.cluster else {
            return Ok(Observed::default());
        };
        let with = format!("{} MiB memory, {} CPUs", machine.memory, machine.cpus);
        return Ok(Observed::differs([format!("start minikube `{}` ({with})", machine.profile)]));
    };
    match unready(site, cluster).await? {
        nodes if nodes.is_empty() => {
            Ok(Observed::same(format!("context `{}`, nodes are ready", cluster.context)))
        }
        nodes => Ok(Observed::differs([format!("wait for {}", nodes.join(", "))])),
    }
}

pub(super) async fn act(site: &mut Site, task: &Task) -> Result<String> {
    if let (None, ClusterChoice::Minikube(machine)) = (&site.cluster, &site.settings.cluster) {
        task.step("starting minikube ...");
        machine.start(|line| task.step(line)).await?;
        // What could not be asked before it ran.
        super::preflight::observe(site).await?;
    }
    let cluster = site.cluster()?;
    let began = Instant::now();
    loop {
        let nodes = unready(site, cluster).await?;
        if nodes.is_empty() {
            return Ok(format!("context `{}`, nodes are ready", cluster.context));
        }
        if began.elapsed() > site.settings.timeout {
            return Err(Failure::new(format!("{} did not become ready in time", nodes.join(", "))).into());
        }
        task.detail(&format!("waiting for {} ...", nodes.join(", ")));
        tokio::time::sleep(PAUSE).await;
    }
}

/// A minikube has all its nodes ready; of a real cluster some may be under repair.
async fn unready(site: &Site, cluster: &Cluster) -> Result<Vec<String>> {
    let nodes = cluster.nodes(&[]).await?;
    if matches!(site.settings.cluster, ClusterChoice::Existing(_)) && nodes.iter().any(|node| node.is_ready) {
        return Ok(Vec::new());
    }
    if nodes.is_empty() {
        return Ok(vec!["the first node".to_owned()]);
    }
    let unready = nodes.iter().filter(|node| !node.is_ready);
    Ok(unready.map(|node| format!("node `{}`", node.name)).collect())
}
