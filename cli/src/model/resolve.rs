//! The platform of one environment with every default filled in.

use std::collections::BTreeMap;

use super::argocd;
use super::image::{PinnedImage, Registry, Tag};
use super::lock::ImageLock;
use super::name::{EnvironmentName, PlatformName, ServiceName};
use super::network::{HostName, Port, RoutePath};
use super::quantity::Quantity;
use super::rules;
use super::spec::{
    AmountsSpec, AutoscalingSpec, EnvironmentSpec, ImagesSpec, PlatformSpec, ProxySpec, ServiceSpec,
    StoreSpec,
};

/// A platform in an environment. Nothing is left to decide.
#[derive(Clone, Debug)]
pub struct ResolvedPlatform {
    /// Its name.
    pub name: PlatformName,
    /// The environment.
    pub environment: EnvironmentName,
    /// What names end with that several environments would share: nothing, or `-<environment>`.
    pub suffix: String,
    /// The repository that Argo CD reads.
    pub git_url: String,
    /// The branch that is deployed.
    pub branch: String,
    /// The ingress class.
    pub ingress_class: String,
    /// Who installs the gateway.
    pub gateway: Gateway,
    /// The host that the gateway answers to.
    pub host: Option<HostName>,
    /// The Secret with which nodes pull images.
    pub pull_secret: Option<ServiceName>,
    /// The services, by name.
    pub services: Vec<ResolvedService>,
}

/// Who installs the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// The cluster has one.
    Existing,
    /// Argo CD installs Kong, reached by a port of the nodes.
    NodePort,
    /// Argo CD installs Kong, reached by a load balancer of the cluster.
    LoadBalancer,
}

impl ResolvedPlatform {
    /// Returns the namespace of the shop, which is also the name of its AppProject.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("{}{}", self.name, self.suffix)
    }

    /// Returns the name of the AppProject of what is installed beside the shop.
    #[must_use]
    pub fn addons_project(&self) -> String {
        format!("{}-addons", self.namespace())
    }

    /// Returns the name of the Application of a component.
    #[must_use]
    pub fn application(&self, component: &str) -> String {
        rules::application(&self.name, component, &self.suffix)
    }

    /// Returns the name of the root Application.
    #[must_use]
    pub fn root(&self) -> String {
        self.application("platform")
    }

    /// Returns the name of the Ingress.
    #[must_use]
    pub fn ingress(&self) -> String {
        format!("{}-ingress{}", self.name, self.suffix)
    }
}

/// A service in an environment.
#[derive(Clone, Debug)]
pub struct ResolvedService {
    /// Its name.
    pub name: ServiceName,
    /// What it runs.
    pub image: PinnedImage,
    /// The port of its API.
    pub port: Port,
    /// The path prefix on the gateway.
    pub path: Option<RoutePath>,
    /// How many replicas run; at least, when the load says it.
    pub replicas: u16,
    /// How the load says how many replicas run.
    pub autoscaling: Option<Autoscaling>,
    /// Where it keeps its data.
    pub store: ResolvedStore,
    /// The services that it calls.
    pub calls: Vec<ServiceName>,
    /// Further environment variables.
    pub env: BTreeMap<String, String>,
    /// What is set aside for it.
    pub requests: Amounts,
    /// What it gets at most.
    pub limits: Amounts,
}

/// How the load says how many replicas run.
#[derive(Clone, Debug)]
pub struct Autoscaling {
    /// How many run at most.
    pub max: u16,
    /// The use of CPU that is aimed at, in percent of what is requested.
    pub cpu: u8,
}

/// Where a service keeps its data.
#[derive(Clone, Debug)]
pub enum ResolvedStore {
    /// In a file on a volume.
    Embedded {
        /// How large the volume is.
        size: String,
    },
    /// It keeps none.
    None,
}

/// An amount of CPU and memory.
#[derive(Clone, Debug)]
pub struct Amounts {
    /// CPU, as Kubernetes writes it.
    pub cpu: String,
    /// Memory, as Kubernetes writes it.
    pub memory: String,
}

/// The environment that exists in memory only: `ecomctl up`.
pub const LOCAL: &str = "local";

const DEFAULT_PLATFORM: &str = "ecommerce";
const DEFAULT_ENVIRONMENT: &str = "minikube";
const DEFAULT_BRANCH: &str = "main";
const DEFAULT_CLASS: &str = "kong";
const DEFAULT_REPLICAS: u16 = 2;
/// Percent.
const DEFAULT_CPU_USE: u8 = 70;
const DEFAULT_STORAGE: &str = "1Gi";
const DEFAULT_REQUESTS: (&str, &str) = ("100m", "128Mi");
const DEFAULT_LIMITS: (&str, &str) = ("200m", "256Mi");

