//! Ways through the network.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerPort, ServiceSpec};
use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::pods::is_port;
use super::{Findings, Objects, Rule, containers, labels_of_pods, meets, name};
use crate::model::manifests::Object;
use crate::plan::calls::calls;

/// Checks that the Ingress leads to Services, and that policies let calls through.
pub(super) fn check(objects: &Objects<'_>, findings: &mut Findings) {
    check_ingresses(objects, findings);
    let policies: Vec<&NetworkPolicy> = objects
        .all
        .iter()
        .filter_map(|object| match object {
            Object::NetworkPolicy(policy) => Some(&**policy),
            _ => None,
        })
        .collect();
    for caller in &objects.deployments {
        for (variable, called) in calls(caller).filter(|(_, called)| *called != name(caller)) {
            let Some(service) = objects.service(called).and_then(|service| service.spec.as_ref()) else {
                continue;
            };
            for target in service.selector.iter().flat_map(|selector| objects.selected(selector)) {
                let from = labels_of_pods(caller);
                let to = labels_of_pods(target);
                let ports = ports_behind(service, target);
                let goes_out = is_open(&policies, from, Direction::Egress, to, &ports);
                let comes_in = is_open(&policies, to, Direction::Ingress, from, &ports);
                if !goes_out || !comes_in {
                    let what = if goes_out { "into" } else { "out to" };
                    findings.add(
                        Rule::PolicyCoversCalls,
                        ("deployment", name(caller)),
                        format!("env.{variable}"),
                        format!("no NetworkPolicy lets it {what} `{called}`"),
                        format!("name `{called}` in `calls`"),
                    );
                }
            }
        }
    }
}

fn check_ingresses(objects: &Objects<'_>, findings: &mut Findings) {
    for object in &objects.all {
        let Object::Ingress(ingress) = object else { continue };
        let rules = ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten());
        let paths = rules.flat_map(|rule| rule.http.iter().flat_map(|http| &http.paths));
        for path in paths {
            let Some(backend) = &path.backend.service else { continue };
            let port = backend.port.as_ref();
            let ports =
                objects.service(&backend.name).and_then(|service| service.spec.as_ref()?.ports.as_ref());
            let has_port = ports.into_iter().flatten().any(|own| {
                port.is_some_and(|port| {
                    port.number == Some(own.port) || port.name.is_some() && port.name == own.name
                })
            });
            if !has_port {
                let at =
                    format!("spec.rules[].http.paths[{}].backend", path.path.as_deref().unwrap_or_default());
                let problem = format!("there is no Service `{}` with this port", backend.name);
                let key = (object.kind(), object.name());
                findings.add(Rule::IngressMeetsService, key, at, problem, "name a Service and its port");
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Ingress,
    Egress,
}

type Labels<'a> = Option<&'a BTreeMap<String, String>>;

/// Returns the ports of a Deployment's pods that a Service leads to.
fn ports_behind<'a>(service: &ServiceSpec, target: &'a Deployment) -> Vec<&'a ContainerPort> {
    let ports = containers(target).flat_map(|container| container.ports.iter().flatten());
    let leads_to = |own: &&ContainerPort| {
        service.ports.iter().flatten().any(|port| match &port.target_port {
            Some(target) => is_port(target, own),
            None => port.port == own.container_port,
        })
    };
    ports.filter(leads_to).collect()
}

/// Returns whether pods may be reached by others at ports, or reach them there: no policy is for them, or one lets these through.
/// The ports are those of whoever is reached.
fn is_open(
    policies: &[&NetworkPolicy],
    pods: Labels<'_>,
    direction: Direction,
    others: Labels<'_>,
    reached: &[&ContainerPort],
) -> bool {
    let word = if direction == Direction::Ingress { "Ingress" } else { "Egress" };
    let mut is_closed = false;
    for spec in policies.iter().filter_map(|policy| policy.spec.as_ref()) {
        let is_meant = spec.policy_types.iter().flatten().any(|one| one == word);
        if !is_meant || !spec.pod_selector.as_ref().is_none_or(|selector| selects(selector, pods)) {
            continue;
        }
        is_closed = true;
        let lets = |peers: &Option<Vec<NetworkPolicyPeer>>| {
            // A rule that names nobody is for everybody.
            peers.as_ref().is_none_or(|peers| {
                peers.iter().any(|peer| {
                    let here = peer.namespace_selector.is_none();
                    here && peer.pod_selector.as_ref().is_some_and(|selector| selects(selector, others))
                })
            })
        };
        // A rule without ports is for all of them.
        let covers = |ports: &Option<Vec<NetworkPolicyPort>>| {
            ports.as_ref().is_none_or(|ports| {
                let is_covered = |own: &&ContainerPort| {
                    ports.iter().any(|port| port.port.as_ref().is_none_or(|port| is_port(port, own)))
                };
                reached.iter().all(is_covered)
            })
        };
        let is_let = match direction {
            Direction::Ingress => {
                spec.ingress.iter().flatten().any(|rule| lets(&rule.from) && covers(&rule.ports))
            }
            Direction::Egress => {
                spec.egress.iter().flatten().any(|rule| lets(&rule.to) && covers(&rule.ports))
            }
        };
        if is_let {
            return true;
        }
    }
    !is_closed
}

fn selects(selector: &LabelSelector, labels: Labels<'_>) -> bool {
    selector.match_labels.as_ref().is_none_or(|wanted| meets(wanted, labels))
}
