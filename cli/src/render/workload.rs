//! The Deployment of a service. Ports, probes and variables all follow the one port of the spec.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EnvVar, HTTPGetAction, Lifecycle, LifecycleHandler,
    LocalObjectReference, PodSecurityContext, PodSpec, PodTemplateSpec, Probe, ResourceRequirements,
    SeccompProfile, SecurityContext, SleepAction,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::service::{ADMIN, HTTP};
use super::{availability, metadata, volume};
use crate::model::resolve::{Amounts, ResolvedPlatform, ResolvedService, ResolvedStore};
use crate::model::rules::url_variable;

/// The user of the images: `nonroot` by convention.
const USER: i64 = 65532;
/// How long a pod that is to end is still sent requests at most.
const DRAIN_SECONDS: i64 = 5;

/// How many former versions the cluster keeps; git has all of them.
const REVISIONS: i32 = 3;

/// Returns the Deployment of a service.
pub(super) fn deployment(platform: &ResolvedPlatform, service: &ResolvedService) -> Deployment {
    let name = service.name.as_str();
    let embedded = matches!(service.store, ResolvedStore::Embedded { .. });
    Deployment {
        metadata: metadata::namespaced(platform, name, name),
        spec: Some(DeploymentSpec {
            // Else the autoscaler says it.
            replicas: service.autoscaling.is_none().then(|| service.replicas.into()),
            revision_history_limit: Some(REVISIONS),
            selector: LabelSelector {
                match_labels: Some(metadata::selector(platform, name)),
                match_expressions: None,
            },
            strategy: Some(strategy(embedded)),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(metadata::labels(platform, name)),
                    ..ObjectMeta::default()
                }),
                spec: Some(pod(platform, service, embedded)),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

fn strategy(embedded: bool) -> DeploymentStrategy {
    if embedded {
        // Two pods at once would open one file.
        return DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None };
    }
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        // A pod goes once another one is ready in its place.
        rolling_update: Some(RollingUpdateDeployment {
            max_unavailable: Some(IntOrString::Int(0)),
            max_surge: Some(IntOrString::String("25%".to_owned())),
        }),
    }
}

fn pod(platform: &ResolvedPlatform, service: &ResolvedService, embedded: bool) -> PodSpec {
    let pull_secret = platform.pull_secret.as_ref();
    PodSpec {
        image_pull_secrets: pull_secret.map(|name| vec![LocalObjectReference { name: name.to_string() }]),
        service_account_name: Some(service.name.to_string()),
        automount_service_account_token: Some(false),
        topology_spread_constraints: availability::spread(platform, service),
        // Their variables would look like configuration: PRODUCT_SERVICE_PORT.
        enable_service_links: Some(false),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: embedded.then_some(USER),
            fs_group_change_policy: embedded.then(|| "OnRootMismatch".to_owned()),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                localhost_profile: None,
            }),
            ..PodSecurityContext::default()
        }),
        containers: vec![container(service, embedded)],
        volumes: embedded.then(|| vec![volume::volume(service)]),
        ..PodSpec::default()
    }
}

fn container(service: &ResolvedService, embedded: bool) -> Container {
    Container {
        name: service.name.to_string(),
        image: Some(service.image.to_string()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        env: Some(variables(service, embedded)),
        ports: Some(vec![port(HTTP, service.port.get()), port(ADMIN, service.port.admin())]),
        resources: Some(ResourceRequirements {
            requests: Some(quantities(&service.requests)),
            limits: Some(quantities(&service.limits)),
            claims: None,
        }),
        startup_probe: Some(Probe { failure_threshold: Some(60), ..probe("/livez", 1) }),
        liveness_probe: Some(probe("/livez", 10)),
        readiness_probe: Some(probe("/readyz", 5)),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            ..SecurityContext::default()
        }),
        // Requests that are on their way when it is told to end are answered: it sleeps until the gateway knows.
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                sleep: Some(SleepAction { seconds: DRAIN_SECONDS }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        volume_mounts: embedded.then(|| vec![volume::mount()]),
        ..Container::default()
    }
}

/// What follows from the spec, and what it says; sorted by name.
fn variables(service: &ResolvedService, embedded: bool) -> Vec<EnvVar> {
    let mut variables = service.env.clone();
    variables.insert("HTTP_PORT".to_owned(), service.port.get().to_string());
    variables.insert("ADMIN_PORT".to_owned(), service.port.admin().to_string());
    if embedded {
        let store = format!("sqlite:{}/{}.db", volume::FOLDER, service.name);
        variables.insert("STORE_URL".to_owned(), store);
    }
    for called in &service.calls {
        variables.insert(url_variable(called), format!("http://{called}"));
    }
    variables.into_iter().map(|(name, value)| EnvVar { name, value: Some(value), value_from: None }).collect()
}

fn port(name: &str, port: u16) -> ContainerPort {
    ContainerPort { name: Some(name.to_owned()), container_port: port.into(), ..ContainerPort::default() }
}

fn probe(path: &str, period_seconds: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(ADMIN.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        timeout_seconds: Some(3),
        ..Probe::default()
    }
}

fn quantities(amounts: &Amounts) -> BTreeMap<String, Quantity> {
    BTreeMap::from([
        ("cpu".to_owned(), Quantity(amounts.cpu.clone())),
        ("memory".to_owned(), Quantity(amounts.memory.clone())),
    ])
}
