//! The version of a service's package.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::{Project, WorkspaceError, read_error};
use crate::model::image::Tag;
use crate::model::name::ServiceName;

#[derive(Deserialize)]
struct Manifest {
    package: Option<Package>,
    workspace: Option<Workspace>,
}

#[derive(Deserialize)]
struct Workspace {
    package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    version: Option<Version>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Version {
    Own(String),
    Inherited { workspace: bool },
}

impl Project {
    /// Returns the version of a service's package as a tag: its own, or that of the workspace.
    ///
    /// # Errors
    /// There is no package, or it has no version.
    pub fn version(&self, service: &ServiceName) -> Result<Tag, WorkspaceError> {
        let path = self.root.join("services").join(service.as_str()).join("Cargo.toml");
        let version = match read_manifest(&path)?.package.and_then(|package| package.version) {
            Some(Version::Own(version)) => version,
            Some(Version::Inherited { workspace: true }) => self.workspace_version()?,
            _ => return Err(WorkspaceError::NoVersion(path)),
        };
        Tag::of_version(&version).map_err(|reason| WorkspaceError::Manifest { path, reason })
    }

    fn workspace_version(&self) -> Result<String, WorkspaceError> {
        let path = self.root.join("Cargo.toml");
        let workspace = read_manifest(&path)?.workspace;
        match workspace.and_then(|workspace| workspace.package?.version) {
            Some(Version::Own(version)) => Ok(version),
            _ => Err(WorkspaceError::NoVersion(path)),
        }
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, WorkspaceError> {
    let text = fs::read_to_string(path).map_err(read_error(path))?;
    toml::from_str(&text).map_err(|error| WorkspaceError::Manifest {
        path: path.to_owned(),
        reason: error.message().to_owned(),
    })
}
