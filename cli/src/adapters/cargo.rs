//! The `cargo` program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use anstream::ColorChoice;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::process::Group;
use crate::model::package::{Package, Packages};

/// Why cargo did not do it.
#[derive(Debug, thiserror::Error)]
pub enum CargoError {
    /// There is no cargo.
    #[error("failed to run `{}`", program.display())]
    Run {
        /// What was tried.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It failed, and has said why on stderr.
    #[error("`cargo {command}` failed ({status})")]
    Failed {
        /// What it was told.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// It does not understand the workspace.
    #[error("cargo does not understand the workspace: {0}")]
    Metadata(String),
    /// It made no program of this name.
    #[error("cargo made no program `{0}`")]
    NoProgram(String),
}

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Made,
        executable: Option<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Made {
    name: String,
}

/// What programs are compiled for.
#[derive(Clone, Debug)]
pub enum Target {
    /// This machine.
    Here,
    /// A container without any file: a target, and the rust flags that the user's configuration has besides.
    Container {
        /// The target.
        triple: String,
        /// `build.rustflags`, which those for a target replace.
        rustflags: Vec<String>,
    },
}

const STATIC: [&str; 2] = ["-C", "target-feature=+crt-static"];

impl Target {
    fn tell(&self, command: &mut Command) {
        let Self::Container { triple, rustflags } = self else { return };
        command.args(["--target", triple]);
        // The variables replace all configuration, so what has to be there is added where the user put the rest.
        let encoded = std::env::var("CARGO_ENCODED_RUSTFLAGS").ok().filter(|flags| !flags.is_empty());
        let plain = || {
            let flags = std::env::var("RUSTFLAGS").ok()?;
            (!flags.trim().is_empty()).then(|| flags.split_whitespace().collect::<Vec<_>>().join("\x1f"))
        };
        if let Some(flags) = encoded.or_else(plain) {
            command.env("CARGO_ENCODED_RUSTFLAGS", format!("{flags}\x1f{}", STATIC.join("\x1f")));
        } else {
            let flags: Vec<&str> = rustflags.iter().map(String::as_str).chain(STATIC).collect();
            let flags = toml::Value::from(flags);
            command.args(["--config", &format!("target.{triple}.rustflags={flags}")]);
        }
    }
}

/// Compiles the release programs of `packages`, with cargo's own progress on stderr, and returns their paths. When this
/// is dropped, cargo is told to stop.
///
/// # Errors
/// There is no cargo, or it fails.
pub async fn build(
    root: &Path,
    packages: &[String],
    target: &Target,
    quiet: bool,
) -> Result<BTreeMap<String, PathBuf>, CargoError> {
    let program = program();
    let failed = |source| CargoError::Run { program: PathBuf::from(&program), source };
    let mut command = Command::new(&program);
    command.args(["build", "--locked", "--release", "--message-format", "json-render-diagnostics"]);
    target.tell(&mut command);
    command.args(quiet.then_some("--quiet"));
    match ColorChoice::global() {
        ColorChoice::Never => drop(command.args(["--color", "never"])),
        ColorChoice::Always | ColorChoice::AlwaysAnsi => drop(command.args(["--color", "always"])),
        ColorChoice::Auto => {}
    }
    for package in packages {
        command.args(["--package", package]);
    }
    command.current_dir(root).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut cargo = Group::spawn_watched(&mut command).map_err(failed)?;
    let mut programs = BTreeMap::new();
    if let Some(stdout) = cargo.stdout() {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.map_err(failed)? {
            if let Ok(Message::CompilerArtifact { target, executable: Some(path) }) =
                serde_json::from_str(&line)
            {
                programs.insert(target.name, path);
            }
        }
    }
    let status = cargo.wait().await.map_err(failed)?;
    if !status.success() {
        return Err(CargoError::Failed { command: "build".to_owned(), status });
    }
    match packages.iter().find(|package| !programs.contains_key(*package)) {
        Some(missing) => Err(CargoError::NoProgram(missing.clone())),
        None => Ok(programs),
    }
}

/// Returns the packages of the workspace in `root`. The network is not used.
///
/// # Errors
/// There is no cargo, or it does not understand a manifest.
pub async fn packages(root: &Path) -> Result<Packages, CargoError> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Described>,
    }
    #[derive(Deserialize)]
    struct Described {
        manifest_path: PathBuf,
        #[serde(flatten)]
        package: Package,
    }
    let program = program();
    let failed = |source| CargoError::Run { program: PathBuf::from(&program), source };
    let mut command = Command::new(&program);
    command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    let output =
        command.current_dir(root).stdin(Stdio::null()).kill_on_drop(true).output().await.map_err(failed)?;
    if !output.status.success() {
        return Err(CargoError::Metadata(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).map_err(|error| CargoError::Metadata(error.to_string()))?;
    let package = |described: Described| {
        let folder = described.manifest_path.parent().and_then(|folder| folder.strip_prefix(root).ok());
        let outside =
            || CargoError::Metadata(format!("package `{}` is not below it", described.package.name));
        let folder = folder.ok_or_else(outside)?.display().to_string();
        Ok((described.package.name.clone(), Package { folder, ..described.package }))
    };
    metadata.packages.into_iter().map(package).collect()
}

/// Returns the version of cargo.
///
/// # Errors
/// There is none.
pub fn version() -> Result<String, CargoError> {
    let program = program();
    let run = std::process::Command::new(&program).arg("--version").stdin(Stdio::null()).output();
    let output = run.map_err(|source| CargoError::Run { program: PathBuf::from(&program), source })?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Makes `Cargo.lock` fit the workspace, changing no version that it has. The network is used only when what cargo
/// has on this machine is not enough.
///
/// # Errors
/// There is no cargo, or it fails.
pub fn settle_lock(root: &Path) -> Result<(), CargoError> {
    let program = program();
    let update = |more: &[&str]| {
        std::process::Command::new(&program)
            .args(["update", "--workspace", "--quiet"])
            .args(more)
            .current_dir(root)
            .stdin(Stdio::null())
            .output()
            .map_err(|source| CargoError::Run { program: PathBuf::from(&program), source })
    };
    if update(&["--offline"])?.status.success() {
        return Ok(());
    }
    let status = update(&[])?.status;
    if status.success() {
        Ok(())
    } else {
        Err(CargoError::Failed { command: "update --workspace".to_owned(), status })
    }
}

/// Returns the cargo that runs this process, if one does, else the one on the PATH.
fn program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}
