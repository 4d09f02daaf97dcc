//! Settings of the commands that work on a cluster.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{CompileWhere, PushTarget, verify_url};
use crate::adapters::files::variable;
use crate::adapters::loader::Loader;
use crate::adapters::minikube::Machine;
use crate::cli::{BootstrapArgs, ClusterArgs, DestroyArgs, GitPlace, OpenArgs, Opened, Provider, StatusArgs};
use crate::error::Failure;
use crate::model::image::Registry;
use crate::model::name::EnvironmentName;
use crate::model::spec::PlatformSpec;

/// The environment that minikube is for, and the usual name of its context.
const MINIKUBE: &str = "minikube";

/// An environment, and the context of its cluster.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// The environment.
    pub environment: EnvironmentName,
    /// The kubeconfig's context that is asked for or declared.
    pub context: Option<String>,
}

impl ClusterSettings {
    /// Returns the settings; the environment is the first one of `spec` if none is asked for.
    ///
    /// # Errors
    /// `spec` does not declare the environment.
    pub fn new(args: ClusterArgs, spec: &PlatformSpec) -> Result<Self, anyhow::Error> {
        let environment = match args.environment {
            Some(environment) => spec.declared(environment)?,
            None => spec.default_environment(),
        };
        let context =
            args.context.or_else(|| spec.context_of(&environment)).filter(|context| !context.is_empty());
        Ok(Self { environment, context })
    }

    /// Returns the context that is tried first although nobody has named it: minikube's, in the environment of its name.
    #[must_use]
    pub fn likely_context(&self) -> Option<String> {
        let profile = || variable("MINIKUBE_PROFILE").unwrap_or_else(|| MINIKUBE.to_owned());
        (self.environment.as_str() == MINIKUBE && self.context.is_none()).then(profile)
    }
}

/// Settings of `bootstrap`.
#[derive(Clone, Debug)]
pub struct BootstrapSettings {
    /// The environment.
    pub environment: EnvironmentName,
    /// Whether something is changed.
    pub mode: Mode,
    /// The cluster.
    pub cluster: ClusterChoice,
    /// Whether the user has agreed to what is asked otherwise.
    pub consent: Consent,
    /// What to do with an Argo CD that somebody else has installed.
    pub foreign: Foreign,
    /// How long each wait may take.
    pub timeout: Duration,
    /// Where Argo CD reads from, if that was asked for.
    pub git: Option<GitPlace>,
    /// Whether an ssh repository is read with a key.
    pub ssh: Ssh,
    /// How images get into the nodes, if that was asked for.
    pub load_with: Option<Loader>,
    /// Argo CD's install manifest.
    pub argocd_manifest: Option<PathBuf>,
    /// Where images are pushed to; nowhere when they are loaded.
    pub push: Option<PushTarget>,
    /// Where programs are compiled.
    pub compile: CompileWhere,
    /// Where the shop answers.
    pub url: Option<Url>,
}

/// Whether something is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    Act,
    /// What would be is told.
    Plan,
}

/// Which cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterChoice {
    /// That of a minikube, which is started.
    Minikube(Machine),
    /// That of a context; of the current one if none is named.
    Existing(Option<String>),
}

/// Whether the user has agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// The user is asked.
    Ask,
    /// The user has said yes.
    Given,
}

/// What to do with an Argo CD that somebody else has installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// Stop.
    Refuse,
    /// Use it.
    Adopt,
}

/// How an ssh URL of `origin` is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ssh {
    /// By https instead.
    AsHttps,
    /// With a key.
    WithKey,
}

