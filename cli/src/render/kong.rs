//! The gateway: Kong, installed by Argo CD from its chart.

use serde_json::{Value, json};

use crate::model::argocd::{ApplicationSource, Helm};
use crate::model::resolve::Gateway;
use crate::yaml;

/// The component's name.
pub(super) const COMPONENT: &str = "kong";
/// Where it runs.
pub const NAMESPACE: &str = "kong";
/// Where the chart is.
pub const CHARTS: &str = "https://charts.konghq.com";
/// Its version: Kong 3.9, ingress controller 3.5.
const VERSION: &str = "3.4.1";
/// The name of the release, which names its objects.
const RELEASE: &str = "kong";
/// The Service of its proxy.
pub const PROXY: &str = "kong-kong-proxy";

const VALUES: &str = include_str!("../../../templates/addons/kong.yaml");

/// Returns the chart with its values, or nothing when the cluster has a gateway.
pub(super) fn source(gateway: Gateway) -> Option<ApplicationSource> {
    let mut values: Value = yaml::parse(VALUES).expect("the values are YAML");
    match gateway {
        Gateway::Existing => return None,
        Gateway::LoadBalancer => values["proxy"]["type"] = "LoadBalancer".into(),
        // Without a load balancer there is no address that Ingress objects would get, and Argo CD would wait for one.
        Gateway::NodePort => {
            values["ingressController"]["env"] = json!({"publish_status_address": "127.0.0.1"});
        }
    }
    Some(ApplicationSource {
        repo_url: CHARTS.to_owned(),
        target_revision: VERSION.to_owned(),
        path: None,
        chart: Some("kong".to_owned()),
        helm: Some(Helm { release_name: RELEASE.to_owned(), values_object: values }),
    })
}
