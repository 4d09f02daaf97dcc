//! Which images to build, from which inputs.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::image::{Digest, Registry, Repository, Tag};
use crate::model::inputs::Inputs;
use crate::model::name::ServiceName;
use crate::model::package::{CargoLock, Package, Packages};

/// The label that says what an image was built from.
pub const INPUTS_LABEL: &str = "inputs";

/// Changes when the same inputs are put into an image in another way.
const LAYOUT: &str = "1";

/// What the inputs are read from.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The packages of the workspace.
    pub packages: Packages,
    /// The crates that it pins.
    pub lock: CargoLock,
    /// The workspace's own `Cargo.toml`.
    pub manifest: String,
    /// The files of the packages and those that choose the toolchain: path to mode and digest.
    pub files: BTreeMap<String, String>,
    /// Where programs are compiled.
    pub compile: Compile,
    /// What else changes what the compiler makes: its version, flags, the libraries of this machine.
    pub settings: BTreeMap<String, String>,
    /// Where the source is published.
    pub url: Option<String>,
}

/// Where programs are compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compile {
    /// On this machine, for a target.
    Here {
        /// The target, such as `x86_64-unknown-linux-gnu`.
        target: String,
    },
    /// In a container of the engine, which has this platform (`linux/arm64`).
    InContainer {
        /// The platform.
        platform: String,
    },
}

impl Compile {
    /// Returns where programs for an engine of `platform` are compiled when this machine's own target is `host`: here,
    /// if both are the same kind of Linux.
    #[must_use]
    pub fn choose(host: &str, platform: &str) -> Self {
        let architecture = match platform.split('/').nth(1).unwrap_or_default() {
            "amd64" => "x86_64",
            "arm64" => "aarch64",
            other => other,
        };
        let same = host.split('-').next() == Some(architecture) && host.contains("-linux-");
        if same && platform.starts_with("linux/") {
            Self::Here { target: host.to_owned() }
        } else {
            Self::InContainer { platform: platform.to_owned() }
        }
    }
}

/// An image to build, if it is not there yet.
#[derive(Clone, Debug)]
pub struct PlannedImage {
    /// The service.
    pub service: ServiceName,
    /// What it is built from.
    pub inputs: Inputs,
    /// The digest of that.
    pub digest: Digest,
    /// The image's tag.
    pub tag: Tag,
    /// The image's labels.
    pub labels: BTreeMap<String, String>,
    /// The folders that the source is in, from the root.
    pub folders: Vec<String>,
}

impl PlannedImage {
    /// Returns the repository of the image before it is pushed anywhere.
    #[must_use]
    pub fn repository(&self) -> Repository {
        Registry::loaded().repository(&self.service)
    }

    /// Returns the name of the image before it is pushed anywhere.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}:{}", self.repository(), self.tag)
    }
}

/// Why nothing can be planned.
#[derive(Debug, thiserror::Error)]
pub enum BuildPlanError {
    /// A service has no package.
    #[error("there is no package `{0}` in the workspace")]
    NoPackage(String),
    /// A package depends on a folder outside of the workspace.
    #[error("package `{package}` depends on `{dependency}`, a folder that is no member of the workspace")]
    Outside {
        /// The package.
        package: String,
        /// What it depends on.
        dependency: String,
    },
    /// The workspace's manifest is no TOML.
    #[error("`Cargo.toml`: {0}")]
    Manifest(String),
}

/// Returns the image of each of `services`. All services are compiled together, so what one of them asks of a crate
/// changes the programs of all: `every` names them.
///
/// # Errors
/// See [`BuildPlanError`].
pub fn plan(
    services: &[ServiceName],
    every: &[ServiceName],
    sources: &Sources,
) -> Result<Vec<PlannedImage>, BuildPlanError> {
    let shared = shared_inputs(every, sources)?;
    services.iter().map(|service| planned(service, sources, shared.clone())).collect()
}

/// Returns the folders that the programs of `services` are compiled from.
///
/// # Errors
/// See [`BuildPlanError`].
pub fn folders(services: &[ServiceName], packages: &Packages) -> Result<Vec<String>, BuildPlanError> {
    let mut folders = BTreeSet::new();
    for service in services {
        folders
            .extend(closure(service.as_str(), packages)?.into_values().map(|package| package.folder.clone()));
    }
    Ok(folders.into_iter().collect())
}

/// Returns a package and the packages of the workspace that it is compiled from.
fn closure<'a>(
    service: &str,
    packages: &'a Packages,
) -> Result<BTreeMap<&'a str, &'a Package>, BuildPlanError> {
    let first = packages.get(service).ok_or_else(|| BuildPlanError::NoPackage(service.to_owned()))?;
    let mut found = BTreeMap::from([(first.name.as_str(), first)]);
    let mut waiting = vec![first];
    while let Some(package) = waiting.pop() {
        for dependency in package.built_with().filter(|dependency| dependency.is_local()) {
            let next = packages.get(dependency.name()).ok_or_else(|| BuildPlanError::Outside {
                package: package.name.clone(),
                dependency: dependency.name().to_owned(),
            })?;
            if found.insert(next.name.as_str(), next).is_none() {
                waiting.push(next);
            }
        }
    }
    Ok(found)
}

