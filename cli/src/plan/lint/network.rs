//! Ways through the network.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{NetworkPolicy, NetworkPolicyPeer};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;

use super::{Findings, Objects, Rule, labels_of_pods, meets, name};
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
            let Some(selector) =
                objects.service(called).and_then(|service| service.spec.as_ref()?.selector.as_ref())
            else {
                continue;
            };
            for target in objects.selected(selector) {
                let from = labels_of_pods(caller);
                let to = labels_of_pods(target);
                let goes_out = is_open(&policies, from, Direction::Egress, to);
                let comes_in = is_open(&policies, to, Direction::Ingress, from);
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

/// Returns whether pods may be reached by others, or reach them: no policy is for them, or one lets these through.
fn is_open(policies: &[&NetworkPolicy], pods: Labels<'_>, direction: Direction, others: Labels<'_>) -> bool {
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
        let is_let = match direction {
            Direction::Ingress => spec.ingress.iter().flatten().any(|rule| lets(&rule.from)),
            Direction::Egress => spec.egress.iter().flatten().any(|rule| lets(&rule.to)),
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
