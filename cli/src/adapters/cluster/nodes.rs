//! What the nodes have.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::{self as core, Pod};
use kube::{Api, ResourceExt};

use super::{Cluster, ClusterError};
use crate::model::quantity::{cpu_in_milli, memory_in_bytes};

/// A node.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its address in the network of the cluster.
    pub address: Option<String>,
    /// Whether it takes pods.
    pub is_ready: bool,
    /// What pods can have of it.
    pub free: Capacity,
    /// The names of the images that it has, as far as it tells.
    pub images: BTreeSet<String>,
}

/// An amount of CPU and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity {
    /// CPU, in thousandths of a core.
    pub cpu: u64,
    /// Memory, in bytes.
    pub memory: u64,
}

impl Cluster {
    /// Returns the nodes, with what pods outside of the namespaces `own` leave free.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn nodes(&self, own: &[&str]) -> Result<Vec<Node>, ClusterError> {
        let nodes: Api<core::Node> = Api::all(self.client.clone());
        let pods: Api<Pod> = Api::all(self.client.clone());
        let all = kube::api::ListParams::default();
        let running = all.clone().fields("status.phase!=Succeeded,status.phase!=Failed");
        let (nodes, pods) = tokio::try_join!(
            self.ask("list nodes", nodes.list(&all)),
            self.ask("list pods", pods.list(&running)),
        )?;
        let others = |node: &str| {
            let on_node = |pod: &&Pod| {
                pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref()) == Some(node)
                    && !own.contains(&pod.namespace().unwrap_or_default().as_str())
            };
            pods.items.iter().filter(on_node).map(requests).fold(Capacity::default(), |sum, one| Capacity {
                cpu: sum.cpu + one.cpu,
                memory: sum.memory + one.memory,
            })
        };
        Ok(nodes.items.into_iter().map(|node| described(&node, others(&node.name_any()))).collect())
    }
}

fn described(node: &core::Node, taken: Capacity) -> Node {
    let status = node.status.clone().unwrap_or_default();
    let allocatable = status.allocatable.unwrap_or_default();
    let amount = |name: &str| allocatable.get(name).map(|quantity| quantity.0.clone()).unwrap_or_default();
    let is_true = |condition: &core::NodeCondition| condition.type_ == "Ready" && condition.status == "True";
    let takes_pods = !node.spec.as_ref().is_some_and(|spec| spec.unschedulable.unwrap_or_default());
    Node {
        name: node.name_any(),
        address: status
            .addresses
            .unwrap_or_default()
            .into_iter()
            .find(|address| address.type_ == "InternalIP")
            .map(|address| address.address),
        is_ready: takes_pods && status.conditions.unwrap_or_default().iter().any(is_true),
        free: Capacity {
            cpu: cpu_in_milli(&amount("cpu")).saturating_sub(taken.cpu),
            memory: memory_in_bytes(&amount("memory")).saturating_sub(taken.memory),
        },
        images: status
            .images
            .unwrap_or_default()
            .into_iter()
            .flat_map(|image| image.names.unwrap_or_default())
            .collect(),
    }
}

fn requests(pod: &Pod) -> Capacity {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let amount = |container: &core::Container, name: &str| {
        let requests = container.resources.as_ref().and_then(|resources| resources.requests.as_ref());
        requests
            .and_then(|requests| requests.get(name))
            .map(|quantity| quantity.0.clone())
            .unwrap_or_default()
    };
    containers.fold(Capacity::default(), |sum, container| Capacity {
        cpu: sum.cpu + cpu_in_milli(&amount(container, "cpu")),
        memory: sum.memory + memory_in_bytes(&amount(container, "memory")),
    })
}
