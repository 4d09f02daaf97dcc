//! What compiles the services: versions, flags, libraries. All of it changes what is compiled, so all of it is an input.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::files::{self, variable};
use crate::model::image::Digest;

/// Environment variables that change what is compiled.
const VARIABLES: [&str; 12] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "RUSTC_BOOTSTRAP",
    "CC",
    "CFLAGS",
    "AR",
    "ARFLAGS",
    "CC_",
    "CFLAGS_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
];

/// Parts of a cargo configuration that change what is compiled; others say where crates come from.
const SECTIONS: [&str; 5] = ["build", "target", "profile", "env", "patch"];

/// The toolchain of this machine.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The target that it compiles for unless told otherwise.
    pub host: String,
    /// What changes what it makes, by name.
    pub settings: BTreeMap<String, String>,
}

/// There is no toolchain.
#[derive(Debug, thiserror::Error)]
#[error("failed to run `{program}`")]
pub struct ToolchainError {
    program: String,
    source: io::Error,
}

/// Returns the toolchain that a workspace is compiled with.
///
/// # Errors
/// There is no `rustc`, or no C compiler.
pub async fn find(root: &Path) -> Result<Toolchain, ToolchainError> {
    let rustc = variable("RUSTC").unwrap_or_else(|| "rustc".to_owned());
    let cc = variable("CC").unwrap_or_else(|| "cc".to_owned());
    let (rust, c, library) = tokio::join!(
        output(root, &rustc, &["-vV"]),
        output(root, &cc, &["--version"]),
        output(root, &cc, &["-print-file-name=libc.a"]),
    );
    let (rust, c, library) = (rust?, c?, library?);
    let field =
        |name: &str| rust.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
    let mut settings = BTreeMap::from([
        ("C compiler".to_owned(), c.lines().next().unwrap_or_default().to_owned()),
        (
            "rustc".to_owned(),
            format!("{}, LLVM {}", rust.lines().next().unwrap_or_default(), field("LLVM version: ")),
        ),
    ]);
    if let Ok(Some(library)) = files::read(Path::new(library.trim())) {
        settings.insert("libc.a".to_owned(), Digest::of(&library).to_string());
    }
    settings.extend(variables());
    Ok(Toolchain { host: field("host: "), settings })
}

fn variables() -> BTreeMap<String, String> {
    let matters = |name: &str| {
        VARIABLES.iter().any(|known| name == *known || (known.ends_with('_') && name.starts_with(known)))
            && name != "CARGO_TARGET_DIR"
            && name != "CARGO_TARGET_TMPDIR"
    };
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, value)| matters(name) && !value.is_empty())
        .map(|(name, value)| (format!("variable {name}"), Digest::of(value.as_encoded_bytes()).to_string()))
        .collect()
}

async fn output(root: &Path, program: &str, args: &[&str]) -> Result<String, ToolchainError> {
    let failed = |source| ToolchainError { program: program.to_owned(), source };
    // `CC` may begin with a wrapper: `ccache gcc`.
    let mut words = program.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or(program));
    command.args(words).args(args).current_dir(root).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(failed)?;
    if !output.status.success() {
        return Err(failed(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The configuration of cargo that holds in a folder
/// (<https://doc.rust-lang.org/cargo/reference/config.html#hierarchical-structure>).
#[derive(Clone, Debug, Default)]
pub struct CargoConfig {
    /// What changes what is compiled, by name.
    pub settings: BTreeMap<String, String>,
    /// `build.rustflags`, which flags for a target would replace.
    pub rustflags: Vec<String>,
}

/// Returns the configuration of cargo that holds in `root`.
#[must_use]
pub fn cargo_config(root: &Path) -> CargoConfig {
    let home = variable("CARGO_HOME").map_or_else(|| files::home().join(".cargo"), PathBuf::from);
    let mut folders: Vec<PathBuf> = root.ancestors().map(|folder| folder.join(".cargo")).collect();
    if !folders.contains(&home) {
        folders.push(home);
    }
    config_of(folders)
}

/// Returns the configuration of cargo that goes with `root` into a container.
#[must_use]
pub fn cargo_config_of_project(root: &Path) -> CargoConfig {
    config_of(vec![root.join(".cargo")])
}

fn config_of(folders: Vec<PathBuf>) -> CargoConfig {
    let mut config = CargoConfig::default();
    for folder in folders {
        let names = ["config", "config.toml"].map(|name| folder.join(name));
        let Some(content) = names.iter().find_map(|path| files::read(path).ok().flatten()) else { continue };
        let Ok(mut table) = String::from_utf8_lossy(&content).parse::<toml::Table>() else { continue };
        table.retain(|name, _| SECTIONS.contains(&name));
        if table.is_empty() {
            continue;
        }
        if let Some(flags) = table.get("build").and_then(|build| build.get("rustflags")) {
            let flags: Vec<String> = match flags {
                toml::Value::String(flags) => flags.split_whitespace().map(ToOwned::to_owned).collect(),
                flags => flags.clone().try_into().unwrap_or_default(),
            };
            // The nearest folder comes last, as cargo joins lists.
            config.rustflags.splice(0..0, flags);
        }
        let name = format!("cargo configuration {}", config.settings.len() + 1);
        config.settings.insert(name, Digest::of(table.to_string().as_bytes()).to_string());
    }
    let more = variable("CARGO_BUILD_RUSTFLAGS").unwrap_or_default();
    config.rustflags.extend(more.split_whitespace().map(ToOwned::to_owned));
    config
}
