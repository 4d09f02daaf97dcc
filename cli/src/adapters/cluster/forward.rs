//! Ports of this machine that lead to pods.

use std::net::SocketAddr;

use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{Api, ResourceExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::pods::is_ready;
use super::{Cluster, ClusterError};

/// A port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub service: String,
    /// The port of the Service: its name, or its number.
    pub port: String,
}

/// A port of this machine that leads to a Service, until this is dropped.
#[derive(Debug)]
pub struct Forward {
    /// The address on this machine.
    pub address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Forward {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Cluster {
    /// Listens on `port` of loopback, or on a free one when it is 0, and leads each connection to a pod of a Service that is
    /// ready at that moment.
    ///
    /// # Errors
    /// There is no such Service, no pod of it is ready, or the port is taken.
    pub async fn forward(&self, target: &Target, port: u16) -> Result<Forward, ClusterError> {
        self.end_of(target).await?;
        let listen = |source| ClusterError::Listen { port, source };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let (cluster, target) = (self.clone(), target.clone());
        let serving = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let (cluster, target) = (cluster.clone(), target.clone());
                // A connection that fails is closed, which is what its client sees.
                tokio::spawn(async move { cluster.lead(connection, &target).await });
            }
        });
        Ok(Forward { address, serving })
    }

    async fn lead(&self, mut connection: TcpStream, target: &Target) -> Result<(), ClusterError> {
        let (pod, port) = self.end_of(target).await?;
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &target.namespace);
        let mut forwarder = self.ask("forward a port", api.portforward(&pod, &[port])).await?;
        if let Some(mut stream) = forwarder.take_stream(port) {
            // Either side may break off.
            let _ = tokio::io::copy_bidirectional(&mut connection, &mut stream).await;
        }
        Ok(())
    }

    /// Returns a pod that is ready, and its port.
    async fn end_of(&self, target: &Target) -> Result<(String, u16), ClusterError> {
        let Target { namespace, service: name, port } = target;
        let api: Api<Service> = Api::namespaced(self.client.clone(), namespace);
        let service = self.ask(&format!("tell of service `{namespace}/{name}`"), api.get(name)).await?;
        let spec = service.spec.unwrap_or_default();
        let no_pod = || ClusterError::NoPod { namespace: namespace.clone(), service: name.clone() };
        let selector = spec.selector.unwrap_or_default();
        let labels: Vec<String> = selector.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let is_meant = |candidate: &&k8s_openapi::api::core::v1::ServicePort| {
            candidate.name.as_ref() == Some(port) || candidate.port.to_string() == *port
        };
        let ports = spec.ports.unwrap_or_default();
        let found = ports.iter().find(is_meant).or(ports.first()).ok_or_else(no_pod)?;
        let pods = self.pods(namespace, &labels.join(",")).await?;
        let pod = pods.iter().find(|pod| is_ready(pod)).ok_or_else(no_pod)?;
        let number = match &found.target_port {
            Some(IntOrString::Int(number)) => Some(*number),
            Some(IntOrString::String(name)) => {
                let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
                let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
                ports.find(|port| port.name.as_ref() == Some(name)).map(|port| port.container_port)
            }
            None => Some(found.port),
        };
        let number = number.and_then(|number| u16::try_from(number).ok()).ok_or_else(no_pod)?;
        Ok((pod.name_any(), number))
    }
}
