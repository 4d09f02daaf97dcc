//! Copying an image to another repository as it is: the same bytes, so the same digests
//! (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push>).

use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use url::Url;

use super::{AGENT, Descriptor, MANIFESTS, Manifest, RegistryError, RemoteRepository, url};
use crate::model::image::{Digest, Tag};

/// Longest time for a layer.
const LAYER_TIMEOUT: Duration = Duration::from_mins(10);
/// Largest layer, in bytes.
const MAX_LAYER: usize = 1024 * 1024 * 1024;

/// Whether an image had to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// It was.
    Sent,
    /// It was there.
    Known,
}

impl RemoteRepository {
    /// Copies an image to another repository, and gives it a tag there. Layers that are there are not sent again; the tag comes
    /// last, so that it never names half an image.
    ///
    /// # Errors
    /// A registry fails, or the tag is another image's.
    pub async fn copy_to(&self, to: &Self, manifest: &Digest, tag: &Tag) -> Result<Copied, RegistryError> {
        if let Some(there) = to.image(tag).await? {
            if there.manifest == *manifest {
                return Ok(Copied::Known);
            }
            return Err(RegistryError::OtherImage { host: to.host.clone(), tag: tag.to_string() });
        }
        let found = self.manifest(&manifest.to_string()).await?;
        self.copy_parts(to, found.body()).await?;
        to.put_manifest(&tag.to_string(), &found).await?;
        Ok(Copied::Sent)
    }

    /// Returns a manifest, which is what its digest says.
    async fn manifest(&self, digest: &str) -> Result<Response<Bytes>, RegistryError> {
        let found = self.get(&format!("manifests/{digest}"), MANIFESTS).await?;
        let found = found.ok_or_else(|| self.unexpected(&format!("that it has no image {digest}")))?;
        self.check(digest, found.body())?;
        Ok(found)
    }

    fn check(&self, digest: &str, content: &[u8]) -> Result<(), RegistryError> {
        if Digest::of(content).to_string() == digest {
            return Ok(());
        }
        Err(self.unexpected(&format!("with something else than {digest}")))
    }

    /// Copies what a manifest names: configuration and layers, or the images of an index.
    async fn copy_parts(&self, to: &Self, manifest: &[u8]) -> Result<(), RegistryError> {
        let parsed: Manifest =
            serde_json::from_slice(manifest).map_err(|error| self.unexpected(&error.to_string()))?;
        for Descriptor { digest, .. } in &parsed.manifests {
            let image = self.manifest(digest).await?;
            Box::pin(self.copy_parts(to, image.body())).await?;
            to.put_manifest(digest, &image).await?;
        }
        for Descriptor { digest, .. } in parsed.layers.iter().chain(&parsed.config) {
            self.copy_blob(to, digest).await?;
        }
        Ok(())
    }

    async fn copy_blob(&self, to: &Self, digest: &str) -> Result<(), RegistryError> {
        let at = to.at(&format!("blobs/{digest}"))?;
        let there = to.send(Method::HEAD, &at, None, Bytes::new()).await?;
        // It may say that it is elsewhere.
        if there.status().is_success() || there.status().is_redirection() {
            return Ok(());
        }
        to.expect(&there, StatusCode::NOT_FOUND)?;
        let blob = self.with_limits_for_layers().get(&format!("blobs/{digest}"), "*/*").await?;
        let blob = blob.ok_or_else(|| self.unexpected(&format!("that it has no layer {digest}")))?;
        self.check(digest, blob.body())?;
        let begun = to.send(Method::POST, &to.at("blobs/uploads/")?, None, Bytes::new()).await?;
        to.expect(&begun, StatusCode::ACCEPTED)?;
        let place = begun.headers().get(LOCATION).and_then(|place| place.to_str().ok());
        let place = place.and_then(|place| to.base.join(place).ok());
        let mut place = place.ok_or_else(|| to.unexpected("an upload to nowhere"))?;
        place.query_pairs_mut().append_pair("digest", digest);
        let content = blob.into_body();
        let kept = to
            .with_limits_for_layers()
            .send(Method::PUT, &place, Some("application/octet-stream"), content)
            .await?;
        to.expect(&kept, StatusCode::CREATED)
    }

    async fn put_manifest(&self, name: &str, manifest: &Response<Bytes>) -> Result<(), RegistryError> {
        let kind = manifest.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let at = self.at(&format!("manifests/{name}"))?;
        let kept = self.send(Method::PUT, &at, kind, manifest.body().clone()).await?;
        self.expect(&kept, StatusCode::CREATED)
    }

    fn expect(&self, answer: &Response<Bytes>, status: StatusCode) -> Result<(), RegistryError> {
        match answer.status() {
            got if got == status => Ok(()),
            got @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(self.refused(got)),
            got => Err(self.unexpected(&got.to_string())),
        }
    }

    fn at(&self, path: &str) -> Result<Url, RegistryError> {
        url(&format!("{}v2/{}/{path}", self.base, self.path), &self.host)
    }

    fn with_limits_for_layers(&self) -> Self {
        Self { http: self.http.with_limits(LAYER_TIMEOUT, MAX_LAYER), ..self.clone() }
    }

    /// Returns the answer to a request that may be sent again.
    async fn send(
        &self,
        method: Method,
        at: &Url,
        kind: Option<&str>,
        content: Bytes,
    ) -> Result<Response<Bytes>, RegistryError> {
        let mut request = Request::builder().method(method).uri(at.as_str()).header(USER_AGENT, AGENT);
        request = request.header(CONTENT_LENGTH, content.len());
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        // Another host has its own leave in the URL.
        if let Some(authorization) =
            self.authorization.as_deref().filter(|_| at.origin() == self.base.origin())
        {
            request = request.header(AUTHORIZATION, authorization);
        }
        let request = request.body(Full::new(content))?;
        let answer = self.client_for(at)?.send_until_answered(request).await;
        answer.map_err(|source| RegistryError::Unreachable { host: self.host.clone(), source })
    }
}
