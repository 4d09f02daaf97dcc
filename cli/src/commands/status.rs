//! `ecomctl status`.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::core::v1::Pod;
use serde::Serialize;

use super::gateway;
use super::in_cluster::InCluster;
use super::interrupt::Interrupt;
use crate::adapters::workspace::Project;
use crate::cli::StatusArgs;
use crate::error::{Exit, Failure};
use crate::model::resolve::Gateway;
use crate::model::sync::{LiveApplication, ResourceStatus};
use crate::printer::{Printer, short};
use crate::render::GATEWAY_NAMESPACE;
use crate::settings::{StatusSettings, StatusUntil};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// What runs of a platform.
#[derive(PartialEq, Serialize)]
struct Status {
    environment: String,
    context: String,
    namespace: String,
    /// Where the gateway is, if the cluster has given it an address.
    gateway: Option<String>,
    applications: Vec<ApplicationStatus>,
}

#[derive(PartialEq, Serialize)]
struct ApplicationStatus {
    name: String,
    sync: String,
    health: String,
    revision: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workloads: Vec<WorkloadStatus>,
}

#[derive(PartialEq, Serialize)]
struct WorkloadStatus {
    kind: String,
    name: String,
    sync: String,
    health: String,
    pods: Vec<PodStatus>,
}

#[derive(PartialEq, Serialize)]
struct PodStatus {
    name: String,
    ready: bool,
    state: String,
    restarts: i32,
    image: String,
    digest: String,
}

pub(super) async fn run(args: StatusArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let settings = StatusSettings::new(args, &spec)?;
    let mut interrupt = Interrupt::new()?;
    let found = interrupt.unless(InCluster::of(project, spec, &settings.cluster), printer).await?;
    let Some(site) = found else { return Ok(Exit::Interrupted) };
    let work = async {
        let mut shown = None;
        loop {
            let status = look(&site).await?;
            if shown.as_ref() != Some(&status) {
                print(&status, printer)?;
            }
            if settings.until == StatusUntil::Printed {
                return Ok(());
            }
            shown = Some(status);
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        result = work => result.map(|()| Exit::Done),
        () = interrupt.received() => Ok(Exit::Done),
    }
}

fn print(status: &Status, printer: Printer) -> Result<()> {
    if printer.is_json() {
        return Ok(printer.json(status)?);
    }
    Ok(printer.line(&text(status))?)
}

async fn look(site: &InCluster) -> Result<Status> {
    let applications = site.applications().await?;
    if applications.is_empty() {
        let message =
            format!("`{}` is not deployed in the cluster of `{}`", site.platform.name, site.cluster.context);
        return Err(Failure::new(message).hint("`ecomctl bootstrap` deploys it").into());
    }
    let mut pods = site.cluster.pods(&site.platform.namespace(), "").await?;
    if site.platform.gateway != Gateway::Existing {
        pods.extend(site.cluster.pods(GATEWAY_NAMESPACE, "").await?);
    }
    let address = gateway::address(&site.cluster, &site.platform).await?;
    Ok(Status {
        environment: site.platform.environment.to_string(),
        context: site.cluster.context.clone(),
        namespace: site.platform.namespace(),
        gateway: address.map(|address| format!("http://{address}")),
        applications: applications.iter().map(|application| of_application(application, &pods)).collect(),
    })
}

fn of_application(live: &LiveApplication, pods: &[Pod]) -> ApplicationStatus {
    let status = &live.status;
    let is_workload = |resource: &&ResourceStatus| {
        ["Deployment", "StatefulSet", "DaemonSet"].contains(&resource.kind.as_str())
    };
    let conditions = status.conditions.iter().filter(|condition| condition.is_error());
    ApplicationStatus {
        name: live.name.clone(),
        sync: status.sync.status.clone(),
        health: status.health.status.clone(),
        revision: status.sync.revision.clone(),
        problems: conditions.map(|condition| condition.message.clone()).collect(),
        workloads: status
            .resources
            .iter()
            .filter(is_workload)
            .map(|resource| of_workload(resource, pods))
            .collect(),
    }
}

fn of_workload(resource: &ResourceStatus, pods: &[Pod]) -> WorkloadStatus {
    let is_of = |pod: &&Pod| {
        let owners = pod.metadata.owner_references.iter().flatten();
        // A Deployment's pods are owned by a ReplicaSet that is named after it and a hash.
        let mut names = owners.map(|owner| match owner.kind.as_str() {
            "ReplicaSet" => owner.name.rsplit_once('-').map_or(owner.name.as_str(), |(name, _)| name),
            _ => owner.name.as_str(),
        });
        names.any(|name| name == resource.name)
    };
    let health = resource.health.as_ref().map(|health| health.status.clone()).unwrap_or_default();
    WorkloadStatus {
        kind: resource.kind.clone(),
        name: resource.name.clone(),
        sync: resource.status.clone(),
        health,
        pods: pods.iter().filter(is_of).map(of_pod).collect(),
    }
}

fn of_pod(pod: &Pod) -> PodStatus {
    let status = pod.status.clone().unwrap_or_default();
    let containers = status.container_statuses.unwrap_or_default();
    let waiting =
        containers.iter().find_map(|container| container.state.as_ref()?.waiting.as_ref()?.reason.clone());
    let ending = pod.metadata.deletion_timestamp.as_ref().map(|_| "Terminating".to_owned());
    let first = containers.first();
    PodStatus {
        name: pod.metadata.name.clone().unwrap_or_default(),
        ready: !containers.is_empty() && containers.iter().all(|container| container.ready),
        state: ending.or(waiting).or(status.phase).unwrap_or_default(),
        restarts: containers.iter().map(|container| container.restart_count).sum(),
        image: first.map(|container| container.image.clone()).unwrap_or_default(),
        digest: first.map(|container| digest_of(&container.image_id).to_owned()).unwrap_or_default(),
    }
}

/// Returns the digest that an image id ends with: `repository@sha256:…`, or the digest alone.
pub(super) fn digest_of(image_id: &str) -> &str {
    image_id.rfind("sha256:").map_or(image_id, |at| &image_id[at..])
}

fn text(status: &Status) -> String {
    let gateway = status.gateway.as_deref().unwrap_or("no address");
    let mut text = format!("{} in `{}`, gateway {gateway}", status.namespace, status.context);
    for application in &status.applications {
        let ApplicationStatus { name, sync, health, revision, problems, workloads } = application;
        let _ = write!(text, "\n{name:<34} {sync:<10} {health:<12} {}", short(revision));
        for problem in problems {
            let _ = write!(text, "\n  ! {}", problem.replace('\n', " "));
        }
        for workload in workloads {
            let kind = workload.kind.to_lowercase();
            let label = format!("{kind} {}", workload.name);
            let _ = write!(text, "\n  {label:<32} {:<10} {}", workload.sync, workload.health);
            for pod in &workload.pods {
                let ready = if pod.ready { "ready" } else { "not ready" };
                let restarts = if pod.restarts == 1 {
                    "1 restart".to_owned()
                } else {
                    format!("{} restarts", pod.restarts)
                };
                let _ = write!(
                    text,
                    "\n    {:<30} {ready:<10} {:<12} {restarts:<11} sha256:{}",
                    pod.name,
                    pod.state,
                    short(&pod.digest)
                );
            }
        }
    }
    text
}
