//! Arguments of commands about the manifests of environments, and the images in them.

use clap::{Args, ValueEnum};

use crate::model::name::{EnvironmentName, ServiceName};

/// Arguments of `render`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag; the settings are an enum")]
#[derive(Clone, Debug, Args)]
pub struct RenderArgs {
    /// The environment; the first one declared if not given
    #[arg(short, long, value_name = "NAME", env = "ECOMCTL_ENVIRONMENT")]
    pub environment: Option<EnvironmentName>,

    /// Write nothing, and exit 3 if something would be written
    #[arg(long)]
    pub check: bool,

    /// Write nothing but one YAML stream to stdout, in the order of applying
    #[arg(long, conflicts_with = "check")]
    pub stdout: bool,

    /// Commit them with `ecomctl.lock`, and nothing else that changed or is staged
    #[arg(long, conflicts_with_all = ["check", "stdout"])]
    pub commit: bool,

    /// Push the commit; when somebody else has pushed before, render from what is there and try again
    #[arg(long, requires = "commit")]
    pub push: bool,

    /// The commit's message
    #[arg(short, long, requires = "commit")]
    pub message: Option<String>,

    /// Commit to this branch, which is made if it does not exist, instead of the one that is checked out
    #[arg(long, value_name = "NAME", requires = "commit")]
    pub branch: Option<String>,
}

/// Arguments of `lint`.
#[derive(Clone, Debug, Args)]
pub struct LintArgs {
    /// The environment; the first one declared if not given
    #[arg(short, long, value_name = "NAME", env = "ECOMCTL_ENVIRONMENT")]
    pub environment: Option<EnvironmentName>,
}

/// Arguments of `diff`.
#[derive(Clone, Debug, Args)]
pub struct DiffArgs {
    /// The environment; the first one declared if not given
    #[arg(value_name = "ENVIRONMENT", env = "ECOMCTL_ENVIRONMENT")]
    pub of: Option<EnvironmentName>,

    /// Compare with this environment, under the same names, instead of the last commit
    #[arg(short, long, value_name = "OTHER")]
    pub environment: Option<EnvironmentName>,
}

/// Arguments of `graph`.
#[derive(Clone, Debug, Args)]
pub struct GraphArgs {
    /// The environment; the first one declared if not given
    #[arg(env = "ECOMCTL_ENVIRONMENT")]
    pub environment: Option<EnvironmentName>,

    /// How it is written
    #[arg(long, value_name = "FORMAT", default_value = "mermaid")]
    pub format: Picture,
}

/// How a graph is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Picture {
    /// For Markdown on GitHub and GitLab (<https://mermaid.js.org>)
    Mermaid,
    /// For Graphviz (<https://graphviz.org>)
    Dot,
    /// For a browser
    Svg,
}

/// Arguments of `promote`.
#[derive(Clone, Debug, Args)]
pub struct PromoteArgs {
    /// The environment whose images are taken
    pub from: EnvironmentName,

    /// The environment that gets them
    pub to: EnvironmentName,

    /// Which services; all if none is given
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,

    /// How the change is committed
    #[command(flatten)]
    pub commit: CommitArgs,
}

/// Arguments of `rollback`.
#[derive(Clone, Debug, Args)]
pub struct RollbackArgs {
    /// The environment
    pub environment: EnvironmentName,

    /// The commit whose images it gets; the last one with others if not given
    #[arg(long, value_name = "COMMIT")]
    pub to: Option<String>,

    /// How the change is committed
    #[command(flatten)]
    pub commit: CommitArgs,
}

/// How a change of an environment's images is committed.
#[derive(Clone, Debug, Args)]
pub struct CommitArgs {
    /// Push the commit; when somebody else has pushed before, render from what is there and try again
    #[arg(long)]
    pub push: bool,

    /// The commit's message
    #[arg(short, long)]
    pub message: Option<String>,

    /// Commit to this branch, which is made if it does not exist, instead of the one that is checked out
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
}
