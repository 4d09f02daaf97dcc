//! The command line. Doc comments are the help.

mod cluster;
mod manifests;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::model::image::Registry;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::printer::Output;

pub use cluster::{
    BootstrapArgs, ClusterArgs, DestroyArgs, GitPlace, GitTransportArgs, LogsArgs, OpenArgs, Opened,
    Provider, StatusArgs, VerifyArgs,
};
pub use manifests::{
    CommitArgs, DiffArgs, GraphArgs, LintArgs, Picture, PromoteArgs, RenderArgs, RollbackArgs,
};

/// Take a shop of microservices from source to a verified, Git-synced deployment on Kubernetes
#[derive(Debug, Parser)]
#[command(name = "ecomctl", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  ecomctl init shop && cd shop                  make a new shop
  ecomctl up                                    run it on this machine and check it
  ecomctl bootstrap                             take it to a cluster, synced from git and checked
  ecomctl status                                see what runs there
  ecomctl doctor                                see what this machine lacks
  ecomctl build --push                          make the images, push them and pin their digests
  ecomctl render --commit --push                commit manifests of these digests for Argo CD
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

    /// Print what services have logged: those of `ecomctl up`, or of an environment's pods
    #[command(after_help = "Examples:
  ecomctl logs
  ecomctl logs --environment minikube --follow
  ecomctl logs order-service --follow
  ecomctl logs --tail all")]
    Logs(LogsArgs),

    /// Compile the services and make their images in the Docker engine
    ///
    /// An image's tag is the digest of all that it is built from. What is there already is not built again.
    #[command(after_help = "Examples:
  ecomctl build
  ecomctl build cart-service --explain     say which inputs changed
  ecomctl build --push                     push and pin them too
  ecomctl build --in-container             compile in the engine, without Rust on this machine")]
    Build(BuildArgs),

    /// Push the images to the registry, and pin their digests in `ecomctl.lock`
    ///
    /// Pushes to every environment that follows builds: the first one, and those that say `images: build`. A tag
    /// that the registry has is never overwritten. Credentials are those of `docker login`, or of
    /// `ECOMCTL_REGISTRY_USERNAME` and `ECOMCTL_REGISTRY_PASSWORD`.
    #[command(after_help = "Examples:
  ecomctl push
  ecomctl push cart-service --environment staging
  ecomctl push --registry localhost:5000")]
    Push(PushArgs),

    /// List the images that were built in this folder, or remove old ones
    #[command(after_help = "Examples:
  ecomctl images
  ecomctl images prune           remove all but those of the present source
  ecomctl images prune --all")]
    Images(ImagesArgs),

    /// See whether this machine has what the platform needs
    #[command(after_help = "Examples:
  ecomctl doctor
  ecomctl doctor build push      only what these commands need")]
    Doctor(DoctorArgs),

    /// Write the Kubernetes and Argo CD manifests of an environment
    ///
    /// Owns `generated/<environment>/` and `argocd/<environment>.yaml`: writes what differs, deletes what is no longer
    /// declared, and touches no file that it did not make.
    #[command(after_help = "Examples:
  ecomctl render
  ecomctl render --commit --push     commit them, and nothing else, for Argo CD to sync
  ecomctl render --check             exit 3 if the files are not what the spec says
  ecomctl render --stdout | kubectl apply --server-side --dry-run=server -f -")]
    Render(RenderArgs),

    /// Show what would change: what is rendered now, against the last commit or another environment
    ///
    /// Prints a unified diff, and exits 3 if there is a difference. Another environment is rendered under the names of the first,
    /// so that what is left are differences.
    #[command(after_help = "Examples:
  ecomctl diff
  ecomctl diff production
  ecomctl diff staging --environment production")]
    Diff(DiffArgs),

    /// Draw the services of an environment, their calls and stores, the gateway and what is installed beside
    #[command(after_help = "Examples:
  ecomctl graph                                     for a README
  ecomctl graph production --format svg >shop.svg
  ecomctl graph --format dot | dot -Tpng >shop.png")]
    Graph(GraphArgs),

    /// Give an environment the images of another one, as one commit
    ///
    /// The same digests, pinned in `ecomctl.lock`, rendered and committed. Where the registry is another one, the images are copied
    /// there first, as they are.
    #[command(after_help = "Examples:
  ecomctl promote staging production
  ecomctl promote staging production cart-service --push
  ecomctl promote staging production --branch promote-cart     for a pull request")]
    Promote(PromoteArgs),

    /// Give an environment the images that it had before, as one commit
    #[command(after_help = "Examples:
  ecomctl rollback production --push             those before the last change
  ecomctl rollback production --to v1.4.0        those of a commit")]
    Rollback(RollbackArgs),

    /// Look for what is wrong with the manifests of an environment, without a cluster
    ///
    /// Selectors meet labels, Services meet ports, probes meet listeners, policies cover calls, what is named is made; pods are
    /// restricted and images pinned. Exits 3 if something is found. `render` refuses what is found here.
    #[command(after_help = "Examples:
  ecomctl lint
  ecomctl lint --environment production --output json")]
    Lint(LintArgs),

    /// Take the shop to a cluster: images, Argo CD, repository, sync, check
    ///
    /// Each step looks at what is there and changes what differs, so it can be run again and again, also after it was
    /// interrupted. Without a registry, images are loaded into the cluster's node; without a repository that the cluster can
    /// read, one is made inside the cluster.
    #[command(after_help = "Examples:
  ecomctl bootstrap                             minikube, no account needed
  ecomctl bootstrap --plan                      see what would change
  ecomctl bootstrap --context kind-dev          a cluster that is there
  ecomctl bootstrap -e staging --context prod-eu --yes

