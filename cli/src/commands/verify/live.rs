//! `ecomctl verify --live`: from commit to digest to pod.

use anyhow::Result;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use serde::Serialize;

use crate::adapters::git::{Branch, CommitId};
use crate::commands::in_cluster::InCluster;
use crate::commands::status::digest_of;
use crate::error::{Exit, Failure};
use crate::model::labels;
use crate::model::lock::LockedImage;
use crate::model::name::ServiceName;
use crate::model::sync::LiveApplication;
use crate::printer::{Mark, Printer, short};

/// A link of the chain.
#[derive(Serialize)]
struct Link {
    service: String,
    /// The commit that Argo CD has deployed.
    commit: String,
    /// The digest that the lock has: of the manifest, or of the configuration of an image that was loaded.
    digest: String,
    /// The source that the image was built from.
    source: Option<String>,
    pod: Option<String>,
    status: Mark,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

pub(super) async fn run(site: &InCluster, printer: Printer) -> Result<Exit> {
    let branch = Branch::open(site.project.root(), None)?;
    let applications = site.applications().await?;
    let pods = site.cluster.pods(&site.platform.namespace(), &labels::made()).await?;
    let mut links = Vec::new();
    for service in &site.platform.services {
        links.extend(of_service(site, &branch, &applications, &pods, &service.name));
    }
    for link in &links {
        let reason = link.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let pod = link.pod.as_deref().unwrap_or("no pod");
        let source =
            link.source.as_ref().map(|source| format!(" (source {})", short(source))).unwrap_or_default();
        let chain = format!("{} -> {}{source} -> {pod}{reason}", short(&link.commit), short(&link.digest));
        printer.check(link.status, &format!("{:<18} {chain}", link.service))?;
    }
    if printer.is_json() {
        printer.json(&links)?;
    }
    let failed = links.iter().filter(|link| link.status == Mark::Failed).count();
    if failed > 0 {
        let failure =
            Failure::new(format!("{failed} of {} pods are not what git and the lock say", links.len()));
        return Err(failure
            .hint("`ecomctl status` shows what runs, `ecomctl bootstrap` deploys what is here")
            .into());
    }
    printer.status(format!("{} pods run what git and the lock say.", links.len()));
    Ok(Exit::Done)
}

fn of_service(
    site: &InCluster,
    branch: &Branch,
    applications: &[LiveApplication],
    pods: &[Pod],
    service: &ServiceName,
) -> Vec<Link> {
    let name = site.platform.application(service.as_str());
    let live = applications.iter().find(|application| application.name == name);
    let commit = live.map(|live| live.status.sync.revision.clone()).unwrap_or_default();
    let locked = site.lock.locked(&site.platform.environment, service);
    let digest = locked.map(|locked| locked.manifest.as_ref().unwrap_or(&locked.config).to_string());
    let source = locked.and_then(|locked| Some(locked.source.as_ref()?.commit.clone()));
    let link = |pod: Option<String>, found: Result<Option<&str>, String>| Link {
        service: service.to_string(),
        commit: commit.clone(),
        digest: digest.clone().unwrap_or_default(),
        source: source.clone(),
        pod,
        status: if found.is_ok() { Mark::Ok } else { Mark::Failed },
        reason: found.map_or_else(Some, |note| note.map(ToOwned::to_owned)),
    };
    let deployed = match (live, locked) {
        (None, _) => Err(format!("there is no Application `{name}`")),
        (_, None) => Err("the lock has no image of it".to_owned()),
        (Some(live), Some(_)) => at_our_commit(branch, live),
    };
    if deployed.is_err() {
        return vec![link(None, deployed)];
    }
    let is_of = |pod: &&Pod| {
        let labels = pod.metadata.labels.as_ref();
        labels.and_then(|labels| labels.get(labels::NAME)).is_some_and(|name| name == service.as_str())
    };
    let running: Vec<&Pod> =
        pods.iter().filter(is_of).filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect();
    if running.is_empty() {
        return vec![link(None, Err("no pod runs".to_owned()))];
    }
    let checked = running.into_iter().map(|pod| {
        let containers = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
        // Beside it may be one that somebody else has put into the pod.
        let container =
            containers.and_then(|containers| containers.iter().find(|one| one.name == service.as_str()));
        let found = match (container, locked) {
            (Some(container), Some(locked)) => is_locked(container, locked),
            _ => Err("it has not started".to_owned()),
        };
        link(pod.metadata.name.clone(), found)
    });
    checked.collect()
}

/// The branch here is what Argo CD has deployed, or that follows it.
fn at_our_commit(branch: &Branch, live: &LiveApplication) -> Result<Option<&'static str>, String> {
    let revision = &live.status.sync.revision;
    let deployed = CommitId::from_str(revision).map_err(|_| "it is not synced from git yet".to_owned())?;
    if live.status.sync.status != "Synced" {
        return Err(format!("it is {}", live.status.sync.status));
    }
    if !branch.knows(deployed)
        && let Ok(remote) = branch.remote()
    {
        // Somebody else may have pushed it.
        let _ = branch.fetch(&remote);
    }
    if branch.follows(deployed, branch.tip()) {
        return Ok(None);
    }
    // What was committed since then may be of no concern to the cluster: only manifests are.
    if branch.follows(branch.tip(), deployed) && branch.same_manifests(deployed, branch.tip()) {
        return Ok(None);
    }
    Err(format!(
        "Argo CD is at {}, and the branch here at {}",
        short(revision),
        short(&branch.tip().to_string())
    ))
}

/// Returns by what a container is known to run the image of the lock, when that is less than its digest.
fn is_locked(container: &ContainerStatus, locked: &LockedImage) -> Result<Option<&'static str>, String> {
    let running = digest_of(&container.image_id);
    let wanted = locked.manifest.as_ref().unwrap_or(&locked.config).to_string();
    if running == wanted {
        return Ok(None);
    }
    // Of an image that was loaded some nodes tell a digest of their own; its tag is the digest of what it was built from.
    let name = format!("{}:{}", locked.repository, locked.tag);
    if locked.manifest.is_none() && container.image.ends_with(&name) {
        return Ok(Some("by its tag"));
    }
    Err(format!("it runs {running}"))
}
