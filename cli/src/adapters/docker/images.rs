//! The images that the engine has.

use std::collections::{BTreeMap, HashMap};

use bollard::errors::Error;
use bollard::query_parameters::{ListImagesOptions, RemoveImageOptions, TagImageOptions};

use super::{DockerError, Engine};
use crate::model::image::{Digest, Repository, Tag};

/// An image of the engine.
#[derive(Clone, Debug)]
pub struct LocalImage {
    /// Its id.
    pub id: Digest,
    /// What it is called, each `repository:tag`.
    pub names: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its size in bytes.
    pub size: u64,
    /// When it was built: seconds since 1970; 0 when that is unknown.
    pub created: i64,
}

impl Engine {
    /// Returns the image of a name, if there is one.
    ///
    /// # Errors
    /// The engine fails.
    pub async fn image(&self, reference: &str) -> Result<Option<LocalImage>, DockerError> {
        let image = match self.docker.inspect_image(reference).await {
            Ok(image) => image,
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let id = image.id.unwrap_or_default();
        Ok(Some(LocalImage {
            id: id.try_into().map_err(DockerError::Failed)?,
            names: image.repo_tags.unwrap_or_default(),
            labels: image.config.and_then(|config| config.labels).unwrap_or_default().into_iter().collect(),
            size: u64::try_from(image.size.unwrap_or_default()).unwrap_or_default(),
            created: 0,
        }))
    }

    /// Returns the images that have a label, the newest first.
    ///
    /// # Errors
    /// The engine fails.
    pub async fn images(&self, label: &str) -> Result<Vec<LocalImage>, DockerError> {
        let filters = HashMap::from([("label".to_owned(), vec![label.to_owned()])]);
        let options = ListImagesOptions { filters: Some(filters), ..Default::default() };
        let mut images = Vec::new();
        for image in self.docker.list_images(Some(options)).await? {
            images.push(LocalImage {
                id: image.id.try_into().map_err(DockerError::Failed)?,
                names: image.repo_tags,
                labels: image.labels.into_iter().collect(),
                size: u64::try_from(image.size).unwrap_or_default(),
                created: image.created,
            });
        }
        images.sort_by(|a, b| b.created.cmp(&a.created).then_with(|| a.names.cmp(&b.names)));
        Ok(images)
    }

    /// Gives an image another name.
    ///
    /// # Errors
    /// The engine fails.
    pub async fn tag(&self, reference: &str, repository: &Repository, tag: &Tag) -> Result<(), DockerError> {
        let options = TagImageOptions { repo: Some(repository.to_string()), tag: Some(tag.to_string()) };
        Ok(self.docker.tag_image(reference, Some(options)).await?)
    }

    /// Takes a name from an image; with its last name it is gone.
    ///
    /// # Errors
    /// The engine fails, or a container needs the image.
    pub async fn remove(&self, name: &str) -> Result<(), DockerError> {
        match self.docker.remove_image(name, None::<RemoveImageOptions>, None).await {
            Ok(_) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
