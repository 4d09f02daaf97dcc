//! Who may talk to whom: nobody, but for what `calls` and `path` say
//! (<https://kubernetes.io/docs/concepts/services-networking/network-policies/>).

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort,
    NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::service::HTTP;
use super::{kong, metadata};
use crate::model::resolve::{Gateway, ResolvedPlatform, ResolvedService};

/// The label that every namespace has, with its name.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
const DNS_PORT: i32 = 53;

/// Returns what holds for all pods: nothing comes in, nothing goes out, and names are found.
pub(super) fn for_all(platform: &ResolvedPlatform) -> impl Iterator<Item = NetworkPolicy> {
    let dns = NetworkPolicyEgressRule {
        ports: Some(["UDP", "TCP"].map(|protocol| port(protocol, IntOrString::Int(DNS_PORT))).into()),
        // Pods, caches on nodes, a server outside: clusters answer from different places.
        to: None,
    };
    let of_all = |name: &str, types: &[&str], egress| {
        let all = LabelSelector::default();
        policy(platform, (name, platform.name.as_str()), all, types, None, egress)
    };
    [of_all("default-deny", &["Ingress", "Egress"], None), of_all("allow-dns", &["Egress"], Some(vec![dns]))]
        .into_iter()
}

/// Returns what a service is asked by, and what it asks.
pub(super) fn of_service(platform: &ResolvedPlatform, service: &ResolvedService) -> NetworkPolicy {
    let name = service.name.as_str();
    let http = || Some(vec![port("TCP", IntOrString::String(HTTP.to_owned()))]);
    let mut ingress = Vec::new();
    if service.path.is_some() {
        ingress.push(NetworkPolicyIngressRule { from: gateway(platform), ports: http() });
    }
    let is_caller = |caller: &&ResolvedService| caller.calls.contains(&service.name);
    let callers = platform.services.iter().filter(is_caller);
    let callers: Vec<NetworkPolicyPeer> =
        callers.map(|caller| pods(platform, caller.name.as_str())).collect();
    if !callers.is_empty() {
        ingress.push(NetworkPolicyIngressRule { from: Some(callers), ports: http() });
    }
    // By number: some networks do not find the port of a name that is another one in other pods.
    let called = platform.services.iter().filter(|called| service.calls.contains(&called.name));
    let egress: Vec<NetworkPolicyEgressRule> = called
        .map(|called| NetworkPolicyEgressRule {
            to: Some(vec![pods(platform, called.name.as_str())]),
            ports: Some(vec![port("TCP", IntOrString::Int(called.port.get().into()))]),
        })
        .collect();
    let egress = (!egress.is_empty()).then_some(egress);
    let types: &[&str] = if egress.is_some() { &["Ingress", "Egress"] } else { &["Ingress"] };
    let selector = selector(platform, name);
    policy(platform, (name, name), selector, types, (!ingress.is_empty()).then_some(ingress), egress)
}

/// Returns the pods of the gateway, or anybody where it is not known which they are.
fn gateway(platform: &ResolvedPlatform) -> Option<Vec<NetworkPolicyPeer>> {
    (platform.gateway != Gateway::Existing).then(|| vec![in_namespace(kong::NAMESPACE)])
}

fn in_namespace(name: &str) -> NetworkPolicyPeer {
    let labels = BTreeMap::from([(NAMESPACE_NAME.to_owned(), name.to_owned())]);
    let selector = LabelSelector { match_labels: Some(labels), match_expressions: None };
    NetworkPolicyPeer { namespace_selector: Some(selector), ..NetworkPolicyPeer::default() }
}

fn pods(platform: &ResolvedPlatform, service: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer { pod_selector: Some(selector(platform, service)), ..NetworkPolicyPeer::default() }
}

fn selector(platform: &ResolvedPlatform, service: &str) -> LabelSelector {
    LabelSelector { match_labels: Some(metadata::selector(platform, service)), match_expressions: None }
}

fn port(protocol: &str, port: IntOrString) -> NetworkPolicyPort {
    NetworkPolicyPort { port: Some(port), protocol: Some(protocol.to_owned()), end_port: None }
}

/// Returns a policy of a name, whose labels say that it is of something.
fn policy(
    platform: &ResolvedPlatform,
    (name, of): (&str, &str),
    pods: LabelSelector,
    types: &[&str],
    ingress: Option<Vec<NetworkPolicyIngressRule>>,
    egress: Option<Vec<NetworkPolicyEgressRule>>,
) -> NetworkPolicy {
    NetworkPolicy {
        metadata: metadata::namespaced(platform, name, of),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(pods),
            policy_types: Some(types.iter().map(ToString::to_string).collect()),
            ingress,
            egress,
        }),
    }
}
