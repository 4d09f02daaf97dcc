//! A registry's HTTP API (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md>).

mod copy;
mod login;

use std::collections::BTreeMap;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, LOCATION, USER_AGENT, WWW_AUTHENTICATE};
use hyper::{Request, Response, StatusCode};
use serde::Deserialize;
use url::Url;

use super::http::{Http, HttpError, Scheme};
use crate::model::docker_config::Credential;
use crate::model::image::{Digest, Repository, Tag};

pub use copy::Copied;
use login::Challenge;

/// Longest time for one request.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a redirect is followed.
const REDIRECTS: usize = 5;
const AGENT: &str = concat!("ecomctl/", env!("CARGO_PKG_VERSION"));

/// The kinds of manifest that are understood.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json";

/// Why a registry does not say what it has.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// No answer.
    #[error("registry `{host}` does not answer")]
    Unreachable {
        /// Which.
        host: String,
        /// What went wrong.
        source: HttpError,
    },
    /// It wants to know who asks, and nobody has told.
    #[error("registry `{0}` wants a login, and there are no credentials for it")]
    NoCredentials(String),
    /// It does not take the credentials.
    #[error("registry `{0}` does not take the credentials")]
    WrongCredentials(String),
    /// Who asks may not do it.
    #[error("registry `{host}` does not let you use `{path}`")]
    NoRights {
        /// Which.
        host: String,
        /// The repository in it.
        path: String,
    },
    /// It answers something else than it should.
    #[error("registry `{host}` answers {answer}")]
    Unexpected {
        /// Which.
        host: String,
        /// What.
        answer: String,
    },
    /// A tag is never given to another image.
    #[error("registry `{host}` has another image of tag `{tag}`")]
    OtherImage {
        /// Which.
        host: String,
        /// The tag.
        tag: String,
    },
    /// No request can be made of what it said.
    #[error("no request can be made")]
    Request(#[from] hyper::http::Error),
}

/// An image in a registry.
#[derive(Clone, Debug)]
pub struct RemoteImage {
    /// The digest of its manifest.
    pub manifest: Digest,
    /// The digest of its configuration.
    pub config: Digest,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A repository of a registry.
#[derive(Clone, Debug)]
pub struct RemoteRepository {
    http: Http,
    base: Url,
    host: String,
    path: String,
    authorization: Option<String>,
    /// Whether it knows who asks.
    is_known: bool,
}

#[derive(Deserialize)]
struct Manifest {
    config: Option<Descriptor>,
    #[serde(default)]
    manifests: Vec<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    platform: Option<Platform>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(default)]
    config: Inner,
}

#[derive(Default, Deserialize)]
struct Inner {
    #[serde(default, rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

impl RemoteRepository {
    /// Returns a repository once its registry has let us in, to read and to write. A registry on this machine may speak plain
    /// HTTP, as the engine has it.
    ///
    /// # Errors
    /// The registry does not answer, or does not take the credential.
    pub async fn open(
        repository: &Repository,
        credential: Option<&Credential>,
    ) -> Result<Self, RegistryError> {
        let (host, path) = names(repository);
        let unreachable = |source| RegistryError::Unreachable { host: host.clone(), source };
        let (http, base, answer) = if let Some(opened) = Self::plain(&host).await? {
            opened
        } else {
            let http = Http::new(Scheme::Https, TIMEOUT).map_err(unreachable)?;
            let api = if host == "docker.io" { "registry-1.docker.io" } else { &host };
            let base = url(&format!("https://{api}/"), &host)?;
            let ping = request(&url(&format!("{base}v2/"), &host)?, None, "*/*")?;
            let answer = http.send_until_answered(ping).await.map_err(unreachable)?;
            (http, base, answer)
        };
        let mut opened = Self { http, base, host, path, authorization: None, is_known: credential.is_some() };
        match answer.status() {
            StatusCode::UNAUTHORIZED => opened.login(&answer, credential).await?,
            status if status.is_success() => {}
            status => return Err(opened.unexpected(&status.to_string())),
        }
        Ok(opened)
    }

    /// Returns the client, the URL and the first answer of a registry on this machine that speaks plain HTTP.
    async fn plain(host: &str) -> Result<Option<(Http, Url, Response<Bytes>)>, RegistryError> {
        if !is_loopback(host) {
            return Ok(None);
        }
        let unreachable = |source| RegistryError::Unreachable { host: host.to_owned(), source };
        let http = Http::new(Scheme::Http, TIMEOUT).map_err(unreachable)?;
        let base = url(&format!("http://{host}/"), host)?;
        let ping = request(&url(&format!("{base}v2/"), host)?, None, "*/*")?;
        let answer = http.send_until_answered(ping).await.map_err(unreachable)?;
        // A server that wants TLS says 400 to plain HTTP.
        Ok((answer.status() != StatusCode::BAD_REQUEST).then_some((http, base, answer)))
    }

    async fn login(
        &mut self,
        answer: &Response<Bytes>,
        credential: Option<&Credential>,
    ) -> Result<(), RegistryError> {
        let challenges = answer.headers().get_all(WWW_AUTHENTICATE).iter();
        let mut challenges = challenges.filter_map(|value| Challenge::parse(value.to_str().ok()?));
        let challenge = challenges.next().ok_or_else(|| self.unexpected("401 without a way to log in"))?;
        let scope = format!("repository:{}:pull,push", self.path);
        self.authorization = login::authorization(self, &challenge, &scope, credential).await?;
        Ok(())
    }