Credentials: ECOMCTL_GIT_TOKEN (and ECOMCTL_GIT_USERNAME) let Argo CD read a private repository by https;
ECOMCTL_PULL_USERNAME and ECOMCTL_PULL_PASSWORD let nodes pull from a private registry")]
    Bootstrap(Box<BootstrapArgs>),

    /// Show what runs in the cluster: Applications, workloads, pods, images
    #[command(after_help = "Examples:
  ecomctl status
  ecomctl status --watch
  ecomctl status --output json")]
    Status(StatusArgs),

    /// Forward a port of this machine to Argo CD or to the shop
    #[command(after_help = "Examples:
  ecomctl open argocd --show-password
  ecomctl open shop --port 9000")]
    Open(OpenArgs),

    /// Remove the shop and Argo CD from the cluster, as far as ecomctl has made them
    ///
    /// With the shop goes its data. Asks first. Nothing that ecomctl has not made is touched, and minikube stays as it is.
    #[command(after_help = "Examples:
  ecomctl destroy
  ecomctl destroy --yes
  ecomctl destroy --keep-workloads     leave the shop running")]
    Destroy(DestroyArgs),

    /// Carry git's protocol to the repository inside the cluster
    #[command(hide = true)]
    GitTransport(GitTransportArgs),

    /// Check a running shop from outside: list, view, add to cart, order, cancel
    ///
    /// Without a URL, through a port that is forwarded to the gateway of the environment's cluster.
    #[command(after_help = "Examples:
  ecomctl verify
  ecomctl verify --live                         are the pods what git and the lock say?
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

/// Arguments of `build`.
#[derive(Clone, Debug, Args)]
pub struct BuildArgs {
    /// Which services; all if none is given
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,

    /// Say which inputs changed since the last build
    #[arg(long)]
    pub explain: bool,

    /// Compile in the engine, in the last stage of each Dockerfile
    #[arg(long)]
    pub in_container: bool,

    /// Push the images too, as `ecomctl push` does
    #[arg(long)]
    pub push: bool,

    /// Push there instead of where the spec says
    #[arg(long, value_name = "REGISTRY", env = "ECOMCTL_REGISTRY")]
    pub registry: Option<Registry>,
}

/// Arguments of `push`.
#[derive(Clone, Debug, Args)]
pub struct PushArgs {
    /// Which services; all if none is given
    #[arg(value_name = "SERVICE")]
    pub services: Vec<ServiceName>,

    /// The environment; every one that follows builds if not given
    #[arg(short, long, value_name = "NAME", env = "ECOMCTL_ENVIRONMENT")]
    pub environment: Option<EnvironmentName>,

    /// Push there instead of where the spec says
    #[arg(long, value_name = "REGISTRY", env = "ECOMCTL_REGISTRY")]
    pub registry: Option<Registry>,

    /// The images were built with `--in-container`
    #[arg(long)]
    pub in_container: bool,
}

/// Arguments of `images`.
#[derive(Clone, Debug, Args)]
pub struct ImagesArgs {
    /// What to do with them; they are listed if nothing is given.
    #[command(subcommand)]
    pub command: Option<ImagesCommand>,
}

/// What to do with images.
#[derive(Clone, Debug, Subcommand)]
pub enum ImagesCommand {
    /// Remove all but those of the present source
    Prune {
        /// Remove those too
        #[arg(long)]
        all: bool,
    },
}

/// Arguments of `doctor`.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// Only what these commands need
    #[arg(value_name = "COMMAND", value_enum)]
    pub commands: Vec<Need>,
}

/// What is needed by a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Need {
    /// Run the shop on this machine.
    Up,
    /// Make images.
    Build,
    /// Push images.
    Push,
    /// Commit and push manifests.
    Render,
    /// Deploy to a cluster.
    #[value(alias = "bootstrap")]
    Deploy,
}

/// Arguments of `completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: clap_complete::Shell,
}
