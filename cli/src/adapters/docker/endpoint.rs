//! Where the engine is: `DOCKER_HOST`, `DOCKER_CONTEXT`, the current context, else a socket in one of the usual places.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::DockerError;
use crate::adapters::credentials;
use crate::adapters::files::{self, variable};
use crate::model::image::Digest;

/// Where an engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address: `unix://…`, `tcp://…`, `http://…` or `https://…`.
    pub host: String,
    /// The folder with `ca.pem`, `cert.pem` and `key.pem`, when it speaks TLS.
    pub certificates: Option<PathBuf>,
    /// What said so.
    pub origin: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Context {
    endpoints: Endpoints,
}

#[derive(Deserialize)]
struct Endpoints {
    docker: Option<Described>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    host: String,
}

/// Returns where the engine is.
///
/// # Errors
/// A context does not exist or cannot be read.
pub fn find() -> Result<Endpoint, DockerError> {
    if let Some(host) = variable("DOCKER_HOST") {
        let tls = variable("DOCKER_TLS_VERIFY").is_some();
        let folder = || variable("DOCKER_CERT_PATH").map_or_else(credentials::docker_folder, PathBuf::from);
        return Ok(Endpoint { certificates: tls.then(folder), host, origin: "DOCKER_HOST".to_owned() });
    }
    let chosen = variable("DOCKER_CONTEXT").or(credentials::docker_config()?.context);
    if let Some(name) = chosen.filter(|name| !name.is_empty() && name != "default") {
        return context(&name);
    }
    let sockets = sockets();
    let found = sockets.iter().find(|socket| socket.exists()).unwrap_or(&sockets[0]);
    Ok(Endpoint {
        host: format!("unix://{}", found.display()),
        certificates: None,
        origin: "the socket of this machine".to_owned(),
    })
}

fn context(name: &str) -> Result<Endpoint, DockerError> {
    let failed = |reason: &str| DockerError::Context { name: name.to_owned(), reason: reason.to_owned() };
    let id = Digest::of(name.as_bytes());
    let contexts = credentials::docker_folder().join("contexts");
    let meta = files::read(&contexts.join("meta").join(id.hex()).join("meta.json"));
    let meta = meta
        .map_err(|error| failed(&error.to_string()))?
        .ok_or_else(|| failed("there is none of this name"))?;
    let context: Context = serde_json::from_slice(&meta).map_err(|error| failed(&error.to_string()))?;
    let docker = context.endpoints.docker.ok_or_else(|| failed("it has no Docker engine"))?;
    let tls = contexts.join("tls").join(id.hex()).join("docker");
    Ok(Endpoint {
        host: docker.host,
        certificates: tls.is_dir().then_some(tls),
        origin: format!("context `{name}`"),
    })
}

/// Returns where engines put their sockets: Docker, rootless Docker, Docker Desktop, colima, Rancher Desktop, `OrbStack`,
/// podman.
fn sockets() -> Vec<PathBuf> {
    let home = files::home();
    let runtime = variable("XDG_RUNTIME_DIR").map(PathBuf::from);
    let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
    sockets.extend(runtime.iter().map(|folder| folder.join("docker.sock")));
    let of_home = [
        ".docker/run/docker.sock",
        ".docker/desktop/docker.sock",
        ".colima/default/docker.sock",
        ".config/colima/default/docker.sock",
        ".rd/docker.sock",
        ".orbstack/run/docker.sock",
        ".local/share/containers/podman/machine/podman.sock",
    ];
    sockets.extend(of_home.map(|socket| home.join(socket)));
    sockets.extend(runtime.iter().map(|folder| folder.join("podman/podman.sock")));
    sockets.push(Path::new("/run/podman/podman.sock").to_owned());
    sockets
}
