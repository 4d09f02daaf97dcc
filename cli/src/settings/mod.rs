//! What each command works with: a flag, else an environment variable (both by clap), else the file, else a default.

mod cluster;
mod environments;
mod images;

use std::path::PathBuf;

use url::Url;

use crate::cli::{ClusterArgs, InitArgs, LogsArgs, RenderArgs, UpArgs, VerifyArgs};
use crate::error::Failure;
use crate::model::git_url::GitUrl;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::resolve::ResolveError;
use crate::model::spec::PlatformSpec;
use crate::plan::scaffold::ScaffoldOptions;

pub use cluster::{
    BootstrapSettings, ClusterChoice, ClusterSettings, Consent, DestroySettings, Foreign, Mode, OpenSettings,
    Password, Ssh, StatusSettings, StatusUntil, Workloads,
};

pub use environments::PromoteSettings;
pub use images::{BuildSettings, CompileWhere, Explain, PushSettings, PushTarget};

/// Settings of `init`.
#[derive(Clone, Debug)]
pub struct InitSettings {
    /// The folder of the new shop.
    pub folder: PathBuf,
    /// What it is told.
    pub scaffold: ScaffoldOptions,
    /// What to do with files that are there.
    pub existing: Existing,
}

/// What to do with files that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse the folder.
    Refuse,
    /// Overwrite and name those that differ.
    Overwrite,
}

impl TryFrom<InitArgs> for InitSettings {
    type Error = Failure;

    fn try_from(args: InitArgs) -> Result<Self, Failure> {
        // Parsed here and not by clap, which would repeat a password in its error.
        let git_url =
            args.git_url.map(|url| url.parse().map_err(|error: String| Failure::new(error).usage()));
        Ok(Self {
            folder: args.folder,
            scaffold: ScaffoldOptions { registry: args.registry, git_url: git_url.transpose()? },
            existing: if args.force { Existing::Overwrite } else { Existing::Refuse },
        })
    }
}

/// The gateway's port if none is asked for.
const GATEWAY_PORT: u16 = 8000;

/// Settings of `up`.
#[derive(Clone, Copy, Debug)]
pub struct UpSettings {
    /// Which ports.
    pub ports: Ports,
    /// When to stop.
    pub until: Until,
}

/// Which ports `up` uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Those of the spec, and this one for the gateway.
    Declared(u16),
    /// Any that are free.
    Free,
}

/// When `up` stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Once the shop is checked.
    Verified,
    /// When it is told to.
    Interrupted,
}

impl From<UpArgs> for UpSettings {
    fn from(args: UpArgs) -> Self {
        Self {
            ports: if args.free_ports {
                Ports::Free
            } else {
                Ports::Declared(args.port.unwrap_or(GATEWAY_PORT))
            },
            until: if args.once { Until::Verified } else { Until::Interrupted },
        }
    }
}

/// Settings of `render`.
#[derive(Clone, Debug)]
pub struct RenderSettings {
    /// The environment.
    pub environment: EnvironmentName,
    /// What to do with what is rendered.
    pub mode: RenderMode,
}

/// What to do with what is rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RenderMode {
    /// Write it to files.
    Write,
    /// Write it to files and commit them.
    Commit(CommitSettings),
    /// Compare it with the files.
    Check,
    /// Write it to stdout.
    Stdout,
}

/// Settings of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitSettings {
    /// The message, if the user has one.
    pub message: Option<String>,
    /// The branch, if it is not the one that is checked out.
    pub branch: Option<String>,
    /// The URL that the spec of the commit gets if it has none: where Argo CD reads.
    pub declare: Option<GitUrl>,
    /// What follows the commit.
    pub then: AfterCommit,
}

/// What follows a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AfterCommit {
    /// Nothing: it stays here.
    Stay,
    /// It is pushed to the branch's remote.
    Push,
    /// It is pushed to another repository, with all that the branch has.
    PushTo {
        /// What it is called.
        name: String,
        /// Where it is.
        url: String,
        /// The branch there.
        branch: String,
    },
}