/// Why an environment cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The environment is not declared.
    #[error("there is no environment `{environment}`")]
    UnknownEnvironment {
        /// What was asked for.
        environment: EnvironmentName,
        /// What there is.
        declared: Vec<EnvironmentName>,
    },
    /// A service has neither an image in the lock nor a version to show instead.
    #[error("service `{service}` has no image in `ecomctl.lock`, and the version of its package is unknown")]
    NoVersion {
        /// Which service.
        service: ServiceName,
        /// Why it is unknown.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl PlatformSpec {
    /// Returns the name of the platform.
    #[must_use]
    pub fn platform_name(&self) -> PlatformName {
        self.name.clone().unwrap_or_else(|| constant(DEFAULT_PLATFORM))
    }

    /// Returns the declared environments; the first is the default one.
    #[must_use]
    pub fn environment_names(&self) -> Vec<EnvironmentName> {
        if self.environments.is_empty() {
            return vec![self.default_environment()];
        }
        self.environments.keys().cloned().collect()
    }

    /// Returns `environment` if it is declared. [`local`] is not, so it is never written to files.
    ///
    /// # Errors
    /// It is not.
    pub fn declared(&self, environment: EnvironmentName) -> Result<EnvironmentName, ResolveError> {
        let declared = self.environment_names();
        if declared.contains(&environment) {
            return Ok(environment);
        }
        Err(ResolveError::UnknownEnvironment { environment, declared })
    }

    /// Returns the environment that is meant when none is named: the first one declared.
    #[must_use]
    pub fn default_environment(&self) -> EnvironmentName {
        self.environments.keys().next().cloned().unwrap_or_else(|| constant(DEFAULT_ENVIRONMENT))
    }
}

impl PlatformSpec {
    /// Returns the branch that is deployed.
    #[must_use]
    pub fn branch(&self) -> &str {
        self.git.branch.as_deref().unwrap_or(DEFAULT_BRANCH)
    }

    /// Returns the ingress class.
    #[must_use]
    pub fn ingress_class(&self) -> &str {
        self.gateway.class.as_deref().unwrap_or(DEFAULT_CLASS)
    }

    /// Returns the environments whose images are those that were built last.
    #[must_use]
    pub fn following_builds(&self) -> Vec<EnvironmentName> {
        let first = self.default_environment();
        let follows = |environment: &EnvironmentName| {
            let overlay = self.environments.get(environment).and_then(Option::as_ref);
            match overlay.and_then(|overlay| overlay.images) {
                Some(images) => images == ImagesSpec::Build,
                None => *environment == first,
            }
        };
        self.environment_names().into_iter().filter(follows).collect()
    }
}

/// Returns a name that is written in this file.
fn constant<T: std::str::FromStr<Err: std::fmt::Debug>>(name: &str) -> T {
    name.parse().expect("a constant name is valid")
}

/// Returns the environment that exists in memory only.
#[must_use]
pub fn local() -> EnvironmentName {
    constant(LOCAL)
}

/// Returns the platform in `environment`, which is declared or [`local`]. The spec has passed [`rules::check`]. `version` tells the version of a
/// service's package; it is asked only for services without an image in the lock.
///
/// # Errors
/// A version is needed and unknown.
pub fn resolve<E>(
    spec: &PlatformSpec,
    environment: &EnvironmentName,
    lock: &ImageLock,
    mut version: impl FnMut(&ServiceName) -> Result<Tag, E>,
) -> Result<ResolvedPlatform, ResolveError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let none = EnvironmentSpec::default();
    let overlay = spec.environments.get(environment).and_then(Option::as_ref).unwrap_or(&none);
    let registry = spec.registry_of(environment).unwrap_or_else(Registry::loaded);
    let mut services = Vec::with_capacity(spec.services.len());
    for (name, service) in &spec.services {
        let image = match lock.image(environment, name) {
            Some(image) => image,
            None => PinnedImage::Unlocked {
                repository: registry.repository(name),
                tag: version(name).map_err(|error| ResolveError::NoVersion {
                    service: name.clone(),
                    source: error.into(),
                })?,
            },
        };
        services.push(resolve_service(name, &spec.service_in(environment, name, service), image));
    }
    services.sort_by(|a, b| a.name.cmp(&b.name));
    let name = spec.platform_name();
    Ok(ResolvedPlatform {
        git_url: spec.git.url.as_ref().map_or_else(|| in_cluster_git(&name), ToString::to_string),
        branch: spec.branch().to_owned(),
        ingress_class: spec.ingress_class().to_owned(),
        gateway: gateway(spec, environment),
        pull_secret: overlay.pull_secret.clone(),
        // On this machine it is reached as localhost.
        host: overlay
            .host
            .clone()
            .or_else(|| spec.gateway.host.clone())
            .filter(|_| environment.as_str() != LOCAL),
        suffix: rules::suffix(&spec.environment_names(), environment),
        environment: environment.clone(),
        name,
        services,
    })
}

