//! `ecomctl.lock`: which image of which service an environment runs, and from which source it was made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::image::{Digest, PinnedImage, Repository, Tag};
use super::name::{EnvironmentName, ServiceName};

/// The images that were pushed or loaded, by environment and service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ImageLock(BTreeMap<EnvironmentName, BTreeMap<ServiceName, LockedImage>>);

/// An image that was pushed or loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedImage {
    /// Where it is.
    pub repository: Repository,
    /// Its tag.
    pub tag: Tag,
    /// The digest of its manifest, as the registry tells it; absent when it was loaded into a node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// The digest of its configuration: the image id.
    pub config: Digest,
    /// The digest of what it was built from.
    pub inputs: Digest,
    /// The source it was built from.
    pub source: Source,
}

/// The source of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The commit that was checked out.
    pub commit: String,
    /// Whether files differed from it.
    pub dirty: bool,
}

impl ImageLock {
    /// Returns the image of a service in an environment.
    #[must_use]
    pub fn image(&self, environment: &EnvironmentName, service: &ServiceName) -> Option<PinnedImage> {
        let locked = self.0.get(environment)?.get(service)?.clone();
        let LockedImage { repository, tag, .. } = locked;
        Some(match locked.manifest {
            Some(manifest) => PinnedImage::Pushed { repository, tag, manifest },
            None => PinnedImage::Loaded { repository, tag },
        })
    }
}