impl RenderSettings {
    /// Returns the settings; the environment is the first one of `spec` if none is asked for.
    ///
    /// # Errors
    /// `spec` does not declare the environment.
    pub fn new(args: RenderArgs, spec: &PlatformSpec) -> Result<Self, ResolveError> {
        let mode = if args.check {
            RenderMode::Check
        } else if args.stdout {
            RenderMode::Stdout
        } else if args.commit {
            let then = if args.push { AfterCommit::Push } else { AfterCommit::Stay };
            RenderMode::Commit(CommitSettings {
                message: args.message,
                branch: args.branch,
                declare: None,
                then,
            })
        } else {
            RenderMode::Write
        };
        let environment = match args.environment {
            Some(environment) => spec.declared(environment)?,
            None => spec.default_environment(),
        };
        Ok(Self { environment, mode })
    }
}

/// Settings of `verify`.
#[derive(Clone, Debug)]
pub struct VerifySettings {
    /// What is checked.
    pub what: Verified,
    /// What may be changed there.
    pub scope: Scope,
}

/// What `verify` checks.
#[derive(Clone, Debug)]
pub enum Verified {
    /// The shop at a URL.
    Url(Url),
    /// The shop behind the gateway of a cluster.
    Gateway(ClusterArgs),
    /// The pods of a cluster.
    Pods(ClusterArgs),
}

/// What `verify` may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Nothing.
    ReadOnly,
    /// The cart and the orders of a random user.
    Everything,
}

impl TryFrom<VerifyArgs> for VerifySettings {
    type Error = Failure;

    fn try_from(args: VerifyArgs) -> Result<Self, Failure> {
        let what = match args.url.map(verify_url).transpose()? {
            _ if args.live => Verified::Pods(args.cluster),
            Some(url) => Verified::Url(url),
            None => Verified::Gateway(args.cluster),
        };
        let scope = if args.read_only { Scope::ReadOnly } else { Scope::Everything };
        Ok(Self { what, scope })
    }
}

/// Returns the URL of a shop.
fn verify_url(url: Url) -> Result<Url, Failure> {
    if !["http", "https"].contains(&url.scheme()) {
        let message = format!("`{url}` is no URL of a shop");
        return Err(Failure::new(message).usage().hint("it begins with `http://` or `https://`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Failure::new("the URL has a user or password in it, which would be shown").usage());
    }
    Ok(url)
}

/// Settings of `logs`.
#[derive(Clone, Debug)]
pub struct LogsSettings {
    /// Of which services.
    pub services: Vec<ServiceName>,
    /// Of whose processes.
    pub of: LogsOf,
    /// How many lines of each to begin with.
    pub tail: usize,
    /// What follows them.
    pub then: AfterLogs,
}

/// Whose logs are meant.
#[derive(Clone, Debug)]
pub enum LogsOf {
    /// Those of `ecomctl up`.
    Up,
    /// Those of an environment's pods.
    Pods(ClusterSettings),
}

/// What follows the lines that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterLogs {
    /// Nothing.
    End,
    /// What is logged from now on.
    Follow,
}

impl LogsSettings {
    /// Returns the settings.
    ///
    /// # Errors
    /// `spec` does not declare a service, or the number of lines is none.
    pub fn new(args: LogsArgs, spec: &PlatformSpec) -> Result<Self, anyhow::Error> {
        let of = if args.environment.is_some() || args.context.is_some() {
            let cluster = ClusterArgs { environment: args.environment, context: args.context };
            LogsOf::Pods(ClusterSettings::new(cluster, spec)?)
        } else {
            LogsOf::Up
        };
        let tail = match args.tail.as_str() {
            "all" => usize::MAX,
            number => number.parse().map_err(|_| {
                Failure::new(format!("`{number}` is no number of lines"))
                    .usage()
                    .hint("`--tail 20`, `--tail all`")
            })?,
        };
        let then = if args.follow { AfterLogs::Follow } else { AfterLogs::End };
        Ok(Self { services: images::services(args.services, spec)?, of, tail, then })
    }
}
