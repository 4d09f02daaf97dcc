//! Packages of the workspace, as cargo resolves them, and the crates that `Cargo.lock` pins.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// The packages of a workspace, by name.
pub type Packages = BTreeMap<String, Package>;

/// A package of the workspace. What it inherits from the workspace is filled in.
#[derive(Clone, Debug, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its edition.
    pub edition: String,
    /// Its licence, as SPDX writes it.
    pub license: Option<String>,
    /// What it depends on.
    pub dependencies: Vec<Dependency>,
    /// Its features.
    pub features: BTreeMap<String, Vec<String>>,
    /// Where it is: from the root, with `/`.
    #[serde(skip)]
    pub folder: String,
}

/// What a package depends on.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Dependency {
    name: String,
    req: String,
    /// `dev`, `build`, or neither.
    kind: Option<String>,
    features: Vec<String>,
    uses_default_features: bool,
    optional: bool,
    rename: Option<String>,
    target: Option<String>,
    // A path of this machine, which no digest may depend on.
    #[serde(skip_serializing)]
    path: Option<String>,
}

impl Package {
    /// Returns what its program is made of: not what only its tests need.
    pub fn built_with(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"))
    }
}

impl Dependency {
    /// Returns the name of the package.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether it is a folder of this machine.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.path.is_some()
    }
}

/// What `Cargo.lock` pins (<https://doc.rust-lang.org/cargo/guide/cargo-toml-vs-cargo-lock.html>).
#[derive(Clone, Debug, Deserialize)]
pub struct CargoLock {
    #[serde(default, rename = "package")]
    packages: Vec<LockedCrate>,
}

#[derive(Clone, Debug, Deserialize)]
struct LockedCrate {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

impl CargoLock {
    /// Returns the lock that a text says.
    ///
    /// # Errors
    /// It is no `Cargo.lock`.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.message().to_owned())
    }

    /// Returns the crates that programs of `packages` are compiled from, without the workspace's own: `<name> <version>`
    /// to checksum, or to the source of one that has none.
    ///
    /// # Errors
    /// The name of a crate that is a folder but none of `members`, so that nobody looks at its files.
    pub fn crates_of<'a>(
        &self,
        packages: impl IntoIterator<Item = &'a Package>,
        members: &Packages,
    ) -> Result<BTreeMap<String, String>, String> {
        let mut by_name: BTreeMap<&str, Vec<&LockedCrate>> = BTreeMap::new();
        for locked in &self.packages {
            by_name.entry(&locked.name).or_default().push(locked);
        }
        let find = |wanted: &str| {
            let mut words = wanted.split(' ');
            let (name, version) = (words.next().unwrap_or_default(), words.next());
            let found = by_name.get(name).into_iter().flatten();
            found
                .filter(|locked| version.is_none_or(|version| version == locked.version))
                .copied()
                .collect::<Vec<_>>()
        };
        let mut waiting: Vec<&LockedCrate> = Vec::new();
        for package in packages {
            let built_with: BTreeSet<&str> = package.built_with().map(Dependency::name).collect();
            for own in find(&format!("{} {}", package.name, package.version)) {
                let names = own.dependencies.iter();
                let names =
                    names.filter(|name| built_with.contains(name.split(' ').next().unwrap_or_default()));
                waiting.extend(names.flat_map(|name| find(name)));
            }
        }
        let mut crates = BTreeMap::new();
        while let Some(locked) = waiting.pop() {
            // A package of the workspace has no source: what it needs is known from its manifest.
            let Some(source) = &locked.source else {
                if members.contains_key(&locked.name) {
                    continue;
                }
                return Err(locked.name.clone());
            };
            let value =
                locked.checksum.as_ref().map_or_else(|| source.clone(), |sum| format!("sha256:{sum}"));
            if crates.insert(format!("{} {}", locked.name, locked.version), value).is_none() {
                waiting.extend(locked.dependencies.iter().flat_map(|name| find(name)));
            }
        }
        Ok(crates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4

[[package]]
name = "shop"
version = "0.1.0"
dependencies = ["axum", "proptest", "rand 0.9.0", "shared"]

[[package]]
name = "shared"
version = "0.1.0"
dependencies = ["serde"]

[[package]]
name = "axum"
version = "0.8.1"
source = "registry"
checksum = "aa"
dependencies = ["http"]

[[package]]
name = "http"
version = "1.0.0"
source = "registry"
checksum = "bb"

[[package]]
name = "rand"
version = "0.8.0"
source = "registry"
checksum = "cc"

[[package]]
name = "rand"
version = "0.9.0"
source = "registry"
checksum = "dd"

[[package]]
name = "serde"
version = "1.0.0"
source = "registry"
checksum = "ee"

[[package]]
name = "proptest"
version = "1.0.0"
source = "git+https://example.com#1"
"#;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependency = |(name, kind): &(&str, Option<&str>)| Dependency {
            name: (*name).to_owned(),
            req: "*".to_owned(),
            kind: kind.map(ToOwned::to_owned),
            features: Vec::new(),
            uses_default_features: true,
            optional: false,
            rename: None,
            target: None,
            path: None,
        };
        Package {
            name: name.to_owned(),
            version: "0.1.0".to_owned(),
            edition: "2024".to_owned(),
            license: None,
            dependencies: dependencies.iter().map(dependency).collect(),
            features: BTreeMap::new(),
            folder: format!("services/{name}"),
        }
    }

    #[test]
    fn the_crates_are_those_that_the_program_is_compiled_from() {
        let lock = CargoLock::parse(LOCK).unwrap();
        let shop = package(
            "shop",
            &[("axum", None), ("rand", Some("build")), ("proptest", Some("dev")), ("shared", None)],
        );
        let shared = package("shared", &[("serde", None)]);
        let members = Packages::from([("shared".to_owned(), shared.clone())]);
        let names = |packages: &[&Package]| -> Vec<String> {
            lock.crates_of(packages.iter().copied(), &members).unwrap().into_keys().collect()
        };
        assert_eq!(names(&[&shop]), ["axum 0.8.1", "http 1.0.0", "rand 0.9.0"]);
        assert_eq!(names(&[&shop, &shared]), ["axum 0.8.1", "http 1.0.0", "rand 0.9.0", "serde 1.0.0"]);
        // A patch by a folder.
        assert_eq!(lock.crates_of([&shop], &Packages::new()), Err("shared".to_owned()));
    }
}
