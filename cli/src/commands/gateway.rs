//! How the shop in a cluster is reached from here.

use anyhow::Result;
use url::Url;

use crate::adapters::cluster::{Cluster, Forward, Target};
use crate::error::Failure;
use crate::model::object::ObjectKey;
use crate::model::resolve::{Gateway, ResolvedPlatform};
use crate::render;

/// A URL of the shop, which answers until this is dropped.
pub(super) struct Reached {
    /// The URL.
    pub(super) url: Url,
    /// What leads there, if something must.
    _forward: Option<Forward>,
}

/// Returns the proxy that Argo CD has installed, if it has.
pub(super) fn proxy(platform: &ResolvedPlatform) -> Option<Target> {
    (platform.gateway != Gateway::Existing).then(|| Target {
        namespace: render::GATEWAY_NAMESPACE.to_owned(),
        service: render::GATEWAY_PROXY.to_owned(),
        port: "80".to_owned(),
    })
}

/// Returns how the shop is reached: at `url` if it is given, else by a port that leads to the proxy that Argo CD has installed,
/// else at the address that the cluster has given the Ingress.
pub(super) async fn reach(
    cluster: &Cluster,
    platform: &ResolvedPlatform,
    url: Option<Url>,
) -> Result<Reached> {
    if let Some(url) = url {
        return Ok(Reached { url, _forward: None });
    }
    if let Some(target) = proxy(platform) {
        let forward = cluster.forward(&target, 0).await?;
        let url = Url::parse(&format!("http://{}", forward.address))?;
        return Ok(Reached { url, _forward: Some(forward) });
    }
    let address = address(cluster, platform).await?;
    let failure = || {
        Failure::new("the cluster has given the Ingress no address")
            .hint("say where the shop answers with `--url`")
    };
    let host = platform.host.as_ref().map(|host| host.as_str().to_owned()).or(address).ok_or_else(failure)?;
    Ok(Reached { url: Url::parse(&format!("http://{host}"))?, _forward: None })
}

/// Returns the address that the cluster has given the Ingress.
pub(super) async fn address(cluster: &Cluster, platform: &ResolvedPlatform) -> Result<Option<String>> {
    if platform.gateway == Gateway::NodePort {
        // The address of the Ingress says nothing then: it is reached by a port of a node.
        return node_port(cluster).await;
    }
    let (namespace, name) = (platform.namespace(), platform.ingress());
    let key = ObjectKey::new("networking.k8s.io/v1", "Ingress", Some(&namespace), &name);
    let Some(ingress) = cluster.get(&key).await? else { return Ok(None) };
    let first = ingress.data.pointer("/status/loadBalancer/ingress/0");
    let text = |name: &str| first.and_then(|first| first.get(name)?.as_str()).map(ToOwned::to_owned);
    Ok(text("hostname").or_else(|| text("ip")))
}

async fn node_port(cluster: &Cluster) -> Result<Option<String>> {
    let key = ObjectKey::new("v1", "Service", Some(render::GATEWAY_NAMESPACE), render::GATEWAY_PROXY);
    let Some(service) = cluster.get(&key).await? else { return Ok(None) };
    let port = service.data.pointer("/spec/ports/0/nodePort").and_then(serde_json::Value::as_u64);
    let nodes = cluster.nodes(&[]).await?;
    let address = nodes.into_iter().find_map(|node| node.address);
    Ok(address.zip(port).map(|(address, port)| format!("{address}:{port}")))
}

/// Returns the path prefixes that the gateway answers.
pub(super) fn paths(platform: &ResolvedPlatform) -> Vec<String> {
    platform.services.iter().filter_map(|service| Some(service.path.as_ref()?.as_str().to_owned())).collect()
}
