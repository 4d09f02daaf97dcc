//! `ecomctl destroy`: in an order in which nothing is left behind.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;
use tokio::task::spawn_blocking;

use super::in_cluster::InCluster;
use super::interrupt::Interrupt;
use crate::adapters::cluster::{Cluster, application};
use crate::adapters::workspace::Project;
use crate::cli::DestroyArgs;
use crate::error::{Exit, Failure};
use crate::model::argocd::NAMESPACE;
use crate::model::labels;
use crate::model::object::ObjectKey;
use crate::model::resolve::{git_server, in_cluster_git};
use crate::model::sync::{DELETION_APPROVED, LiveApplication, ResourceStatus, TRACKING};
use crate::plan::workload;
use crate::printer::{Printer, Task, Tasks, ask};
use crate::render::{GATEWAY_CHARTS, GATEWAY_NAMESPACE};
use crate::settings::{Consent, DestroySettings, Workloads};

/// How long an object may take to go.
const GONE: Duration = Duration::from_mins(2);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(500);
/// Secrets that Argo CD makes of itself.
const OWN_SECRETS: [&str; 2] = ["argocd-initial-admin-secret", "argocd-redis"];
/// A deletion is confirmed by a time that is not before it was asked for, whatever the clocks say.
const FOR_EVER: &str = "9999-12-31T23:59:59Z";
const WIDTH: usize = 12;

#[derive(Serialize)]
struct Report {
    applications: BTreeSet<String>,
    objects: Vec<ObjectKey>,
}

pub(super) async fn run(args: DestroyArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let settings = DestroySettings::new(args, &spec)?;
    let mut interrupt = Interrupt::new()?;
    let _alone = super::bootstrap::alone(&project)?;
    let work = async {
        let site = InCluster::of(project, spec, &settings.cluster).await?;
        refuse_another(&site, &settings)?;
        consent(&site, &settings).await?;
        destroy(&site, &settings, printer).await
    };
    interrupt.during(work, printer).await
}

/// The cluster that happens to be the current one is not meant until it is named.
fn refuse_another(site: &InCluster, settings: &DestroySettings) -> Result<()> {
    let found = &site.cluster.context;
    if settings.cluster.context.is_some() || settings.cluster.likely_context().as_ref() == Some(found) {
        return Ok(());
    }
    let message =
        format!("nothing says that the cluster of `{found}` is meant, which is the current context");
    Err(Failure::new(message).usage().hint(format!("`--context {found}`, if it is")).into())
}

async fn consent(site: &InCluster, settings: &DestroySettings) -> Result<()> {
    if settings.consent == Consent::Given {
        return Ok(());
    }
    let what = match settings.workloads {
        Workloads::Remove => format!("`{}` with all its data, and what syncs it", site.platform.namespace()),
        Workloads::Keep => format!("what syncs `{}`", site.platform.namespace()),
    };
    if !std::io::stdin().is_terminal() {
        let message = format!("{what} would be removed from the cluster of `{}`", site.cluster.context);
        return Err(Failure::new(message).usage().hint("if that is meant, say `--yes`").into());
    }
    let question = format!("Remove {what} from the cluster of `{}`?", site.cluster.context);
    if spawn_blocking(move || ask(&question)).await.context("the question was lost")?? {
        return Ok(());
    }
    Err(Failure::new("nothing was removed").into())
}

async fn destroy(site: &InCluster, settings: &DestroySettings, printer: Printer) -> Result<Exit> {
    let tasks = Tasks::new(printer, WIDTH);
    let cluster = &site.cluster;
    let task = tasks.start("applications");
    let names = remove_applications(site, settings, &task).await?;
    task.done(&format!("Removed {} Applications.", names.len()));

    let task = tasks.start("shop");
    let others = cluster.applications().await?;
    let mut objects = Vec::new();
    for key in cluster.inventory(&labels::made_of(site.platform.name.as_str())).await? {
        if is_removed(site, settings.workloads, &others, &key) {
            objects.push(key);
        }
    }
    remove(cluster, &objects, &task).await?;
    task.done(&format!("Removed {} objects.", objects.len()));

    let task = tasks.start("argocd");
    if others.is_empty() {
        let mut installed = cluster.inventory(&labels::made_of(labels::ARGOCD)).await?;
        if !installed.is_empty() {
            installed.extend(OWN_SECRETS.map(|name| ObjectKey::new("v1", "Secret", Some(NAMESPACE), name)));
        }
        remove(cluster, &installed, &task).await?;
        task.done(&match installed.len() {
            0 => "There was none of ecomctl's.".to_owned(),
            count => format!("Removed {count} objects."),
        });
        objects.extend(installed);
    } else {
        let names: Vec<&str> = others.iter().map(|other| other.name.as_str()).collect();
        task.done(&format!("It stays: it deploys {}.", names.join(", ")));
    }
    if printer.is_json() {
        printer.json(&Report { applications: names, objects })?;
    }
    Ok(Exit::Done)
}

