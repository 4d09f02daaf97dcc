//! Where Argo CD reads manifests from.

use anyhow::Result;

use super::site::{ArgoCd, Endpoint, Site};
use super::{Observed, waiting};
use crate::adapters::cluster::Cluster;
use crate::adapters::git::Branch;
use crate::cli::GitPlace;
use crate::error::Failure;
use crate::model::argocd::NAMESPACE;
use crate::model::git_url::GitUrl;
use crate::model::object::ObjectKey;
use crate::model::resolve::in_cluster_git;
use crate::plan::argocd::IMAGE;
use crate::printer::Task;
use crate::settings::Ssh;

/// Returns where Argo CD reads from: what is declared, what is asked for, what it has read so far, `origin`, the cluster.
pub(super) async fn endpoint(site: &Site, cluster: &Cluster) -> Result<Endpoint> {
    if site.settings.git.is_none() && site.spec.git.url.is_none() {
        let root = site.platform()?.root();
        let applications = cluster.applications().await?;
        let reads = applications.iter().find(|application| application.name == root);
        if reads.is_some_and(|root| root.repo_url == in_cluster_git(&site.name())) {
            return Ok(Endpoint::InCluster);
        }
    }
    endpoint_without_cluster(site)
}

/// Returns the same as far as it can be known without a cluster.
pub(super) fn endpoint_without_cluster(site: &Site) -> Result<Endpoint> {
    // Decided before the cluster was started; the spec has it since then.
    if matches!(site.endpoint, Endpoint::Origin(_)) {
        return Ok(site.endpoint.clone());
    }
    if site.spec.git.url.is_some() {
        return Ok(Endpoint::Declared);
    }
    if site.settings.git == Some(GitPlace::InCluster) {
        return Ok(Endpoint::InCluster);
    }
    let origin = Branch::open(site.project.root(), None)?.origin();
    let with_key = site.settings.ssh == Ssh::WithKey;
    match origin.as_deref().and_then(|origin| GitUrl::for_cluster(origin, with_key)) {
        Some(url) => Ok(Endpoint::Origin(url)),
        None if site.settings.git == Some(GitPlace::Origin) => {
            let message = match &origin {
                Some(_) => "a cluster cannot read the repository that `origin` is",
                None => "the repository has no remote `origin`",
            };
            Err(Failure::new(message)
                .usage()
                .hint("`git remote add origin URL`, or `--git in-cluster`")
                .into())
        }
        None => Ok(Endpoint::InCluster),
    }
}

pub(super) async fn observe(site: &mut Site) -> Result<Observed> {
    let url = || site.spec.git.url.as_ref().map_or_else(String::new, ToString::to_string);
    match &site.endpoint {
        Endpoint::Declared => {
            let fact = url();
            site.has_repository = true;
            Ok(Observed::same(fact))
        }
        // Declared with the manifests, in one commit.
        Endpoint::Origin(_) => {
            let fact = format!("{} (`origin`)", url());
            site.has_repository = true;
            Ok(Observed::same(fact))
        }
        Endpoint::InCluster => {
            let Some(cluster) = &site.cluster else {
                return Ok(Observed::differs(["make a repository inside the cluster"]));
            };
            let image = image(site, cluster).await?;
            let objects = site.git_server(&image)?;
            let differences = cluster.differences(&objects).await?;
            let mut told: Vec<String> = differences.iter().map(ToString::to_string).collect();
            if told.is_empty() && !waiting::unready(cluster, &objects).await?.is_empty() {
                told.push("wait for the repository's pod".to_owned());
            }
            site.has_repository = told.is_empty();
            if told.is_empty() {
                Ok(Observed::same(in_cluster_git(&site.name())))
            } else {
                Ok(Observed::differs(told))
            }
        }
    }
}

pub(super) async fn act(site: &mut Site, task: &Task) -> Result<String> {
    let cluster = site.cluster()?;
    let objects = site.git_server(&image(site, cluster).await?)?;
    task.step("making a repository inside the cluster ...");
    cluster.apply(&cluster.differences(&objects).await?).await?;
    waiting::for_workloads(cluster, &objects, NAMESPACE, site.settings.timeout, task).await?;
    site.has_repository = true;
    Ok(format!("{}, inside the cluster", in_cluster_git(&site.name())))
}

/// Argo CD's own image is on the node or will be, and has git.
async fn image(site: &Site, cluster: &Cluster) -> Result<String> {
    if site.argocd == ArgoCd::Own {
        return Ok(IMAGE.to_owned());
    }
    let key = ObjectKey::new("apps/v1", "Deployment", Some(NAMESPACE), "argocd-repo-server");
    let found = cluster.get(&key).await?;
    let image = found.and_then(|server| {
        let containers = server.data.pointer("/spec/template/spec/containers/0/image")?;
        containers.as_str().map(ToOwned::to_owned)
    });
    Ok(image.unwrap_or_else(|| IMAGE.to_owned()))
}
