//! Argo CD: installed, at the version that ecomctl knows, and at work.

use std::collections::BTreeSet;

use anyhow::Result;

use super::site::{ArgoCd, Site};
use super::{Observed, waiting};
use crate::adapters::argocd::manifest;
use crate::adapters::cluster::Cluster;
use crate::model::argocd::NAMESPACE;
use crate::model::labels;
use crate::model::object::{AnyObject, ObjectKey};
use crate::plan::argocd::{self, MANIFEST, VERSION};
use crate::printer::Task;
use crate::yaml;

pub(super) async fn observe(site: &mut Site) -> Result<Observed> {
    if site.argocd == ArgoCd::Adopted {
        return Ok(Observed::same("the one that is there is used as it is"));
    }
    let Some(cluster) = &site.cluster else {
        return Ok(Observed::differs([format!("install Argo CD {VERSION}")]));
    };
    let objects = installation(site).await?;
    let differences = cluster.differences(&objects).await?;
    let left = left_over(cluster, &objects).await?;
    let mut told: Vec<String> = if differences.len() > 5 {
        vec![format!("apply {} of {} objects of Argo CD {VERSION}", differences.len(), objects.len())]
    } else {
        differences.iter().map(ToString::to_string).collect()
    };
    told.extend(left.iter().map(|key| format!("delete {key}, which {VERSION} does not have")));
    if told.is_empty() {
        let unready = waiting::unready(cluster, &objects).await?;
        told.extend(unready.iter().map(|key| format!("wait for {key}")));
    }
    if told.is_empty() {
        return Ok(Observed::same(format!("{VERSION}, {} objects", objects.len())));
    }
    Ok(Observed::differs(told))
}

pub(super) async fn act(site: &mut Site, task: &Task) -> Result<String> {
    let objects = installation(site).await?;
    let cluster = site.cluster()?;
    let differences = cluster.differences(&objects).await?;
    task.step(&format!("applying {} objects of Argo CD {VERSION} ...", differences.len()));
    cluster.apply(&differences).await?;
    cluster.established(&objects).await?;
    for key in left_over(cluster, &objects).await? {
        cluster.delete(&key).await?;
    }
    waiting::for_workloads(cluster, &objects, NAMESPACE, site.settings.timeout, task).await?;
    Ok(format!("{VERSION} is ready, {} of {} objects applied", differences.len(), objects.len()))
}

/// Returns the objects of Argo CD.
async fn installation(site: &Site) -> Result<Vec<AnyObject>> {
    let text = manifest(VERSION, MANIFEST, site.settings.argocd_manifest.as_deref()).await?;
    Ok(argocd::installation(yaml::documents(&text)?, &site.known_hosts)?)
}

/// Returns what an older version has that this one has not.
async fn left_over(cluster: &Cluster, objects: &[AnyObject]) -> Result<Vec<ObjectKey>> {
    let wanted: BTreeSet<ObjectKey> = objects.iter().map(AnyObject::key).collect();
    let there = cluster.inventory(&labels::made_of(labels::ARGOCD)).await?;
    Ok(there.into_iter().filter(|key| !wanted.contains(key)).collect())
}
