//! What each command works with: a flag, else an environment variable (both by clap), else the file, else a default.

use std::path::PathBuf;

use url::Url;

use crate::cli::{BuildArgs, InitArgs, LogsArgs, PushArgs, RenderArgs, UpArgs, VerifyArgs};
use crate::error::Failure;
use crate::model::image::Registry;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::resolve::ResolveError;
use crate::model::spec::PlatformSpec;
use crate::plan::scaffold::ScaffoldOptions;

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
    /// What follows the commit.
    pub then: AfterCommit,
}

/// What follows a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCommit {
    /// Nothing: it stays here.
    Stay,
    /// It is pushed.
    Push,
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
            RenderMode::Commit(CommitSettings { message: args.message, branch: args.branch, then })
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
    /// Where the shop answers.
    pub url: Url,
    /// What may be changed there.
    pub scope: Scope,
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
        if !["http", "https"].contains(&args.url.scheme()) {
            let message = format!("`{}` is no URL of a shop", args.url);
            return Err(Failure::new(message).usage().hint("it begins with `http://` or `https://`"));
        }
        if !args.url.username().is_empty() || args.url.password().is_some() {
            return Err(Failure::new("the URL has a user or password in it, which would be shown").usage());
        }
        let scope = if args.read_only { Scope::ReadOnly } else { Scope::Everything };
        Ok(Self { url: args.url, scope })
    }
}

/// Settings of `build`.
#[derive(Clone, Debug)]
pub struct BuildSettings {
    /// The services whose images are built.
    pub services: Vec<ServiceName>,
    /// Whether to say what changed.
    pub explain: Explain,
    /// Where programs are compiled.
    pub compile: CompileWhere,
    /// Where the images are pushed to, if they are.
    pub push: Option<Vec<PushTarget>>,
}

/// Whether `build` says what changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explain {
    /// It does not.
    Nothing,
    /// It names the inputs.
    Changes,
}

/// Where programs are compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompileWhere {
    /// On this machine if it can, else in a container.
    WherePossible,
    /// In a container.
    InContainer,
}

impl CompileWhere {
    fn new(in_container: bool) -> Self {
        if in_container { Self::InContainer } else { Self::WherePossible }
    }
}

impl BuildSettings {
    /// Returns the settings.
    ///
    /// # Errors
    /// `spec` does not declare a service, or no registry to push to.
    pub fn new(args: BuildArgs, spec: &PlatformSpec) -> Result<Self, Failure> {
        Ok(Self {
            services: services(args.services, spec)?,
            explain: if args.explain { Explain::Changes } else { Explain::Nothing },
            compile: CompileWhere::new(args.in_container),
            push: if args.push {
                Some(push_targets(spec, spec.following_builds(), args.registry.as_ref())?)
            } else {
                None
            },
        })
    }
}

/// Returns the services that were asked for; all of `spec` if none was. In the order of their names.
fn services(asked: Vec<ServiceName>, spec: &PlatformSpec) -> Result<Vec<ServiceName>, Failure> {
    if let Some(unknown) = asked.iter().find(|name| !spec.services.contains_key(*name)) {
        let declared: Vec<&str> = spec.services.keys().map(ServiceName::as_str).collect();
        let failure = Failure::new(format!("there is no service `{unknown}`")).usage();
        return Err(failure.hint(format!("`ecomctl.yaml` declares {}", declared.join(", "))));
    }
    let mut services = if asked.is_empty() { spec.services.keys().cloned().collect() } else { asked };
    services.sort();
    services.dedup();
    Ok(services)
}

/// Settings of `push`.
#[derive(Clone, Debug)]
pub struct PushSettings {
    /// The services whose images are pushed.
    pub services: Vec<ServiceName>,
    /// Where to.
    pub targets: Vec<PushTarget>,
    /// Where programs were compiled.
    pub compile: CompileWhere,
}

/// An environment, and where its images are pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushTarget {
    /// The environment.
    pub environment: EnvironmentName,
    /// The registry.
    pub registry: Registry,
}

impl PushSettings {
    /// Returns the settings.
    ///
    /// # Errors
    /// `spec` does not declare a service, the environment, or no registry to push to.
    pub fn new(args: PushArgs, spec: &PlatformSpec) -> Result<Self, anyhow::Error> {
        let environments = match args.environment {
            Some(environment) => vec![spec.declared(environment)?],
            None => spec.following_builds(),
        };
        Ok(Self {
            services: services(args.services, spec)?,
            targets: push_targets(spec, environments, args.registry.as_ref())?,
            compile: CompileWhere::new(args.in_container),
        })
    }
}

/// Returns where images are pushed to. An environment without a registry is passed over as long as another has one.
fn push_targets(
    spec: &PlatformSpec,
    environments: Vec<EnvironmentName>,
    registry: Option<&Registry>,
) -> Result<Vec<PushTarget>, Failure> {
    let names: Vec<String> = environments.iter().map(|environment| format!("`{environment}`")).collect();
    let targets: Vec<PushTarget> = environments
        .into_iter()
        .filter_map(|environment| {
            let registry = registry.cloned().or_else(|| spec.registry_of(&environment))?;
            Some(PushTarget { environment, registry })
        })
        .collect();
    if targets.is_empty() {
        let message = match names.as_slice() {
            [] => "no environment follows builds".to_owned(),
            names => format!("`ecomctl.yaml` declares no registry for {}", names.join(", ")),
        };
        return Err(Failure::new(message)
            .usage()
            .hint("declare `registry: docker.io/you` there, or give `--registry localhost:5000`"));
    }
    Ok(targets)
}

/// Settings of `logs`.
#[derive(Clone, Debug)]
pub struct LogsSettings {
    /// Of which services.
    pub services: Vec<ServiceName>,
    /// How many lines of each to begin with.
    pub tail: usize,
    /// What follows them.
    pub then: AfterLogs,
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
    pub fn new(args: LogsArgs, spec: &PlatformSpec) -> Result<Self, Failure> {
        let tail = match args.tail.as_str() {
            "all" => usize::MAX,
            number => number.parse().map_err(|_| {
                Failure::new(format!("`{number}` is no number of lines"))
                    .usage()
                    .hint("`--tail 20`, `--tail all`")
            })?,
        };
        let then = if args.follow { AfterLogs::Follow } else { AfterLogs::End };
        Ok(Self { services: services(args.services, spec)?, tail, then })
    }
}
