//! The Service in front of a service's pods.

use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::metadata;
use crate::model::resolve::{ResolvedPlatform, ResolvedService};

/// The name of the API's port, in containers and Services.
pub(super) const HTTP: &str = "http";
/// The name of the admin listener's port.
pub(super) const ADMIN: &str = "admin";
/// The port of every Service.
const PORT: i32 = 80;

/// Returns the Service: port 80, named `http`, to the container's port of that name.
pub(super) fn service(platform: &ResolvedPlatform, service: &ResolvedService) -> Service {
    let name = service.name.as_str();
    Service {
        metadata: metadata::namespaced(platform, name, name),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(metadata::selector(platform, name)),
            ports: Some(vec![ServicePort {
                name: Some(HTTP.to_owned()),
                port: PORT,
                target_port: Some(IntOrString::String(HTTP.to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}
