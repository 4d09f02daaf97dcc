//! Settings of the commands that make images, and where those go.

use crate::cli::{BuildArgs, PushArgs};
use crate::error::Failure;
use crate::model::image::Registry;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::spec::PlatformSpec;

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
    pub(super) fn new(in_container: bool) -> Self {
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
pub(super) fn services(asked: Vec<ServiceName>, spec: &PlatformSpec) -> Result<Vec<ServiceName>, Failure> {
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
