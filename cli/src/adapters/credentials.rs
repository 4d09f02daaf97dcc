//! The credentials that registries are asked with: those of two environment variables, else the Docker configuration's.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::files::{self, variable};
use crate::model::docker_config::{Credential, CredentialSource, DockerConfig};
use crate::model::image::Repository;

/// The variables that go before every configuration.
pub const VARIABLES: [&str; 2] = ["ECOMCTL_REGISTRY_USERNAME", "ECOMCTL_REGISTRY_PASSWORD"];

/// Why credentials cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// The configuration is no JSON of its kind.
    #[error("`{}` is no Docker configuration: {reason}", path.display())]
    Config {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The configuration cannot be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// One variable is set without the other.
    #[error("`{0}` is set without `{1}`")]
    Half(&'static str, &'static str),
    /// A helper does not answer.
    #[error("`docker-credential-{name}` failed: {reason}")]
    Helper {
        /// Which.
        name: String,
        /// What it said.
        reason: String,
    },
}

/// Returns the folder of the Docker configuration: `DOCKER_CONFIG`, else `~/.docker`.
#[must_use]
pub fn docker_folder() -> PathBuf {
    variable("DOCKER_CONFIG").map_or_else(|| files::home().join(".docker"), PathBuf::from)
}

/// Returns the Docker configuration; an empty one when there is none.
///
/// # Errors
/// It cannot be read, or is none.
pub fn docker_config() -> Result<DockerConfig, CredentialsError> {
    config(docker_folder().join("config.json"))
}

fn config(path: PathBuf) -> Result<DockerConfig, CredentialsError> {
    match files::read(&path) {
        Ok(None) => Ok(DockerConfig::default()),
        Ok(Some(text)) => serde_json::from_slice(&text)
            .map_err(|error| CredentialsError::Config { path, reason: error.to_string() }),
        Err(source) => Err(CredentialsError::Read { path, source }),
    }
}

/// Returns whether the variables are set.
#[must_use]
pub fn are_in_variables() -> bool {
    VARIABLES.iter().any(|name| variable(name).is_some())
}

/// Returns the credential for a repository, if there is one.
///
/// # Errors
/// A configuration cannot be read, or a helper fails.
pub async fn find(repository: &Repository) -> Result<Option<Credential>, CredentialsError> {
    let [name, secret] = VARIABLES;
    match (variable(name), variable(secret)) {
        (Some(user), Some(password)) => return Ok(Some(Credential::new(user, password))),
        (Some(_), None) => return Err(CredentialsError::Half(name, secret)),
        (None, Some(_)) => return Err(CredentialsError::Half(secret, name)),
        (None, None) => {}
    }
    let mut sources = docker_config()?.sources(repository);
    if let Some(path) = variable("REGISTRY_AUTH_FILE") {
        sources.extend(config(path.into())?.sources(repository));
    }
    for source in sources {
        match source {
            CredentialSource::Here(credential) => return Ok(Some(credential)),
            CredentialSource::Helper { name, server } => {
                if let Some(credential) = ask(&name, &server).await? {
                    return Ok(Some(credential));
                }
            }
        }
    }
    Ok(None)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// Asks a credential helper (<https://github.com/docker/docker-credential-helpers#development>).
async fn ask(name: &str, server: &str) -> Result<Option<Credential>, CredentialsError> {
    let failed = |reason: String| CredentialsError::Helper { name: name.to_owned(), reason };
    let mut command = Command::new(format!("docker-credential-{name}"));
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut helper = command.spawn().map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = helper.stdin.take() {
        // A helper that does not read has its answer already.
        let _ = stdin.write_all(server.as_bytes()).await;
    }
    let output = helper.wait_with_output().await.map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        if said.contains("credentials not found") {
            return Ok(None);
        }
        let other = String::from_utf8_lossy(&output.stderr);
        return Err(failed(if said.trim().is_empty() {
            other.trim().to_owned()
        } else {
            said.trim().to_owned()
        }));
    }
    // What it said may be a secret, so it is not repeated.
    let answer: Answer =
        serde_json::from_str(&said).map_err(|_| failed("its answer is no JSON".to_owned()))?;
    Ok(Some(Credential::new(answer.username, answer.secret)))
}
