//! The namespace.

use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::metadata::{self, KEEP, annotations};
use crate::model::resolve::ResolvedPlatform;

/// Returns the namespace of the platform.
pub(super) fn namespace(platform: &ResolvedPlatform) -> Namespace {
    Namespace {
        metadata: ObjectMeta {
            name: Some(platform.namespace()),
            labels: Some(metadata::labels(platform, platform.name.as_str())),
            annotations: annotations([KEEP]),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    }
}
