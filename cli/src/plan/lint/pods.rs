//! Pods by themselves.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, ContainerPort, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::{Findings, Rule, containers, labels_of_pods, meets, name, pod};

/// Checks the pods of a Deployment.
pub(super) fn check(deployment: &Deployment, findings: &mut Findings) {
    let object = ("deployment", name(deployment));
    let selector = deployment.spec.as_ref().and_then(|spec| spec.selector.match_labels.as_ref());
    if !selector.is_some_and(|selector| !selector.is_empty() && meets(selector, labels_of_pods(deployment))) {
        findings.add(
            Rule::SelectorMeetsOwnPods,
            object,
            "spec.selector.matchLabels",
            "the pods of its template do not have these labels",
            "give them to `spec.template.metadata.labels`",
        );
    }
    check_security(deployment, findings);
    for (index, container) in containers(deployment).enumerate() {
        let at = format!("spec.template.spec.containers[{index}]");
        check_container(object, container, &at, findings);
    }
}

fn check_container(object: (&str, &str), container: &Container, at: &str, findings: &mut Findings) {
    let probes = [
        ("startupProbe", &container.startup_probe),
        ("livenessProbe", &container.liveness_probe),
        ("readinessProbe", &container.readiness_probe),
    ];
    for (field, probe) in probes {
        let problem = match probe.as_ref() {
            None => "it is missing".to_owned(),
            Some(probe) => match port_of(probe) {
                Some(port) if has_port(container, port) => continue,
                Some(port) => format!("the container has no port `{}`", text(port)),
                None => "it asks no port".to_owned(),
            },
        };
        let fix = "let it ask the port `admin`";
        findings.add(Rule::ProbeMeetsListener, object, format!("{at}.{field}"), problem, fix);
    }
    let resources = container.resources.as_ref();
    for (field, amounts) in [
        ("requests", resources.and_then(|resources| resources.requests.as_ref())),
        ("limits", resources.and_then(|resources| resources.limits.as_ref())),
    ] {
        for what in ["cpu", "memory"] {
            if !amounts.is_some_and(|amounts| amounts.contains_key(what)) {
                let at = format!("{at}.resources.{field}.{what}");
                findings.add(Rule::ResourcesAreSaid, object, at, "it is missing", "say it");
            }
        }
    }
    let image = container.image.as_deref().unwrap_or_default();
    if !is_pinned(image) {
        let problem = format!("`{image}` may be another image tomorrow");
        let fix = "pin its digest, or a tag that is never given again";
        findings.add(Rule::ImageIsPinned, object, format!("{at}.image"), problem, fix);
    }
}

/// The Pod Security Standard (<https://kubernetes.io/docs/concepts/security/pod-security-standards/>).
fn check_security(deployment: &Deployment, findings: &mut Findings) {
    let object = ("deployment", name(deployment));
    let Some(pod) = pod(deployment) else { return };
    let of_pod = pod.security_context.as_ref();
    let seccomp = of_pod.and_then(|context| context.seccomp_profile.as_ref());
    let mut missing = Vec::new();
    if of_pod.and_then(|context| context.run_as_non_root) != Some(true) {
        missing.push(("securityContext.runAsNonRoot".to_owned(), "set it to true"));
    }
    if seccomp.map(|profile| profile.type_.as_str()) != Some("RuntimeDefault") {
        missing.push(("securityContext.seccompProfile.type".to_owned(), "set it to `RuntimeDefault`"));
    }
    if pod.automount_service_account_token != Some(false) {
        missing.push(("automountServiceAccountToken".to_owned(), "set it to false"));
    }
    for (index, container) in pod.containers.iter().enumerate() {
        let context = container.security_context.as_ref();
        let at = |field: &str| format!("containers[{index}].securityContext.{field}");
        let dropped =
            context.and_then(|context| context.capabilities.as_ref()?.drop.as_ref()).into_iter().flatten();
        if context.and_then(|context| context.allow_privilege_escalation) != Some(false) {
            missing.push((at("allowPrivilegeEscalation"), "set it to false"));
        }
        if context.and_then(|context| context.read_only_root_filesystem) != Some(true) {
            missing.push((at("readOnlyRootFilesystem"), "set it to true"));
        }
        if !dropped.into_iter().any(|capability| capability == "ALL") {
            missing.push((at("capabilities.drop"), "drop `ALL`"));
        }
    }
    for (field, fix) in missing {
        let at = format!("spec.template.spec.{field}");
        findings.add(Rule::PodIsRestricted, object, at, "the pod may do more than it has to", fix);
    }
}

fn port_of(probe: &Probe) -> Option<&IntOrString> {
    let http = probe.http_get.as_ref().map(|http| &http.port);
    http.or_else(|| probe.tcp_socket.as_ref().map(|socket| &socket.port))
}

/// Returns whether a container has a port of a name or a number.
pub(super) fn has_port(container: &Container, port: &IntOrString) -> bool {
    container.ports.iter().flatten().any(|own| is_port(port, own))
}

/// Returns whether a port of a name or a number is this one.
pub(super) fn is_port(port: &IntOrString, own: &ContainerPort) -> bool {
    match port {
        IntOrString::Int(number) => own.container_port == *number,
        IntOrString::String(name) => own.name.as_ref() == Some(name),
    }
}

/// Returns a port as it is written.
pub(super) fn text(port: &IntOrString) -> String {
    match port {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(name) => name.clone(),
    }
}

fn is_pinned(image: &str) -> bool {
    if image.contains("@sha256:") {
        return true;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').is_some_and(|(_, tag)| !tag.is_empty() && tag != "latest")
}