/// Returns the name of the workload and the Service of the repository inside the cluster, in Argo CD's namespace.
#[must_use]
pub fn git_server(platform: &PlatformName) -> String {
    format!("ecomctl-git-{platform}")
}

/// The folder that it serves.
pub const GIT_FOLDER: &str = "/srv/git";

/// Returns the URL of the repository that is served inside the cluster, beside Argo CD.
#[must_use]
pub fn in_cluster_git(platform: &PlatformName) -> String {
    format!("git://{}.{}.svc/{platform}.git", git_server(platform), argocd::NAMESPACE)
}

fn gateway(spec: &PlatformSpec, environment: &EnvironmentName) -> Gateway {
    if !spec.gateway.managed.unwrap_or_else(|| spec.ingress_class() == DEFAULT_CLASS) {
        return Gateway::Existing;
    }
    // A laptop has no load balancer.
    let context = spec.context_of(environment).unwrap_or_default();
    let is_laptop = environment.as_str() == DEFAULT_ENVIRONMENT
        || ["kind-", "k3d-"].iter().any(|prefix| context.starts_with(prefix));
    match spec.gateway.service.unwrap_or(if is_laptop {
        ProxySpec::NodePort
    } else {
        ProxySpec::LoadBalancer
    }) {
        ProxySpec::NodePort => Gateway::NodePort,
        ProxySpec::LoadBalancer => Gateway::LoadBalancer,
    }
}

fn resolve_service(name: &ServiceName, spec: &ServiceSpec, image: PinnedImage) -> ResolvedService {
    let text =
        |quantity: Option<&Quantity>, default: &str| quantity.map_or(default, Quantity::as_str).to_owned();
    let amounts = |spec: &AmountsSpec, (cpu, memory)| Amounts {
        cpu: text(spec.cpu.as_ref(), cpu),
        memory: text(spec.memory.as_ref(), memory),
    };
    let store = spec.store.unwrap_or(StoreSpec::Embedded);
    ResolvedService {
        name: name.clone(),
        image,
        port: spec.port,
        path: spec.path.clone(),
        replicas: match &spec.autoscaling {
            Some(autoscaling) => autoscaling.min(),
            None => spec.replicas.unwrap_or_else(|| default_replicas(store)),
        },
        autoscaling: spec.autoscaling.as_ref().map(|autoscaling| Autoscaling {
            max: autoscaling.max,
            cpu: autoscaling.cpu.unwrap_or(DEFAULT_CPU_USE),
        }),
        store: match store {
            StoreSpec::Embedded => {
                ResolvedStore::Embedded { size: text(spec.storage.as_ref(), DEFAULT_STORAGE) }
            }
            StoreSpec::None => ResolvedStore::None,
        },
        calls: spec.calls.clone(),
        env: spec.env.iter().map(|(name, value)| (name.as_str().to_owned(), value.clone())).collect(),
        requests: amounts(&spec.resources.requests, DEFAULT_REQUESTS),
        limits: amounts(&spec.resources.limits, DEFAULT_LIMITS),
    }
}

fn default_replicas(store: StoreSpec) -> u16 {
    match store {
        StoreSpec::Embedded => 1,
        StoreSpec::None => DEFAULT_REPLICAS,
    }
}

impl AutoscalingSpec {
    /// Returns how many replicas run at least.
    #[must_use]
    pub fn min(&self) -> u16 {
        self.min.unwrap_or(DEFAULT_REPLICAS)
    }
}

/// Returns the default request and limit of CPU and memory, for the check that requests fit limits.
pub(super) fn default_amounts() -> [(&'static str, Quantity, Quantity); 2] {
    let quantity = |text: &str| Quantity::try_from(text.to_owned()).expect("a constant quantity is valid");
    [
        ("cpu", quantity(DEFAULT_REQUESTS.0), quantity(DEFAULT_LIMITS.0)),
        ("memory", quantity(DEFAULT_REQUESTS.1), quantity(DEFAULT_LIMITS.1)),
    ]
}
