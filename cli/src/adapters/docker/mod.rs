//! The Docker engine, through its API. The one place that knows bollard.

mod build;
mod context;
pub mod endpoint;
mod images;
mod push;

use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, Docker};
use hyper::header::HeaderValue;

pub use build::{BuildProgress, BuildRequest};
pub use context::{Excluded, compiled, prebuilt};
pub use endpoint::Endpoint;
pub use images::LocalImage;

use crate::adapters::credentials::CredentialsError;
use crate::adapters::http::innermost;
use crate::model::docker_config::Credential;

/// Longest time for a request; of a build or a push, until the engine has everything and begins to answer.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Why the engine did not do it.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    /// No engine answers.
    #[error("no Docker engine answers at `{host}` ({origin}): {reason}")]
    Unreachable {
        /// Where.
        host: String,
        /// What said so.
        origin: String,
        /// What went wrong.
        reason: String,
    },
    /// A context of the Docker configuration is of no use.
    #[error("failed to use the Docker context `{name}`: {reason}")]
    Context {
        /// Which.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// The kind of address is not known.
    #[error(
        "`{0}` is no address of an engine that can be used: it must begin with unix://, tcp://, http:// or https://"
    )]
    Address(String),
    /// The Docker configuration cannot be read.
    #[error(transparent)]
    Config(#[from] CredentialsError),
    /// The engine says that it failed.
    #[error("the Docker engine failed: {0}")]
    Failed(String),
    /// The connection broke, or the answer was none.
    #[error("the Docker engine failed")]
    Broken(#[source] bollard::errors::Error),
    /// The context of a build cannot be packed.
    #[error("failed to pack what the engine builds from")]
    Pack(#[from] std::io::Error),
    /// The built image is unknown.
    #[error("the Docker engine has not said which image it built")]
    NoImage,
}

impl From<bollard::errors::Error> for DockerError {
    fn from(error: bollard::errors::Error) -> Self {
        match error {
            bollard::errors::Error::DockerResponseServerError { message, .. } => Self::Failed(message),
            bollard::errors::Error::DockerStreamError { error } => Self::Failed(error),
            error => Self::Broken(error),
        }
    }
}

/// An engine.
#[derive(Clone, Debug)]
pub struct Engine {
    docker: Docker,
    /// Where it is.
    pub endpoint: Endpoint,
    /// Its version.
    pub version: String,
    /// What its containers run on, such as `linux/amd64`.
    pub platform: String,
}

impl Engine {
    /// Connects to the engine that the environment and the Docker configuration name.
    ///
    /// # Errors
    /// There is none, or it does not answer.
    pub async fn connect() -> Result<Self, DockerError> {
        let endpoint = endpoint::find()?;
        let (host, origin) = (endpoint.host.clone(), endpoint.origin.clone());
        let unreachable = |error: bollard::errors::Error| DockerError::Unreachable {
            host: host.clone(),
            origin: origin.clone(),
            reason: innermost(&error),
        };
        let docker = open(&endpoint)?.map_err(unreachable)?.with_request_modifier(url_safe_credentials);
        let docker = docker.negotiate_version().await.map_err(unreachable)?;
        let version = docker.version().await.map_err(unreachable)?;
        let platform = format!(
            "{}/{}",
            version.os.as_deref().unwrap_or("linux"),
            version.arch.as_deref().unwrap_or("amd64")
        );
        Ok(Self { docker, endpoint, version: version.version.unwrap_or_default(), platform })
    }
}

fn open(endpoint: &Endpoint) -> Result<Result<Docker, bollard::errors::Error>, DockerError> {
    let Endpoint { host, certificates, .. } = endpoint;
    let seconds = TIMEOUT.as_secs();
    if host.starts_with("unix://") {
        return Ok(Docker::connect_with_unix(host, seconds, API_DEFAULT_VERSION));
    }
    let is_tcp = ["tcp://", "http://", "https://"].iter().any(|scheme| host.starts_with(scheme));
    match certificates {
        _ if !is_tcp => Err(DockerError::Address(host.clone())),
        Some(folder) => {
            let file = |name: &str| folder.join(name);
            let (key, certificate, authority) = (file("key.pem"), file("cert.pem"), file("ca.pem"));
            Ok(Docker::connect_with_ssl(host, &key, &certificate, &authority, seconds, API_DEFAULT_VERSION))
        }
        None => Ok(Docker::connect_with_http(host, seconds, API_DEFAULT_VERSION)),
    }
}

/// The header with credentials must be URL-safe base64 (<https://docs.docker.com/reference/api/engine/#section/Authentication>);
/// bollard writes the standard one, which the engine cannot read when the password has certain symbols.
fn url_safe_credentials(mut request: bollard::BollardRequest) -> bollard::BollardRequest {
    const HEADER: &str = "X-Registry-Auth";
    let safe = request.headers().get(HEADER).and_then(|value| value.to_str().ok());
    let safe = safe.map(|value| value.replace('+', "-").replace('/', "_"));
    if let Some(mut value) = safe.and_then(|value| HeaderValue::from_str(&value).ok()) {
        value.set_sensitive(true);
        request.headers_mut().insert(HEADER, value);
    }
    request
}

fn credentials_for(host: &str, credential: Option<&Credential>) -> bollard::auth::DockerCredentials {
    let server = if host == "docker.io" { "https://index.docker.io/v1/" } else { host };
    let mut sent =
        bollard::auth::DockerCredentials { serveraddress: Some(server.to_owned()), ..Default::default() };
    match credential {
        Some(Credential::Password { user, password }) => {
            sent.username = Some(user.clone());
            sent.password = Some(password.0.clone());
        }
        Some(Credential::IdentityToken(token)) => sent.identitytoken = Some(token.0.clone()),
        None => {}
    }
    sent
}