impl BootstrapSettings {
    /// Returns the settings.
    ///
    /// # Errors
    /// `spec` does not declare the environment, or two arguments exclude each other.
    pub fn new(args: BootstrapArgs, spec: &PlatformSpec) -> Result<Self, anyhow::Error> {
        let ClusterSettings { environment, context } = ClusterSettings::new(args.cluster, spec)?;
        let by_minikube = environment.as_str() == MINIKUBE && context.is_none();
        let provider =
            args.provider.unwrap_or(if by_minikube { Provider::Minikube } else { Provider::Existing });
        let cluster = match (provider, context) {
            (Provider::Existing, context) => ClusterChoice::Existing(context),
            (Provider::Minikube, Some(context)) if context != args.profile => {
                let message =
                    format!("minikube's context is its profile `{}`, not `{context}`", args.profile);
                return Err(Failure::new(message)
                    .usage()
                    .hint("leave out `--context`, or give `--profile`")
                    .into());
            }
            (Provider::Minikube, _) => ClusterChoice::Minikube(Machine {
                profile: args.profile,
                memory: args.memory,
                cpus: args.cpus,
            }),
        };
        if let (Some(place), Some(url)) = (args.git, &spec.git.url) {
            let given = if place == GitPlace::InCluster { "in-cluster" } else { "origin" };
            let message =
                format!("`--git {given}` and `git.url: {url}` in `ecomctl.yaml` exclude each other");
            return Err(Failure::new(message).usage().hint("leave out one of them").into());
        }
        let registry: Option<Registry> = args.registry.or_else(|| spec.registry_of(&environment));
        if let (Some(registry), Some(_)) = (&registry, &args.load_with) {
            let message = format!("images are pushed to `{registry}`, so nothing is loaded with a command");
            return Err(Failure::new(message)
                .usage()
                .hint("leave out `--load-with`, or the registry")
                .into());
        }
        Ok(Self {
            push: registry.map(|registry| PushTarget { environment: environment.clone(), registry }),
            environment,
            mode: if args.plan { Mode::Plan } else { Mode::Act },
            cluster,
            consent: if args.yes { Consent::Given } else { Consent::Ask },
            foreign: if args.adopt { Foreign::Adopt } else { Foreign::Refuse },
            timeout: args.timeout.into(),
            git: args.git,
            ssh: if args.deploy_key { Ssh::WithKey } else { Ssh::AsHttps },
            load_with: args.load_with.map(Loader::Command),
            argocd_manifest: args.argocd_manifest,
            compile: CompileWhere::new(args.in_container),
            url: args.url.map(verify_url).transpose()?,
        })
    }
}

/// Settings of `status`.
#[derive(Clone, Debug)]
pub struct StatusSettings {
    /// The cluster.
    pub cluster: ClusterSettings,
    /// When it ends.
    pub until: StatusUntil,
}

/// When `status` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusUntil {
    /// Once it is printed.
    Printed,
    /// When it is told to.
    Interrupted,
}

impl StatusSettings {
    /// Returns the settings.
    ///
    /// # Errors
    /// `spec` does not declare the environment.
    pub fn new(args: StatusArgs, spec: &PlatformSpec) -> Result<Self, anyhow::Error> {
        let until = if args.watch { StatusUntil::Interrupted } else { StatusUntil::Printed };
        Ok(Self { cluster: ClusterSettings::new(args.cluster, spec)?, until })
    }
}

/// Settings of `open`.
#[derive(Clone, Debug)]
pub struct OpenSettings {
    /// The cluster.
    pub cluster: ClusterSettings,
    /// What.
    pub what: Opened,
    /// The port on this machine, if one was asked for.
    pub port: Option<u16>,
    /// Whether the password is printed.
    pub password: Password,
}

/// Whether a password is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// It is not.
    Hidden,
    /// It is.
    Shown,
}

impl OpenSettings {
    /// Returns the settings.
    ///
    /// # Errors
    /// `spec` does not declare the environment.
    pub fn new(args: OpenArgs, spec: &PlatformSpec) -> Result<Self, anyhow::Error> {
        let password = if args.show_password { Password::Shown } else { Password::Hidden };
        let cluster = ClusterSettings::new(args.cluster, spec)?;
        Ok(Self { cluster, what: args.what, port: args.port, password })
    }
}

/// Settings of `destroy`.
#[derive(Clone, Debug)]
pub struct DestroySettings {
    /// The cluster.
    pub cluster: ClusterSettings,
    /// Whether the user has agreed.
    pub consent: Consent,
    /// What becomes of the shop.
    pub workloads: Workloads,
    /// How long Argo CD may take.
    pub timeout: Duration,
}

/// What becomes of the shop when what syncs it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workloads {
    /// It goes too.
    Remove,
    /// It stays.
    Keep,
}

impl DestroySettings {
    /// Returns the settings.
    ///
    /// # Errors
    /// `spec` does not declare the environment.
    pub fn new(args: DestroyArgs, spec: &PlatformSpec) -> Result<Self, anyhow::Error> {
        Ok(Self {
            cluster: ClusterSettings::new(args.cluster, spec)?,
            consent: if args.yes { Consent::Given } else { Consent::Ask },
            workloads: if args.keep_workloads { Workloads::Keep } else { Workloads::Remove },
            timeout: args.timeout.into(),
        })
    }
}
