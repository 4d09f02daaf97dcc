//! Objects that name each other.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::pods::{has_port, text};
use super::{Findings, Objects, Rule, containers, name, pod};
use crate::model::argocd::{AppProject, Application};
use crate::model::manifests::{Manifests, Object};

/// Checks what pods name: an account, claims, Secrets.
pub(super) fn check_pod(
    objects: &Objects<'_>,
    deployment: &Deployment,
    secrets: &[&str],
    findings: &mut Findings,
) {
    let object = ("deployment", name(deployment));
    let Some(pod) = pod(deployment) else { return };
    let mut named = Vec::new();
    if let Some(account) = pod.service_account_name.as_deref() {
        named.push(("serviceAccountName".to_owned(), "serviceaccount", account));
    }
    for (index, secret) in pod.image_pull_secrets.iter().flatten().enumerate() {
        named.push((format!("imagePullSecrets[{index}].name"), "secret", secret.name.as_str()));
    }
    for (index, volume) in pod.volumes.iter().flatten().enumerate() {
        if let Some(claim) = &volume.persistent_volume_claim {
            let at = format!("volumes[{index}].persistentVolumeClaim.claimName");
            named.push((at, "persistentvolumeclaim", claim.claim_name.as_str()));
            let spec = deployment.spec.as_ref();
            let strategy = spec.and_then(|spec| spec.strategy.as_ref()?.type_.as_deref());
            if spec.and_then(|spec| spec.replicas) != Some(1) || strategy != Some("Recreate") {
                findings.add(
                    Rule::VolumeHasOnePod,
                    object,
                    "spec.replicas",
                    format!("several pods would share the volume `{}`", claim.claim_name),
                    "one replica, and the strategy `Recreate`",
                );
            }
        }
    }
    for (field, kind, referred) in named {
        let is_made = objects.has(kind, referred) || kind == "secret" && secrets.contains(&referred);
        if !is_made {
            findings.add(
                Rule::ReferenceIsMade,
                object,
                format!("spec.template.spec.{field}"),
                format!("nobody makes the {kind} `{referred}`"),
                "render it too, or name one that is made",
            );
        }
    }
}

/// Checks that what selects pods meets some, and that ports and backends are there.
pub(super) fn check_selectors(objects: &Objects<'_>, findings: &mut Findings) {
    for object in &objects.all {
        let key = (object.kind(), object.name());
        let (field, selector) = match object {
            Object::Service(service) => {
                ("spec.selector", service.spec.as_ref().and_then(|spec| spec.selector.as_ref()))
            }
            Object::PodDisruptionBudget(budget) => {
                let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
                ("spec.selector.matchLabels", selector.and_then(|selector| selector.match_labels.as_ref()))
            }
            Object::NetworkPolicy(policy) => {
                let selector = policy.spec.as_ref().and_then(|spec| spec.pod_selector.as_ref());
                let labels = selector.and_then(|selector| selector.match_labels.as_ref());
                if labels.is_none() {
                    // It is for all pods.
                    continue;
                }
                ("spec.podSelector.matchLabels", labels)
            }
            _ => continue,
        };
        let selected = selector.map(|selector| objects.selected(selector)).unwrap_or_default();
        if selected.is_empty() {
            let fix = "use labels that the pods of a Deployment have";
            findings.add(Rule::SelectorMeetsPods, key, field, "no pod has these labels", fix);
        }
        let Object::Service(service) = object else { continue };
        for (index, port) in service.spec.iter().flat_map(|spec| spec.ports.iter().flatten()).enumerate() {
            let target = port.target_port.clone().unwrap_or(IntOrString::Int(port.port));
            let has = |deployment: &&Deployment| {
                containers(deployment).any(|container| has_port(container, &target))
            };
            if !selected.iter().all(has) {
                let problem = format!("the pods have no port `{}`", text(&target));
                let at = format!("spec.ports[{index}].targetPort");
                findings.add(Rule::ServiceMeetsPort, key, at, problem, "use one of a container's `ports`");
            }
        }
    }
}

/// Checks the targets of autoscalers.
pub(super) fn check_autoscalers(objects: &Objects<'_>, findings: &mut Findings) {
    for object in &objects.all {
        let Object::HorizontalPodAutoscaler(autoscaler) = object else { continue };
        let Some(spec) = &autoscaler.spec else { continue };
        let target = &spec.scale_target_ref.name;
        let deployment = objects.deployments.iter().find(|deployment| name(deployment) == target);
        let (problem, fix) = match deployment {
            None => (format!("there is no Deployment `{target}`"), "name one that is there"),
            Some(deployment) if deployment.spec.as_ref().is_some_and(|spec| spec.replicas.is_some()) => {
                (format!("the Deployment `{target}` says `replicas` itself"), "leave them out there")
            }
            Some(_) => continue,
        };
        let key = (object.kind(), object.name());
        findings.add(Rule::AutoscalerRules, key, "spec.scaleTargetRef.name", problem, fix);
    }
}

/// Checks that Applications have a project and a folder, and that projects let them make what is in it.
pub(super) fn check_applications(manifests: &Manifests, findings: &mut Findings) {
    let all = || manifests.objects().chain(&manifests.entry);
    let projects: Vec<&AppProject> = all()
        .filter_map(|object| match object {
            Object::AppProject(project) => Some(&**project),
            _ => None,
        })
        .collect();
    let applications = all().filter_map(|object| match object {
        Object::Application(application) => Some(&**application),
        _ => None,
    });
    let mut told = BTreeSet::new();
    for application in applications {
        let key = ("application", application.metadata.name.as_deref().unwrap_or_default());
        let Some(project) = project_of(&projects, application) else {
            let problem = format!("there is no AppProject `{}`", application.spec.project);
            findings.add(Rule::ApplicationHasSource, key, "spec.project", problem, "name one that is there");
            continue;
        };
        let Some(path) = &application.spec.source.path else { continue };
        let folder = path.rsplit('/').next().unwrap_or(path);
        let Some(component) = manifests.components.iter().find(|component| component.name == folder) else {
            let problem = format!("nothing is rendered to `{path}`");
            findings.add(Rule::ApplicationHasSource, key, "spec.source.path", problem, "name a component");
            continue;
        };
        for object in &component.objects {
            let whole = serde_json::to_value(object).unwrap_or_default();
            let text = |field: &str| whole[field].as_str().unwrap_or_default().to_owned();
            let (version, kind) = (text("apiVersion"), text("kind"));
            let group = version.split_once('/').map_or("", |(group, _)| group);
            let permitted = if object.metadata().namespace.is_some() {
                &project.spec.namespace_resource_whitelist
            } else {
                &project.spec.cluster_resource_whitelist
            };
            let is_permitted = permitted.iter().any(|one| one.group == group && one.kind == kind);
            if !is_permitted && told.insert((application.spec.project.clone(), kind.clone())) {
                findings.add(
                    Rule::ProjectPermitsKind,
                    (object.kind(), object.name()),
                    "kind",
                    format!("the AppProject `{}` does not permit `{kind}`", application.spec.project),
                    "add it to the lists of permitted kinds",
                );
            }
        }
    }
}

fn project_of<'a>(projects: &[&'a AppProject], application: &Application) -> Option<&'a AppProject> {
    let is_meant =
        |project: &&&AppProject| project.metadata.name.as_deref() == Some(&application.spec.project);
    projects.iter().find(is_meant).copied()
}
