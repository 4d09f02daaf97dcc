//! The `cargo` program.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::process::Group;

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
    /// It made no program of this name.
    #[error("cargo made no program `{0}`")]
    NoProgram(String),
}

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Message {
    CompilerArtifact {
        target: Target,
        executable: Option<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

/// Compiles the release programs of `packages` for this machine, with cargo's own progress on stderr, and returns
/// their paths. When this is dropped, cargo is told to stop.
///
/// # Errors
/// There is no cargo, or it fails.
pub async fn build(root: &Path, packages: &[String]) -> Result<BTreeMap<String, PathBuf>, CargoError> {
    let program = program();
    let failed = |source| CargoError::Run { program: PathBuf::from(&program), source };
    let mut command = Command::new(&program);
    command.args(["build", "--locked", "--release", "--message-format", "json-render-diagnostics"]);
    for package in packages {
        command.args(["--package", package]);
    }
    command.current_dir(root).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut cargo = Group::spawn(&mut command).map_err(failed)?;
    let _watch = cargo.watch().map_err(failed)?;
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

/// Makes sure that there is a cargo.
///
/// # Errors
/// There is none.
pub fn check() -> Result<(), CargoError> {
    let program = program();
    let run = std::process::Command::new(&program).arg("--version").stdin(Stdio::null()).output();
    run.map(drop).map_err(|source| CargoError::Run { program: PathBuf::from(&program), source })
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
