//! From the files of the project to the images that they make.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use crate::adapters::docker::Engine;
use crate::adapters::workspace::Project;
use crate::adapters::{cargo, toolchain};
use crate::error::Failure;
use crate::model::name::ServiceName;
use crate::model::package::CargoLock;
use crate::model::spec::PlatformSpec;
use crate::plan::build::{self, Compile, PlannedImage, Sources};
use crate::settings::CompileWhere;

/// The images to build, and what they are built from.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Plan {
    pub(super) sources: Sources,
    /// The services that are compiled together.
    pub(super) every: Vec<ServiceName>,
    /// Flags that the user's configuration has for all targets.
    pub(super) rustflags: Vec<String>,
    /// The images, by service.
    pub(in crate::commands) images: Vec<PlannedImage>,
}

/// Returns the plan for the images of `services`, for an engine.
pub(in crate::commands) async fn planned(
    project: &Project,
    spec: &PlatformSpec,
    services: &[ServiceName],
    compile: CompileWhere,
    engine: &Engine,
) -> Result<Plan> {
    let every: Vec<ServiceName> = spec.services.keys().cloned().collect();
    let packages = cargo::packages(project.root()).await?;
    let folders = build::folders(&every, &packages)?;
    let hashed = tokio::task::spawn_blocking({
        let project = project.clone();
        move || project.digests(&folders)
    });
    let config = toolchain::cargo_config(project.root());
    let in_container = Compile::InContainer { platform: engine.platform.clone() };
    let (compile, mut settings) = match compile {
        CompileWhere::InContainer => (in_container, BTreeMap::new()),
        CompileWhere::WherePossible => {
            let toolchain = toolchain::find(project.root()).await?;
            match Compile::choose(&toolchain.host, &engine.platform) {
                Compile::InContainer { .. } => (in_container, BTreeMap::new()),
                here @ Compile::Here { .. } => (here, toolchain.settings),
            }
        }
    };
    settings.extend(match compile {
        Compile::Here { .. } => config.settings,
        Compile::InContainer { .. } => toolchain::cargo_config_of_project(project.root()).settings,
    });
    let mut texts = project.read(["Cargo.lock", "Cargo.toml"])?;
    let mut text = |name: &str| {
        let bytes = texts.remove(name).ok_or_else(|| Failure::new(format!("there is no `{name}`")));
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let lock = text("Cargo.lock").map_err(|failure| failure.hint("`cargo generate-lockfile` makes it"))?;
    let lock = CargoLock::parse(&lock).map_err(|reason| Failure::new(format!("`Cargo.lock`: {reason}")))?;
    let sources = Sources {
        packages,
        lock,
        manifest: text("Cargo.toml")?,
        files: hashed.await.context("failed to read the sources")??,
        compile,
        settings,
        url: spec.git.url.as_ref().map(|url| url.as_str().to_owned()),
    };
    let images = build::plan(services, &every, &sources)?;
    Ok(Plan { sources, every, rustflags: config.rustflags, images })
}
