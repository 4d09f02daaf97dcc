//! `ecomctl.lock`: which image of which service an environment runs, and from which source it was made.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::image::{Digest, PinnedImage, Repository, Tag};
use super::name::{EnvironmentName, ServiceName};
use crate::yaml::{self, YamlError};

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
    /// The source it was built from; absent when it was in no repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
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

/// The first lines of the file.
const HEADER: &str =
    "# Written by `ecomctl push`: the image of each service in each environment, pinned. Commit it.\n";

impl ImageLock {
    /// Returns the image of a service in an environment.
    #[must_use]
    pub fn image(&self, environment: &EnvironmentName, service: &ServiceName) -> Option<PinnedImage> {
        let LockedImage { repository, tag, manifest, .. } = self.locked(environment, service)?.clone();
        Some(match manifest {
            Some(manifest) => PinnedImage::Pushed { repository, tag, manifest },
            None => PinnedImage::Loaded { repository, tag },
        })
    }

    /// Returns all that is known of the image of a service in an environment.
    #[must_use]
    pub fn locked(&self, environment: &EnvironmentName, service: &ServiceName) -> Option<&LockedImage> {
        self.0.get(environment)?.get(service)
    }

    /// Returns the services of an environment with their images.
    pub fn services(
        &self,
        environment: &EnvironmentName,
    ) -> impl Iterator<Item = (&ServiceName, &LockedImage)> {
        self.0.get(environment).into_iter().flatten()
    }

    /// Pins a service's image in an environment. Known inputs keep their source: the first commit that had them, and not one
    /// of the many later ones.
    pub fn pin(&mut self, environment: &EnvironmentName, service: &ServiceName, image: LockedImage) {
        let services = self.0.entry(environment.clone()).or_default();
        let known = services.get(service).filter(|known| known.inputs == image.inputs);
        let source = known.and_then(|known| known.source.clone()).or(image.source.clone());
        services.insert(service.clone(), LockedImage { source, ..image });
    }

    /// Returns `theirs` with what differs between `base` and this, service by service.
    #[must_use]
    pub fn merged_onto(&self, base: &Self, theirs: &Self) -> Self {
        let mut merged = theirs.clone();
        let places = |lock: &Self| -> Vec<(EnvironmentName, ServiceName)> {
            let services = |(environment, services): (&EnvironmentName, &BTreeMap<ServiceName, _>)| {
                services.keys().map(|service| (environment.clone(), service.clone())).collect::<Vec<_>>()
            };
            lock.0.iter().flat_map(services).collect()
        };
        for (environment, service) in places(self).into_iter().chain(places(base)) {
            let ours = self.locked(&environment, &service);
            if ours == base.locked(&environment, &service) {
                continue;
            }
            let services = merged.0.entry(environment).or_default();
            match ours {
                Some(ours) => drop(services.insert(service, ours.clone())),
                None => drop(services.remove(&service)),
            }
        }
        merged.0.retain(|_, services| !services.is_empty());
        merged
    }

    /// Returns the text of the file: sorted, and the same for the same images.
    ///
    /// # Errors
    /// An image has something that YAML cannot say.
    pub fn text(&self) -> Result<Vec<u8>, YamlError> {
        let mut text = HEADER.as_bytes().to_vec();
        yaml::write(&mut text, self)?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(content: &str, commit: &str) -> LockedImage {
        let digest = Digest::of(content.as_bytes());
        LockedImage {
            repository: "localhost:5000/cart-service".to_owned().try_into().unwrap(),
            tag: Tag::of_inputs(&digest),
            manifest: Some(digest.clone()),
            config: digest.clone(),
            inputs: digest,
            source: Some(Source { commit: commit.to_owned(), dirty: false }),
        }
    }

    fn lock(images: &[(&str, &str)]) -> ImageLock {
        let mut lock = ImageLock::default();
        for (service, content) in images {
            lock.pin(&"minikube".parse().unwrap(), &service.parse().unwrap(), image(content, "a1"));
        }
        lock
    }

    #[test]
    fn a_merge_loses_no_service() {
        let base = lock(&[("cart", "1"), ("order", "1"), ("gone", "1")]);
        let ours = lock(&[("cart", "2"), ("order", "1"), ("new", "1")]);
        let theirs = lock(&[("cart", "1"), ("order", "3"), ("gone", "1"), ("other", "1")]);
        let merged = lock(&[("cart", "2"), ("order", "3"), ("new", "1"), ("other", "1")]);
        assert_eq!(ours.merged_onto(&base, &theirs), merged);
        assert_eq!(theirs.merged_onto(&base, &base), theirs);
    }

    #[test]
    fn a_known_image_keeps_its_source() {
        let (environment, service) = ("minikube".parse().unwrap(), "cart".parse().unwrap());
        let mut lock = lock(&[("cart", "1")]);
        lock.pin(&environment, &service, image("1", "b2"));
        assert_eq!(lock.locked(&environment, &service).unwrap().source.as_ref().unwrap().commit, "a1");
        lock.pin(&environment, &service, image("2", "b2"));
        assert_eq!(lock.locked(&environment, &service).unwrap().source.as_ref().unwrap().commit, "b2");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let lock = lock(&[("cart", "1"), ("order", "2")]);
        let text = String::from_utf8(lock.text().unwrap()).unwrap();
        assert_eq!(yaml::parse::<ImageLock>(&text).unwrap(), lock);
        assert_eq!(yaml::parse::<ImageLock>(HEADER.trim_start_matches('#')).ok(), None);
    }
}
