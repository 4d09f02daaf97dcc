//! Argo CD's install manifest: of a file, of the user's cache, or fetched once.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::Full;
use hyper::Request;

use super::files;
use super::http::{Http, HttpError, Scheme};
use crate::model::image::Digest;

/// Longest time of the download.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// A file cannot be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is another one.
    #[error("`{}` is not the install manifest of Argo CD {version}: its digest is {found}, not {wanted}", path.display())]
    Digest {
        /// Which.
        path: PathBuf,
        /// The version that is meant.
        version: String,
        /// The digest that it has.
        found: Digest,
        /// The digest that it should have.
        wanted: String,
    },
    /// It cannot be fetched.
    #[error("failed to fetch `{url}`: {reason}")]
    Fetch {
        /// From where.
        url: String,
        /// Why not.
        reason: String,
    },
}

/// Returns the install manifest of a version, whose digest is `wanted`: of `file` if there is one, else of the cache,
/// else from the network.
///
/// # Errors
/// There is none, or it is another one.
pub async fn manifest(version: &str, wanted: &str, file: Option<&Path>) -> Result<String, ReleaseError> {
    let cached = files::cache().join(format!("argocd-{version}.yaml"));
    if let Some(file) = file {
        let content = read(file)?.ok_or_else(|| absent(file))?;
        let found = Digest::of(&content);
        if found.to_string() != wanted {
            let (path, version, wanted) = (file.to_owned(), version.to_owned(), wanted.to_owned());
            return Err(ReleaseError::Digest { path, version, found, wanted });
        }
        return Ok(kept(&cached, &content));
    }
    // A file in the cache that is another one, such as half of it, is fetched again.
    if let Some(content) = read(&cached)?.filter(|content| Digest::of(content).to_string() == wanted) {
        return Ok(String::from_utf8_lossy(&content).into_owned());
    }
    let url = format!("https://raw.githubusercontent.com/argoproj/argo-cd/{version}/manifests/install.yaml");
    let content = fetch(&url).await?;
    let found = Digest::of(&content);
    if found.to_string() != wanted {
        return Err(ReleaseError::Fetch { url, reason: format!("its digest is {found}, not {wanted}") });
    }
    Ok(kept(&cached, &content))
}

/// Keeps the manifest for the next time, if that is possible.
fn kept(cached: &Path, content: &[u8]) -> String {
    if read(cached).ok().flatten().as_deref() != Some(content) {
        let _ = files::write(cached, content);
    }
    String::from_utf8_lossy(content).into_owned()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, ReleaseError> {
    files::read(path).map_err(|source| ReleaseError::Read { path: path.to_owned(), source })
}

fn absent(path: &Path) -> ReleaseError {
    ReleaseError::Read { path: path.to_owned(), source: io::ErrorKind::NotFound.into() }
}

async fn fetch(url: &str) -> Result<Vec<u8>, ReleaseError> {
    let failed = |reason: String| ReleaseError::Fetch { url: url.to_owned(), reason };
    let asked = async {
        let request = Request::builder().uri(url).body(Full::default())?;
        Http::new(Scheme::Https, TIMEOUT)?.send_until_answered(request).await
    };
    let answer = asked.await.map_err(|error: HttpError| failed(error.to_string()))?;
    if !answer.status().is_success() {
        return Err(failed(format!("the answer is {}", answer.status())));
    }
    Ok(answer.body().to_vec())
}
