//! Pushing an image.

use bollard::query_parameters::PushImageOptions;
use futures_util::StreamExt;

use super::{DockerError, Engine, credentials_for};
use crate::adapters::retry::Retry;
use crate::model::docker_config::Credential;
use crate::model::image::{Repository, Tag};

/// What registries and networks say when trying again helps. The engine passes their words on, without a code.
const TRANSIENT: [&str; 18] = [
    // "error parsing HTTP 429 response body: …"
    "http 408 ",
    "http 429 ",
    "http 50",
    "408 request timeout",
    "429 too many",
    "500 internal server error",
    "504 gateway",
    "toomanyrequests",
    "too many requests",
    "service unavailable",
    "bad gateway",
    "connection reset",
    "connection refused",
    "broken pipe",
    "unexpected eof",
    ": eof",
    "timeout",
    "server closed",
];

impl Engine {
    /// Pushes an image, tells how far it is (done and all bytes), and tries again what may pass.
    ///
    /// # Errors
    /// The engine or the registry fails, at once or in the middle.
    pub async fn push(
        &self,
        repository: &Repository,
        tag: &Tag,
        credential: Option<&Credential>,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<(), DockerError> {
        let mut retry = Retry::default();
        loop {
            match self.push_once(repository, tag, credential, &mut progress).await {
                Err(DockerError::Failed(message))
                    if is_transient(&message) || is_lost_login(&message, credential) =>
                {
                    if !retry.pause(None).await {
                        return Err(DockerError::Failed(message));
                    }
                }
                result => return result,
            }
        }
    }

    async fn push_once(
        &self,
        repository: &Repository,
        tag: &Tag,
        credential: Option<&Credential>,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), DockerError> {
        let options = PushImageOptions { tag: Some(tag.to_string()), ..Default::default() };
        let credentials = credentials_for(repository.host(), credential);
        let mut stream = self.docker.push_image(repository.as_str(), Some(options), Some(credentials));
        while let Some(item) = stream.next().await {
            let item = item?;
            if let Some(message) = item.error_detail.and_then(|detail| detail.message) {
                return Err(DockerError::Failed(message));
            }
            if let Some(detail) = item.progress_detail {
                let bytes = |count: Option<i64>| u64::try_from(count.unwrap_or_default()).unwrap_or_default();
                progress(bytes(detail.current), bytes(detail.total));
            }
        }
        Ok(())
    }
}

/// Whether the engine has pushed without the login that the registry took a moment ago: it asks how to log in first, and
/// when that answer is lost, it goes on without.
fn is_lost_login(message: &str, credential: Option<&Credential>) -> bool {
    credential.is_some() && message.starts_with("unauthorized")
}

fn is_transient(message: &str) -> bool {
    let message = message.to_lowercase();
    TRANSIENT.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for passing in [
            "received unexpected HTTP status: 503 Service Unavailable",
            "toomanyrequests: Too Many Requests",
            "Patch \"http://r/v2\": read tcp 127.0.0.1: connection reset by peer",
            "unexpected EOF",
            "error parsing HTTP 429 response body: unexpected end of JSON input: \"\"",
        ] {
            assert!(is_transient(passing), "{passing}");
        }
        for lasting in
            ["unauthorized: authentication required", "denied: requested access to the resource is denied"]
        {
            assert!(!is_transient(lasting), "{lasting}");
        }
    }
}
