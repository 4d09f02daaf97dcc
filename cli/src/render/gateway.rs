//! The one Ingress: a path prefix a service, passed on as it is.

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend,
    IngressSpec, ServiceBackendPort,
};

use super::metadata::{self, annotations};
use super::service::HTTP;
use crate::model::resolve::{ResolvedPlatform, ResolvedService};

/// The component's folder.
pub(super) const COMPONENT: &str = "gateway";

/// Returns the Ingress, or nothing when no service has a path.
pub(super) fn ingress(platform: &ResolvedPlatform) -> Option<Ingress> {
    let mut paths: Vec<HTTPIngressPath> = platform.services.iter().filter_map(path).collect();
    if paths.is_empty() {
        return None;
    }
    paths.sort_by(|a, b| a.path.cmp(&b.path));
    let name = platform.ingress();
    let mut metadata = metadata::namespaced(platform, &name, COMPONENT);
    if platform.ingress_class == "kong" {
        metadata.annotations = annotations([("konghq.com/strip-path", "false")]);
    }
    Some(Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: Some(platform.ingress_class.clone()),
            rules: Some(vec![IngressRule {
                host: platform.host.as_ref().map(|host| host.as_str().to_owned()),
                http: Some(HTTPIngressRuleValue { paths }),
            }]),
            ..IngressSpec::default()
        }),
        status: None,
    })
}

fn path(service: &ResolvedService) -> Option<HTTPIngressPath> {
    Some(HTTPIngressPath {
        path: Some(service.path.as_ref()?.as_str().to_owned()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend {
            service: Some(IngressServiceBackend {
                name: service.name.to_string(),
                port: Some(ServiceBackendPort { name: Some(HTTP.to_owned()), number: None }),
            }),
            resource: None,
        },
    })
}
