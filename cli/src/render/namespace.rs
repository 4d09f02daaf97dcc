//! The namespace.

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::metadata::{self, KEEP, annotations};
use crate::model::resolve::ResolvedPlatform;

/// What the API server holds pods to (<https://kubernetes.io/docs/concepts/security/pod-security-admission/>).
const POD_SECURITY: &str = "pod-security.kubernetes.io/enforce";

/// Returns the namespace of the platform.
pub(super) fn namespace(platform: &ResolvedPlatform) -> Namespace {
    let mut labels = metadata::labels(platform, platform.name.as_str());
    labels.insert(POD_SECURITY.to_owned(), "restricted".to_owned());
    Namespace {
        metadata: ObjectMeta {
            name: Some(platform.namespace()),
            labels: Some(labels),
            annotations: annotations([KEEP]),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}
