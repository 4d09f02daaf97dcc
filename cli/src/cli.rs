//! The command line. Doc comments are the help.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use url::Url;

use crate::model::image::Registry;
use crate::model::name::EnvironmentName;
use crate::printer::Output;

/// Take a shop of microservices from source to a verified, Git-synced deployment on Kubernetes
#[derive(Debug, Parser)]
#[command(name = "ecomctl", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  ecomctl init shop && cd shop                  make a new shop
  ecomctl up                                    run it on this machine and check it
  ecomctl render                                write the Kubernetes manifests that would deploy it
  ecomctl verify --url http://localhost:8000    check a shop that runs
  ecomctl schema > docs/ecomctl.schema.json     let an editor know `ecomctl.yaml`
  ecomctl completions bash                      print completions for a shell

Exit codes: 0 done, 1 failed, 2 wrong usage or invalid spec, 3 a check found a difference, 130 interrupted")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// What every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct GlobalArgs {
    /// Run as if started in this folder
    #[arg(
        short = 'C',
        long,
        global = true,
        value_name = "DIR",
        default_value = ".",
        hide_default_value = true
    )]
    pub directory: PathBuf,

    /// How to write results to stdout
    #[arg(long, global = true, value_enum, default_value_t, env = "ECOMCTL_OUTPUT")]
    pub output: Output,

    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: clap::ColorChoice,

    /// Write no status, only results, warnings and errors
    #[arg(short, long, global = true, action = ArgAction::SetTrue)]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new shop: three services, their spec, their manifests, a first commit
    #[command(after_help = "Examples:
  ecomctl init shop
  ecomctl init shop --registry docker.io/you --git-url https://github.com/you/shop.git
  ecomctl init . --force")]
    Init(InitArgs),

    /// Compile the services, run them on this machine behind a gateway, and check them
    ///
    /// Needs no Docker, no cluster and no account. Data is kept under `.ecomctl/` until you delete it.
    #[command(after_help = "Examples:
  ecomctl up
  ecomctl up --port 8080
  ecomctl up --once --free-ports     check and stop, beside whatever else runs")]
    Up(UpArgs),

    /// Write the Kubernetes and Argo CD manifests of an environment
    ///
    /// Owns `generated/<environment>/` and `argocd/<environment>.yaml`: writes what differs, deletes what is no longer
    /// declared, and touches no file that it did not make.
    #[command(after_help = "Examples:
  ecomctl render
  ecomctl render --check             exit 3 if the files are not what the spec says
  ecomctl render --stdout | kubectl apply --server-side --dry-run=server -f -")]
    Render(RenderArgs),

    /// Check a running shop from outside: list, view, add to cart, order, cancel
    #[command(after_help = "Examples:
  ecomctl verify --url http://localhost:8000
  ecomctl verify --url https://shop.example.com --read-only
  ecomctl verify --url http://localhost:8000 --output json")]
    Verify(VerifyArgs),

    /// Print the JSON Schema of `ecomctl.yaml`
    #[command(after_help = "Examples:
  ecomctl schema > docs/ecomctl.schema.json")]
    Schema,

    /// Print completions for a shell
    #[command(after_help = "Examples:
  ecomctl completions bash > ~/.local/share/bash-completion/completions/ecomctl
  ecomctl completions zsh > ~/.zfunc/_ecomctl
  ecomctl completions fish > ~/.config/fish/completions/ecomctl.fish")]
    Completions(CompletionsArgs),
}

/// Arguments of `init`.
#[derive(Clone, Debug, Args)]
pub struct InitArgs {
    /// The folder of the new shop; it is made if it does not exist
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,

    /// Where its images will be pushed to
    #[arg(long, value_name = "REGISTRY", env = "ECOMCTL_REGISTRY")]
    pub registry: Option<Registry>,

    /// The repository that Argo CD will read; it becomes the remote `origin`
    #[arg(long, value_name = "URL")]
    pub git_url: Option<String>,

    /// Use a folder that has files; those that differ are overwritten and named
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `up`.
#[derive(Clone, Debug, Args)]
pub struct UpArgs {
    /// The port of the gateway
    /// [default: 8000]
    #[arg(long, env = "ECOMCTL_PORT")]
    pub port: Option<u16>,

    /// Use free ports instead of `--port` and those of the spec
    #[arg(long)]
    pub free_ports: bool,

    /// Stop once the shop is checked
    #[arg(long)]
    pub once: bool,
}

/// Arguments of `render`.
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
}

/// Arguments of `verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Where the shop answers
    #[arg(long, value_name = "URL", env = "ECOMCTL_URL")]
    pub url: Url,

    /// Change nothing: no cart, no order
    #[arg(long)]
    pub read_only: bool,
}

/// Arguments of `completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: clap_complete::Shell,
}
