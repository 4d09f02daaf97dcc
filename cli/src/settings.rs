//! What each command works with: a flag, else an environment variable (both by clap), else the file, else a default.

use std::path::PathBuf;

use url::Url;

use crate::cli::{InitArgs, RenderArgs, UpArgs, VerifyArgs};
use crate::error::Failure;
use crate::model::name::EnvironmentName;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderMode {
    /// Write it to files.
    Write,
    /// Compare it with the files.
    Check,
    /// Write it to stdout.
    Stdout,
}

impl RenderSettings {
    /// Returns the settings; the environment is the first one of `spec` if none is asked for.
    ///
    /// # Errors
    /// `spec` does not declare the environment.
    pub fn new(args: RenderArgs, spec: &PlatformSpec) -> Result<Self, ResolveError> {
        let mode = match (args.check, args.stdout) {
            (true, _) => RenderMode::Check,
            (_, true) => RenderMode::Stdout,
            _ => RenderMode::Write,
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