    /// Returns the image of a tag, if there is one.
    ///
    /// # Errors
    /// The registry does not say.
    pub async fn image(&self, tag: &Tag) -> Result<Option<RemoteImage>, RegistryError> {
        let Some(answer) = self.get(&format!("manifests/{tag}"), MANIFESTS).await? else { return Ok(None) };
        let said = answer.headers().get("docker-content-digest").and_then(|digest| digest.to_str().ok());
        let digest = Digest::of(answer.body());
        if said.is_some_and(|said| said != digest.to_string()) {
            return Err(self.unexpected("a manifest that is not what its digest says"));
        }
        let config = self.config_of(answer.body()).await?;
        let blob = self.get(&format!("blobs/{config}"), "*/*").await?;
        let blob = blob.ok_or_else(|| self.unexpected("a manifest without its configuration"))?;
        let parsed: Configuration =
            serde_json::from_slice(blob.body()).map_err(|error| self.unexpected(&error.to_string()))?;
        let labels = parsed.config.labels.unwrap_or_default();
        Ok(Some(RemoteImage { manifest: digest, config, labels }))
    }

    /// Returns the digest of the configuration; of an index, that of its first image.
    async fn config_of(&self, manifest: &[u8]) -> Result<Digest, RegistryError> {
        let parse = |bytes: &[u8]| -> Result<Manifest, RegistryError> {
            serde_json::from_slice(bytes).map_err(|error| self.unexpected(&error.to_string()))
        };
        let mut manifest = parse(manifest)?;
        if manifest.config.is_none() {
            // Attestations stand beside images as `unknown`.
            let is_image =
                |entry: &&Descriptor| entry.platform.as_ref().is_none_or(|platform| platform.os != "unknown");
            let image = manifest.manifests.iter().find(is_image);
            let image = image.ok_or_else(|| self.unexpected("an index without an image"))?;
            let answer = self.get(&format!("manifests/{}", image.digest), MANIFESTS).await?;
            let answer = answer.ok_or_else(|| self.unexpected("an index without its image"))?;
            manifest = parse(answer.body())?;
        }
        let config = manifest.config.ok_or_else(|| self.unexpected("a manifest without a configuration"))?;
        config.digest.try_into().map_err(|error: String| self.unexpected(&error))
    }

    /// Returns what the registry has at a path of the repository, or `None` when it has nothing.
    async fn get(&self, path: &str, accept: &str) -> Result<Option<Response<Bytes>>, RegistryError> {
        let mut at = url(&format!("{}v2/{}/{path}", self.base, self.path), &self.host)?;
        for _ in 0..REDIRECTS {
            // Where a redirect leads to another host, who asks is nobody's business.
            let known = at.origin() == self.base.origin();
            let request = request(&at, self.authorization.as_deref().filter(|_| known), accept)?;
            let answer = self.client_for(&at)?.send_until_answered(request).await;
            let answer =
                answer.map_err(|source| RegistryError::Unreachable { host: self.host.clone(), source })?;
            match answer.status() {
                StatusCode::OK => return Ok(Some(answer)),
                StatusCode::NOT_FOUND => return Ok(None),
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(self.refused(answer.status())),
                status if status.is_redirection() => {
                    let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
                    let to = to.and_then(|to| at.join(to).ok());
                    at = to.ok_or_else(|| self.unexpected("a redirect to nowhere"))?;
                }
                status => return Err(self.unexpected(&status.to_string())),
            }
        }
        Err(self.unexpected("too many redirects"))
    }

    /// Returns whether the registry lets in whom it does not know, to read at most.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.authorization.is_some() && !self.is_known
    }

    /// Returns what a refusal means: a token was given for a login that was right, so what is missing are rights.
    fn refused(&self, status: StatusCode) -> RegistryError {
        let has_token = self.authorization.as_ref().is_some_and(|value| value.starts_with("Bearer "));
        if !self.is_known {
            RegistryError::NoCredentials(self.host.clone())
        } else if has_token || status == StatusCode::FORBIDDEN {
            RegistryError::NoRights { host: self.host.clone(), path: self.path.clone() }
        } else {
            RegistryError::WrongCredentials(self.host.clone())
        }
    }

    /// Returns a client for a URL: a registry without TLS may lead to a server with it.
    fn client_for(&self, url: &Url) -> Result<Http, RegistryError> {
        if url.scheme() == self.base.scheme() {
            return Ok(self.http.clone());
        }
        let failed = |source| RegistryError::Unreachable { host: self.host.clone(), source };
        let other = Http::new(if url.scheme() == "https" { Scheme::Https } else { Scheme::Http }, TIMEOUT);
        Ok(other.map_err(failed)?.with_limits_of(&self.http))
    }

    fn unexpected(&self, answer: &str) -> RegistryError {
        RegistryError::Unexpected { host: self.host.clone(), answer: answer.to_owned() }
    }
}

/// Returns host and path; Docker Hub keeps what has no folder in `library`.
fn names(repository: &Repository) -> (String, String) {
    let (host, path) = (repository.host(), repository.path());
    let hub = host == "docker.io" && !path.contains('/');
    (host.to_owned(), if hub { format!("library/{path}") } else { path.to_owned() })
}

/// Whether a host is this machine: there, the engine takes a registry without TLS.
fn is_loopback(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

fn url(text: &str, host: &str) -> Result<Url, RegistryError> {
    let unexpected = |error: url::ParseError| RegistryError::Unexpected {
        host: host.to_owned(),
        answer: format!("at no URL: {error}"),
    };
    Url::parse(text).map_err(unexpected)
}

fn request(
    url: &Url,
    authorization: Option<&str>,
    accept: &str,
) -> Result<Request<Full<Bytes>>, RegistryError> {
    let mut request = Request::get(url.as_str()).header(USER_AGENT, AGENT).header(ACCEPT, accept);
    if let Some(authorization) = authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    Ok(request.body(Full::default())?)
}
