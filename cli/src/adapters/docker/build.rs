//! Building an image.

use std::collections::BTreeMap;

use anstream::adapter::strip_str;
use bollard::body_full;
use bollard::query_parameters::BuildImageOptions;
use bytes::Bytes;
use futures_util::StreamExt;

use super::{DockerError, Engine};
use crate::model::image::Digest;

/// An image to build.
#[derive(Clone, Debug)]
pub struct BuildRequest {
    /// What it will be called.
    pub reference: String,
    /// A tar of what it is built from.
    pub context: Bytes,
    /// The path of the Dockerfile in the context.
    pub dockerfile: String,
    /// The stage; the last one if there is none.
    pub stage: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it runs on.
    pub platform: String,
}

/// A line that the engine said.
pub type BuildProgress<'a> = &'a str;

impl Engine {
    /// Builds an image, tells what the engine says meanwhile, and returns the image's id. When this is dropped, the
    /// engine stops.
    ///
    /// # Errors
    /// The engine fails, at once or in the middle.
    pub async fn build(
        &self,
        request: BuildRequest,
        mut progress: impl FnMut(BuildProgress<'_>),
    ) -> Result<Digest, DockerError> {
        let options = BuildImageOptions {
            dockerfile: request.dockerfile,
            t: Some(request.reference.clone()),
            target: request.stage.unwrap_or_default(),
            labels: Some(request.labels.into_iter().collect()),
            platform: request.platform,
            rm: true,
            forcerm: true,
            ..Default::default()
        };
        let mut stream = self.docker.build_image(options, None, Some(body_full(request.context)));
        let mut said: Vec<String> = Vec::new();
        while let Some(item) = stream.next().await {
            let item = item.map_err(|error| with_last_lines(error, &said))?;
            if let Some(message) = item.error_detail.and_then(|detail| detail.message) {
                return Err(DockerError::Failed(explained(&message, &said)));
            }
            // What a step writes to stderr comes in red, whoever reads it.
            let text = strip_str(item.stream.as_deref().unwrap_or_default()).to_string();
            for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
                progress(line);
                said.push(line.to_owned());
            }
        }
        let image = self.image(&request.reference).await?.ok_or(DockerError::NoImage)?;
        Ok(image.id)
    }
}

fn with_last_lines(error: bollard::errors::Error, said: &[String]) -> DockerError {
    match DockerError::from(error) {
        DockerError::Failed(message) => DockerError::Failed(explained(&message, said)),
        other => other,
    }
}

/// A step that failed has said why before.
fn explained(message: &str, said: &[String]) -> String {
    const LINES: usize = 15;
    let last = &said[said.len().saturating_sub(LINES)..];
    if last.is_empty() {
        message.to_owned()
    } else {
        format!("{message}; its last lines:\n  {}", last.join("\n  "))
    }
}