/// Whether an object that ecomctl has made of the platform goes: what is of another environment does not, nor what others
/// still need.
fn is_removed(site: &InCluster, workloads: Workloads, others: &[LiveApplication], key: &ObjectKey) -> bool {
    let namespace = site.platform.namespace();
    if key.namespace.as_deref() == Some(NAMESPACE) {
        let read = in_cluster_git(&site.platform.name);
        let is_read = others.iter().any(|other| other.repo_url == read);
        let own =
            [namespace.clone(), site.platform.addons_project(), format!("ecomctl-repository-{namespace}")];
        return own.contains(&key.name) || (key.name == git_server(&site.platform.name) && !is_read);
    }
    let is_gateway = key.kind == "Namespace" && key.name == GATEWAY_NAMESPACE;
    let is_shared = others.iter().any(|other| other.is_made && other.repo_url == GATEWAY_CHARTS);
    let in_shop =
        key.namespace.as_deref() == Some(&namespace) || (key.kind == "Namespace" && key.name == namespace);
    workloads == Workloads::Remove && (in_shop || (is_gateway && !is_shared))
}

/// Namespaces go when what is in them is gone, definitions of kinds at the very end.
fn last_ones(key: &ObjectKey) -> u8 {
    match key.kind.as_str() {
        "Namespace" => 1,
        "CustomResourceDefinition" => 2,
        _ => 0,
    }
}

/// Deletes objects in stages: the last ones once the others are gone.
async fn remove(cluster: &Cluster, keys: &[ObjectKey], task: &Task) -> Result<()> {
    for stage in 0..=2 {
        let keys: Vec<&ObjectKey> = keys.iter().filter(|key| last_ones(key) == stage).collect();
        if keys.is_empty() {
            continue;
        }
        task.step(&format!("deleting {} objects ...", keys.len()));
        for key in &keys {
            cluster.delete(key).await?;
        }
        for key in &keys {
            let gone = tokio::time::timeout(GONE, cluster.gone(key)).await;
            gone.map_err(|_| {
                Failure::new(format!("{key} does not go"))
                    .hint("`kubectl describe` says why; run the same again")
            })??;
        }
    }
    Ok(())
}

/// Lets Argo CD remove what it has deployed, or does so in its place when it does not work. Returns the names of the
/// Applications. A sync that is under way may make more of them meanwhile, so it is looked at again.
async fn remove_applications(
    site: &InCluster,
    settings: &DestroySettings,
    task: &Task,
) -> Result<BTreeSet<String>> {
    let cluster = &site.cluster;
    let controller =
        ObjectKey::new("apps/v1", "StatefulSet", Some(NAMESPACE), "argocd-application-controller");
    let controller = cluster.get(&controller).await?;
    let works =
        controller.is_some_and(|found| workload::is_ready(&serde_json::to_value(&found).unwrap_or_default()));
    let leaves_it = works && settings.workloads == Workloads::Remove;
    let mut asked = BTreeSet::new();
    let began = Instant::now();
    loop {
        let there = site.applications().await?;
        if there.is_empty() {
            return Ok(asked);
        }
        for live in there.iter().filter(|live| !asked.contains(&live.name)) {
            // Nobody heals what is being removed, and what is kept until somebody confirms is confirmed.
            let approved = (settings.workloads == Workloads::Remove).then_some(FOR_EVER);
            let stop = json!({
                "metadata": {"annotations": {DELETION_APPROVED: approved}},
                "spec": {"syncPolicy": {"automated": null}},
            });
            cluster.merge_if_there(&application(&live.name), &stop).await?;
        }
        // Argo CD deletes nothing of an Application that it still syncs, which it may do for ever.
        for live in there.iter().filter(|live| is_syncing(live)) {
            let end = json!({"status": {"operationState": {"phase": "Terminating"}}});
            cluster.merge_if_there(&application(&live.name), &end).await?;
        }
        for live in &there {
            let is_new = asked.insert(live.name.clone());
            if leaves_it && is_new {
                cluster.delete(&application(&live.name)).await?;
            }
        }
        let names: Vec<&str> = there.iter().map(|live| live.name.as_str()).collect();
        if leaves_it && began.elapsed() < settings.timeout {
            task.detail(&format!("Argo CD removes {} ({} s)", names.join(", "), began.elapsed().as_secs()));
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        if settings.workloads == Workloads::Remove {
            let why = if works { "has not done it in time" } else { "does not work" };
            task.step(&format!("Argo CD {why}: removing what it has deployed ..."));
        }
        for live in &there {
            if settings.workloads == Workloads::Remove {
                remove_resources(cluster, live, task).await?;
            }
            release(cluster, live).await?;
        }
        if began.elapsed() > settings.timeout + GONE {
            let message = format!("{} is made again whenever it is deleted", names.join(", "));
            return Err(Failure::new(message).hint("end whatever makes it, and run the same again").into());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn is_syncing(live: &LiveApplication) -> bool {
    live.status.operation_state.as_ref().is_some_and(|state| state.phase == "Running")
}

/// Deletes an Application alone.
async fn release(cluster: &Cluster, live: &LiveApplication) -> Result<()> {
    let key = application(&live.name);
    cluster.drop_finalizers(&key).await?;
    Ok(cluster.delete(&key).await?)
}

/// Deletes what an Application has deployed, and nothing that it has not.
async fn remove_resources(cluster: &Cluster, live: &LiveApplication, task: &Task) -> Result<()> {
    let mut keys = Vec::new();
    for key in live.status.resources.iter().map(ResourceStatus::key) {
        let found = cluster.get(&key).await?;
        let tracking = found.and_then(|found| found.metadata.annotations?.get(TRACKING).cloned());
        let is_its = tracking.is_some_and(|tracking| tracking.split(':').next() == Some(&live.name));
        if is_its && key.kind != "Application" {
            keys.push(key);
        }
    }
    remove(cluster, &keys, task).await
}
