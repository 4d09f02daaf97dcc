//! Exit codes, and what an error tells the user to do. The one place that has hints for errors of all layers.

use std::error::Error;
use std::process::ExitCode;

use crate::adapters::cargo::CargoError;
use crate::adapters::git::GitError;
use crate::adapters::workspace::WorkspaceError;
use crate::model::name::EnvironmentName;
use crate::model::parse::SpecError;
use crate::model::resolve::ResolveError;
use crate::model::tree::ForeignFiles;

/// How `ecomctl` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage, or an invalid spec.
    Usage = 2,
    /// A check found a difference.
    Difference = 3,
    /// Ctrl-C or SIGTERM before it was done.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure of a command that no lower layer has a type for.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    message: String,
    hint: Option<String>,
    exit: Exit,
}

impl Failure {
    /// Returns a failure with a message, exit code 1 and no hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: Exit::Failed }
    }

    /// Returns it with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns it as wrong usage.
    #[must_use]
    pub fn usage(mut self) -> Self {
        self.exit = Exit::Usage;
        self
    }
}

/// Returns the exit code of an error, and what the user can do about it.
#[must_use]
pub fn advice(error: &anyhow::Error) -> (Exit, Option<String>) {
    error.chain().find_map(advice_of).unwrap_or((Exit::Failed, None))
}

fn advice_of(error: &(dyn Error + 'static)) -> Option<(Exit, Option<String>)> {
    let hint = |text: &str| Some(text.to_owned());
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some((failure.exit, failure.hint.clone()));
    }
    if let Some(spec) = error.downcast_ref::<SpecError>() {
        return Some((Exit::Usage, spec.hint()));
    }
    if let Some(error) = error.downcast_ref::<WorkspaceError>() {
        return match error {
            WorkspaceError::NoProject(_) => {
                Some((Exit::Usage, hint("`ecomctl init DIR` makes a new shop, `-C DIR` names one")))
            }
            WorkspaceError::Spec(spec) => Some((Exit::Usage, spec.hint())),
            WorkspaceError::Lock(_) => Some((Exit::Usage, None)),
            _ => None,
        };
    }
    if let Some(error) = error.downcast_ref::<ResolveError>() {
        return match error {
            ResolveError::UnknownEnvironment { environment, declared } => {
                let declared: Vec<&str> = declared.iter().map(EnvironmentName::as_str).collect();
                let text = if environment.as_str() == crate::model::resolve::LOCAL {
                    "`local` is never written to files: `ecomctl up` runs it".to_owned()
                } else {
                    format!("`ecomctl.yaml` declares {}", declared.join(", "))
                };
                Some((Exit::Usage, Some(text)))
            }
            ResolveError::NoVersion { service, .. } => {
                Some((Exit::Failed, Some(format!("the source of a service is in `services/{service}`"))))
            }
        };
    }
    if error.is::<ForeignFiles>() {
        return Some((Exit::Failed, hint("move it elsewhere, or delete it; nothing was written")));
    }
    match error.downcast_ref::<CargoError>() {
        Some(CargoError::Run { .. }) => {
            return Some((Exit::Failed, hint("install Rust with rustup, or set CARGO to the program")));
        }
        Some(CargoError::NoProgram(name)) => {
            let text = format!("`services/{name}/Cargo.toml` must be a package of this name with a program");
            return Some((Exit::Failed, Some(text)));
        }
        _ => {}
    }
    if let Some(GitError::NoIdentity) = error.downcast_ref::<GitError>() {
        let text = "`git config --global user.name \"Your Name\"` and `git config --global user.email you@example.com`";
        return Some((Exit::Failed, hint(text)));
    }
    None
}