/// Returns the inputs that all images have.
fn shared_inputs(every: &[ServiceName], sources: &Sources) -> Result<Inputs, BuildPlanError> {
    let mut inputs = Inputs::default();
    inputs.insert("layout", LAYOUT);
    match &sources.compile {
        Compile::Here { target } => inputs.insert("target", target),
        Compile::InContainer { platform } => inputs.insert("compiled in a container", platform),
    }
    for (name, value) in &sources.settings {
        inputs.insert(name, value);
    }
    let manifest: toml::Table = sources
        .manifest
        .parse()
        .map_err(|error: toml::de::Error| BuildPlanError::Manifest(error.message().to_owned()))?;
    let workspace = manifest.get("workspace").and_then(toml::Value::as_table);
    let resolver = workspace.and_then(|workspace| workspace.get("resolver"));
    for (name, value) in
        [("profile", manifest.get("profile")), ("patch", manifest.get("patch")), ("resolver", resolver)]
    {
        if let Some(value) = value {
            inputs.insert(format!("Cargo.toml {name}"), digest_of(&value.to_string()));
        }
    }
    let mut asking = BTreeSet::new();
    for service in every {
        asking.extend(closure(service.as_str(), &sources.packages)?.into_keys());
    }
    for package in asking.iter().filter_map(|name| sources.packages.get(*name)) {
        let asked = (package.built_with().collect::<Vec<_>>(), &package.features);
        let asked = serde_json::to_string(&asked).unwrap_or_default();
        inputs.insert(format!("dependencies of {}", package.name), digest_of(&asked));
    }
    Ok(inputs)
}

fn digest_of(text: &str) -> String {
    Digest::of(text.as_bytes()).to_string()
}

fn planned(
    service: &ServiceName,
    sources: &Sources,
    mut inputs: Inputs,
) -> Result<PlannedImage, BuildPlanError> {
    let packages = closure(service.as_str(), &sources.packages)?;
    let folders: Vec<String> = packages.values().map(|package| package.folder.clone()).collect();
    for (path, value) in &sources.files {
        let belongs =
            |folder: &String| path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'));
        // A file outside of all packages chooses the toolchain.
        if folders.iter().any(belongs) || !sources.packages.values().any(|package| belongs(&package.folder)) {
            inputs.insert(path, value);
        }
    }
    let crates = sources.lock.crates_of(packages.values().copied(), &sources.packages);
    let outside = |dependency| BuildPlanError::Outside { package: service.to_string(), dependency };
    for (name, value) in crates.map_err(outside)? {
        inputs.insert(format!("crate {name}"), value);
    }
    for package in packages.values() {
        inputs.insert(
            format!("package {}", package.name),
            format!("{}, edition {}", package.version, package.edition),
        );
    }
    let own = packages[service.as_str()];
    let mut labels = BTreeMap::from([
        ("org.opencontainers.image.title".to_owned(), service.to_string()),
        ("org.opencontainers.image.version".to_owned(), own.version.clone()),
    ]);
    labels
        .extend(own.license.clone().map(|licence| ("org.opencontainers.image.licenses".to_owned(), licence)));
    labels.extend(sources.url.clone().map(|url| ("org.opencontainers.image.source".to_owned(), url)));
    for (name, value) in &labels {
        inputs.insert(format!("label {name}"), value);
    }
    let digest = inputs.digest();
    labels.insert(INPUTS_LABEL.to_owned(), digest.to_string());
    Ok(PlannedImage { service: service.clone(), tag: inputs.tag(), inputs, digest, labels, folders })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_compiled_here_for_an_engine_of_the_same_kind() {
        let here = |target: &str| Compile::Here { target: target.to_owned() };
        let in_container = |platform: &str| Compile::InContainer { platform: platform.to_owned() };
        let gnu = "x86_64-unknown-linux-gnu";
        assert_eq!(Compile::choose(gnu, "linux/amd64"), here(gnu));
        assert_eq!(
            Compile::choose("aarch64-unknown-linux-musl", "linux/arm64"),
            here("aarch64-unknown-linux-musl")
        );
        assert_eq!(Compile::choose("aarch64-apple-darwin", "linux/arm64"), in_container("linux/arm64"));
        assert_eq!(Compile::choose(gnu, "linux/arm64"), in_container("linux/arm64"));
        assert_eq!(Compile::choose(gnu, "windows/amd64"), in_container("windows/amd64"));
    }
}
