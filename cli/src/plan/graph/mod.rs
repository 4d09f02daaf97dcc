//! The objects of an environment as a picture.

mod svg;
mod text;

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::networking::v1::Ingress;

use super::calls::calls;
use crate::model::argocd::Application;
use crate::model::manifests::{Manifests, Object};

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Addon,
    Gateway,
    Service,
    Store,
}

/// A thing of the picture.
#[derive(Clone, Debug)]
struct Node {
    /// Its name, which no other node has: letters, digits and `_`.
    id: String,
    kind: Kind,
    /// What is written in it.
    lines: Vec<String>,
}

/// A way from a thing to another one.
#[derive(Clone, Debug)]
struct Edge {
    from: String,
    to: String,
    label: Option<String>,
}

/// The picture: who is asked by whom, from the gateway to the stores.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
}

impl Graph {
    /// Returns the picture of objects.
    #[must_use]
    pub fn of(manifests: &Manifests) -> Self {
        let mut graph = Self::default();
        let mut scaled = BTreeMap::new();
        let mut sizes = BTreeMap::new();
        for object in manifests.objects() {
            match object {
                Object::HorizontalPodAutoscaler(autoscaler) => {
                    let spec = autoscaler.spec.as_ref();
                    let range = spec.map(|spec| (spec.min_replicas.unwrap_or(1), spec.max_replicas));
                    scaled.insert(object.name(), range);
                }
                Object::PersistentVolumeClaim(claim) => {
                    let requests =
                        claim.spec.as_ref().and_then(|spec| spec.resources.as_ref()?.requests.as_ref());
                    let size = requests.and_then(|requests| requests.get("storage"));
                    sizes.insert(object.name(), size.map(|size| size.0.clone()).unwrap_or_default());
                }
                _ => {}
            }
        }
        for object in manifests.objects() {
            match object {
                Object::Application(application) => graph.add_addon(application),
                Object::Ingress(ingress) => graph.add_gateway(ingress),
                Object::Deployment(deployment) => {
                    graph.add_service(deployment, scaled.get(object.name()).copied().flatten(), &sizes);
                }
                _ => {}
            }
        }
        graph.nodes.sort_by_key(|node| (node.kind as u8, node.id.clone()));
        graph.edges.sort_by_key(|edge| (edge.from.clone(), edge.to.clone()));
        let known: Vec<&str> = graph.nodes.iter().map(|node| node.id.as_str()).collect();
        graph.edges.retain(|edge| known.contains(&edge.from.as_str()) && known.contains(&edge.to.as_str()));
        graph
    }

    /// What is installed from a chart, such as the gateway itself.
    fn add_addon(&mut self, application: &Application) {
        let source = &application.spec.source;
        let Some(chart) = &source.chart else { return };
        let node = id("addon", chart);
        self.edge(&node, GATEWAY, None);
        self.node(node, Kind::Addon, vec![format!("{chart} {}", source.target_revision)]);
    }

    fn add_gateway(&mut self, ingress: &Ingress) {
        let spec = ingress.spec.as_ref();
        let class = spec.and_then(|spec| spec.ingress_class_name.as_deref()).unwrap_or_default();
        let rules = || spec.into_iter().flat_map(|spec| spec.rules.iter().flatten());
        let host = rules().find_map(|rule| rule.host.clone());
        let mut lines = vec![format!("gateway ({class})")];
        lines.extend(host);
        self.node(GATEWAY.to_owned(), Kind::Gateway, lines);
        for path in rules().flat_map(|rule| rule.http.iter().flat_map(|http| &http.paths)) {
            let Some(service) = &path.backend.service else { continue };
            self.edge(GATEWAY, &id("service", &service.name), path.path.clone());
        }
    }

    fn add_service(
        &mut self,
        deployment: &Deployment,
        scaled: Option<(i32, i32)>,
        sizes: &BTreeMap<&str, String>,
    ) {
        let name = deployment.metadata.name.as_deref().unwrap_or_default();
        let node = id("service", name);
        let spec = deployment.spec.as_ref();
        let replicas = match scaled {
            Some((min, max)) => format!("{min} to {max} replicas"),
            None => match spec.and_then(|spec| spec.replicas).unwrap_or(1) {
                1 => "1 replica".to_owned(),
                replicas => format!("{replicas} replicas"),
            },
        };
        for (_, called) in calls(deployment).filter(|(_, called)| *called != name) {
            self.edge(&node, &id("service", called), None);
        }
        let volumes = spec.and_then(|spec| spec.template.spec.as_ref()?.volumes.as_ref());
        for volume in volumes.into_iter().flatten() {
            let Some(claim) = &volume.persistent_volume_claim else { continue };
            let store = id("store", &claim.claim_name);
            let size = sizes.get(claim.claim_name.as_str()).cloned().unwrap_or_default();
            self.edge(&node, &store, None);
            self.node(store, Kind::Store, vec![format!("volume, {size}")]);
        }
        self.node(node, Kind::Service, vec![name.to_owned(), replicas]);
    }

    fn node(&mut self, id: String, kind: Kind, lines: Vec<String>) {
        self.nodes.push(Node { id, kind, lines });
    }

    fn edge(&mut self, from: &str, to: &str, label: Option<String>) {
        self.edges.push(Edge { from: from.to_owned(), to: to.to_owned(), label });
    }
}

const GATEWAY: &str = "gateway";

/// Returns a name of a node. Names of objects have no `_`, so two objects never get the same one.
fn id(kind: &str, name: &str) -> String {
    format!("{kind}_{}", name.replace(['-', '.'], "_"))
}
