//! The identity of a service's pods.

use k8s_openapi::api::core::v1::ServiceAccount;

use super::metadata;
use crate::model::resolve::{ResolvedPlatform, ResolvedService};

/// Returns the account of a service. It has no rights, and pods get no token of it: none of them asks the API server.
pub(super) fn account(platform: &ResolvedPlatform, service: &ResolvedService) -> ServiceAccount {
    let name = service.name.as_str();
    ServiceAccount {
        metadata: metadata::namespaced(platform, name, name),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }
}
