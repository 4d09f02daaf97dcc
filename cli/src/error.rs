//! Exit codes, and what an error tells the user to do. The one place that has hints for errors of all layers.

use std::error::Error;
use std::process::ExitCode;

use crate::adapters::argocd::ReleaseError;
use crate::adapters::cargo::CargoError;
use crate::adapters::cluster::ClusterError;
use crate::adapters::credentials::{self, CredentialsError};
use crate::adapters::docker::DockerError;
use crate::adapters::git::{GitError, PushError};
use crate::adapters::process::ProgramError;
use crate::adapters::registry::RegistryError;
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
    if let Some(registry) = error.downcast_ref::<RegistryError>() {
        return Some((Exit::Failed, registry_hint(registry)));
    }
    if let Some(CredentialsError::Half(..)) = error.downcast_ref::<CredentialsError>() {
        return Some((Exit::Usage, hint("set both, or none")));
    }
    if let Some(docker) = error.downcast_ref::<DockerError>() {
        return Some((Exit::Failed, docker_hint(docker)));
    }
    if let Some(git) = error.downcast_ref::<GitError>() {
        return Some((Exit::Failed, git_hint(git)));
    }
    match error.downcast_ref::<PushError>() {
        Some(PushError::Refused { .. }) => {
            return Some((
                Exit::Failed,
                hint("if the branch is protected, `--branch NAME` commits to another one"),
            ));
        }
        Some(PushError::Failed { remote, .. }) => {
            let text = format!("the commit is here; when `git push {remote}` works, run the same again");
            return Some((Exit::Failed, Some(text)));
        }
        _ => {}
    }
    if let Some(cluster) = error.downcast_ref::<ClusterError>() {
        return Some((cluster_exit(cluster), cluster_hint(cluster)));
    }
    if let Some(program) = error.downcast_ref::<ProgramError>() {
        return Some((Exit::Failed, program_hint(program)));
    }
    if let Some(release) = error.downcast_ref::<ReleaseError>() {
        let text = match release {
            ReleaseError::Fetch { url, .. } => {
                format!("without the network, download {url} elsewhere and give `--argocd-manifest FILE`")
            }
            ReleaseError::Digest { version, .. } => {
                format!("it must be `manifests/install.yaml` of {version}, unchanged")
            }
            ReleaseError::Read { .. } => return None,
        };
        return Some((Exit::Failed, Some(text)));
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
    None
}

fn program_hint(error: &ProgramError) -> Option<String> {
    const OTHER: &str = "or use a cluster that is there: `--provider existing`, `--context NAME`";
    match error {
        ProgramError::Missing(program) | ProgramError::Start { program, .. } if program == "minikube" => {
            Some(format!("install minikube, {OTHER}"))
        }
        ProgramError::Missing(program) | ProgramError::Start { program, .. } => {
            Some(format!("install `{program}`"))
        }
        ProgramError::Failed { command, .. } if command.starts_with("minikube start") => {
            Some(format!("`minikube logs` says more; mend it, {OTHER}"))
        }
        ProgramError::Failed { .. } => None,
    }
}

fn cluster_exit(error: &ClusterError) -> Exit {
    match error {
        ClusterError::Config { .. } | ClusterError::NoContext { .. } => Exit::Usage,
        _ => Exit::Failed,
    }
}

fn cluster_hint(error: &ClusterError) -> Option<String> {
    Some(match error {
        ClusterError::Config { .. } => {
            "start one (`minikube start`, `ecomctl bootstrap`), or name one: KUBECONFIG is the file, `--context` a cluster in it".to_owned()
        }
        ClusterError::NoContext { known, .. } if known.is_empty() => "the kubeconfig has none".to_owned(),
        ClusterError::NoContext { known, .. } => format!("it has {}", known.join(", ")),
        ClusterError::Unreachable { .. } => {
            "does the cluster run, and is it the one of the right context?".to_owned()
        }
        ClusterError::Unauthorized { .. } => {
            "log in to the cluster again, or choose another context".to_owned()
        }
        ClusterError::Refused { code: 403, .. } => "use a context that has the rights".to_owned(),
        ClusterError::Stays(_) => "`kubectl describe` says what holds it; run the same again".to_owned(),
        ClusterError::NoPod { .. } => "`ecomctl status` shows what runs".to_owned(),
        ClusterError::Listen { .. } => "choose another with `--port`".to_owned(),
        ClusterError::Refused { .. } | ClusterError::Exec { .. } => return None,
    })
}

const LOGIN: &str = "set ECOMCTL_REGISTRY_USERNAME and ECOMCTL_REGISTRY_PASSWORD";

fn registry_hint(error: &RegistryError) -> Option<String> {
    match error {
        RegistryError::Unreachable { host, .. } => {
            Some(format!("is `{host}` the right registry, and does it run?"))
        }
        RegistryError::WrongCredentials(_) if credentials::are_in_variables() => Some(format!(
            "they are those of `{}` and `{}`",
            credentials::VARIABLES[0],
            credentials::VARIABLES[1]
        )),
        RegistryError::NoCredentials(host) | RegistryError::WrongCredentials(host) => {
            Some(format!("`docker login {host}`, or {LOGIN}"))
        }
        RegistryError::OtherImage { .. } => {
            Some("a tag is never overwritten: delete it there if nobody uses it".to_owned())
        }
        RegistryError::NoRights { host, .. } => {
            Some(format!("log in to `{host}` as somebody who may push there, or declare another `registry`"))
        }
        _ => None,
    }
}

fn docker_hint(error: &DockerError) -> Option<String> {
    match error {
        DockerError::Unreachable { .. } => {
            Some("start Docker, colima or podman; DOCKER_HOST or `docker context use` names another engine".to_owned())
        }
        DockerError::Context { .. } => Some("`docker context ls` lists those that there are".to_owned()),
        DockerError::Address(address) if address.starts_with("ssh://") => {
            Some("forward its socket: ssh -L /tmp/docker.sock:/var/run/docker.sock HOST, and use unix:///tmp/docker.sock".to_owned())
        }
        DockerError::Failed(message) if message.starts_with("unauthorized") || message.starts_with("denied") => {
            Some(format!("`docker login`, or {LOGIN}; may you push to that repository?"))
        }
        _ => None,
    }
}

fn git_hint(error: &GitError) -> Option<String> {
    let text = match error {
        GitError::NoIdentity => {
            "`git config --global user.name \"Your Name\"` and `git config --global user.email you@example.com`"
        }
        GitError::NoRepository(_) => "`git init` makes one, `git add` and `git commit` its first commit",
        GitError::Detached => "`git switch main` checks out a branch",
        GitError::Unborn(_) => "`git add .` and `git commit` make the first one",
        GitError::InProgress(_) => "end it first: `git status` says how",
        GitError::Elsewhere(_) => "run the same in that work tree",
        GitError::NoCommit(_) => "`git log ecomctl.lock` lists those that changed the lock",
        GitError::NoRemote => "`git remote add origin URL` names one",
        error if error.is_locked() => {
            "another git runs here: wait for it; if there is none, delete `.git/index.lock` and run the same again"
        }
        GitError::Fetch { .. } => "does `git fetch` work, with the same URL and the same rights?",
        _ => return None,
    };
    Some(text.to_owned())
}
