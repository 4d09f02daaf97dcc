//! Arguments of the commands that work on a cluster, or may.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use humantime::Duration;
use url::Url;

use crate::model::image::Registry;
use crate::model::name::{EnvironmentName, ServiceName};

/// Which cluster is meant.
#[derive(Clone, Debug, Default, Args)]
pub struct ClusterArgs {
    /// The environment; the first one declared if not given
    #[arg(short, long, value_name = "NAME", env = "ECOMCTL_ENVIRONMENT")]
    pub environment: Option<EnvironmentName>,

    /// The kubeconfig's context; if not given that of the environment, in `minikube` its profile, else the current one
    #[arg(long, value_name = "NAME", env = "ECOMCTL_CONTEXT")]
    pub context: Option<String>,
}

/// Arguments of `bootstrap`.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag; the settings are enums")]
#[derive(Clone, Debug, Args)]
pub struct BootstrapArgs {
    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// Change nothing, print what each step would change, and exit 3 if something would
    #[arg(long)]
    pub plan: bool,

    /// Who makes the cluster; minikube for the environment `minikube` unless a context is given, else nobody
    #[arg(long, value_enum)]
    pub provider: Option<Provider>,

    /// Do not ask before writing to a cluster that is not of this machine
    #[arg(short, long)]
    pub yes: bool,

    /// Use an Argo CD that is there already and that ecomctl has not installed
    #[arg(long)]
    pub adopt: bool,

    /// How long each wait may take, such as `90s` or `10m`
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub timeout: Duration,

    /// Where Argo CD reads manifests from, when `git.url` is not declared; `origin` if there is one, else the cluster
    #[arg(long, value_enum)]
    pub git: Option<GitPlace>,

    /// Let Argo CD read an ssh repository with a key of its own, and print its public half
    #[arg(long)]
    pub deploy_key: bool,

    /// How an image gets into the cluster's nodes without a registry: a command that takes its name as an argument
    #[arg(long, value_name = "COMMAND", env = "ECOMCTL_LOAD_WITH", value_parser = NonEmptyStringValueParser::new())]
    pub load_with: Option<String>,

    /// Argo CD's install manifest, instead of fetching it
    #[arg(long, value_name = "FILE", env = "ECOMCTL_ARGOCD_MANIFEST")]
    pub argocd_manifest: Option<PathBuf>,

    /// Push images there instead of where the spec says
    #[arg(long, value_name = "REGISTRY", env = "ECOMCTL_REGISTRY")]
    pub registry: Option<Registry>,

    /// Compile in the engine, in the last stage of each Dockerfile
    #[arg(long)]
    pub in_container: bool,

    /// Where the shop answers, instead of through a port that is forwarded
    #[arg(long, value_name = "URL", env = "ECOMCTL_URL")]
    pub url: Option<Url>,

    /// The profile of minikube
    #[arg(long, value_name = "NAME", default_value = "minikube", env = "MINIKUBE_PROFILE")]
    pub profile: String,

    /// The memory of a new minikube, in MiB or with a unit
    #[arg(long, value_name = "AMOUNT", default_value = "4096", value_parser = amount)]
    pub memory: String,

    /// The CPUs of a new minikube
    #[arg(long, value_name = "NUMBER", default_value = "2", value_parser = clap::value_parser!(u16).range(1..))]
    pub cpus: u16,
}

/// Returns an amount of memory that minikube reads: MiB, or with a unit.
fn amount(text: &str) -> Result<String, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let units = ["", "b", "k", "kb", "m", "mb", "g", "gb"];
    if unit.len() < text.len() && units.contains(&unit.to_lowercase().as_str()) {
        return Ok(text.to_owned());
    }
    Err("it must be like `4096`, which is MiB, or `4g`".to_owned())
}

/// Who makes the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Provider {
    /// The program of this name.
    Minikube,
    /// It is there: of kind, k3d, k3s, or a real one.
    Existing,
}

/// Where Argo CD reads manifests from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GitPlace {
    /// A repository beside Argo CD.
    InCluster,
    /// The remote of this name.
    Origin,
}

/// Arguments of `status`.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// Print it again whenever it changes, until Ctrl-C
    #[arg(short, long)]
    pub watch: bool,
}

/// Arguments of `open`.
#[derive(Clone, Debug, Args)]
pub struct OpenArgs {
    /// What to open.
    #[arg(value_enum)]
    pub what: Opened,

    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// The port on this machine; a free one if it is taken
    /// [default: 8080 for argocd, 8000 for the shop]
    #[arg(long)]
    pub port: Option<u16>,

    /// Print the password of `admin` too
    #[arg(long)]
    pub show_password: bool,
}

/// What can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Opened {
    /// The user interface of Argo CD.
    Argocd,
    /// The gateway of the shop.
    Shop,
}

/// Arguments of `logs`.
#[derive(Clone, Debug, Args)]
pub struct LogsArgs {
    /// Of which services; all if none is given
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,

    /// Of the pods of this environment's cluster
    #[arg(short, long, value_name = "NAME")]
    pub environment: Option<EnvironmentName>,

    /// Of the pods of this kubeconfig's context
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,

    /// Go on with what they log from now on
    #[arg(short, long)]
    pub follow: bool,

    /// How many lines of each to begin with, or `all`
    #[arg(short = 'n', long, value_name = "LINES", default_value = "100")]
    pub tail: String,
}

/// Arguments of `verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Where the shop answers
    #[arg(long, value_name = "URL", env = "ECOMCTL_URL")]
    pub url: Option<Url>,

    /// Change nothing: no cart, no order
    #[arg(long)]
    pub read_only: bool,

    /// Check instead that each running pod has the image of `ecomctl.lock`, deployed from this branch
    #[arg(long, conflicts_with = "read_only")]
    pub live: bool,

    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// Arguments of `destroy`.
#[derive(Clone, Debug, Args)]
pub struct DestroyArgs {
    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,

    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,

    /// Leave the shop running, with its data, and remove only what syncs it
    #[arg(long)]
    pub keep_workloads: bool,

    /// How long Argo CD may take to remove the shop, before ecomctl does it, such as `90s` or `2m`
    #[arg(long, value_name = "DURATION", default_value = "2m")]
    pub timeout: Duration,
}

/// Arguments of `git-transport`.
#[derive(Clone, Debug, Args)]
pub struct GitTransportArgs {
    /// The kubeconfig's context.
    pub context: String,
    /// The name of the workload that has the repository.
    pub server: String,
    /// What git asks for: `receive-pack` or `upload-pack`.
    pub service: String,
    /// The repository's path.
    pub path: String,
}
