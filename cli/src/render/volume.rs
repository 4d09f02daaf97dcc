//! Volumes of embedded stores.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, Volume, VolumeMount,
    VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::metadata::{self, KEEP, annotations};
use crate::model::resolve::{ResolvedPlatform, ResolvedService};

/// The folder of the store in the container. Its working directory is `/`, so `data/…` is in it.
pub(super) const FOLDER: &str = "data";

/// Returns the claim of a service's volume.
pub(super) fn claim(
    platform: &ResolvedPlatform,
    service: &ResolvedService,
    size: &str,
) -> PersistentVolumeClaim {
    let mut metadata = metadata::namespaced(platform, &claim_name(service), service.name.as_str());
    metadata.annotations = annotations([KEEP]);
    PersistentVolumeClaim {
        metadata,
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(size.to_owned()))])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}

/// Returns the volume of the pod.
pub(super) fn volume(service: &ResolvedService) -> Volume {
    Volume {
        name: FOLDER.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim_name(service),
            read_only: None,
        }),
        ..Volume::default()
    }
}

/// Returns where the container has it.
pub(super) fn mount() -> VolumeMount {
    VolumeMount { name: FOLDER.to_owned(), mount_path: format!("/{FOLDER}"), ..VolumeMount::default() }
}

fn claim_name(service: &ResolvedService) -> String {
    format!("{}-{FOLDER}", service.name)
}
