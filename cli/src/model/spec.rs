//! `ecomctl.yaml` as it is written: every field that may be left out is an `Option`. Its JSON Schema is made from
//! these types, so their comments are what an editor shows.

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::git_url::GitUrl;
use super::image::Registry;
use super::name::{EnvironmentName, PlatformName, ServiceName, VariableName};
use super::network::{HostName, Port, RoutePath};
use super::quantity::Quantity;
use super::scalar::NewKey;

/// The platform that ecomctl builds, deploys and verifies.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "ecomctl.yaml")]
pub struct PlatformSpec {
    /// The name of the platform and of its namespace. Default: `ecommerce`.
    pub name: Option<PlatformName>,
    /// Where images are pushed to. Without it they are loaded into the node of a local cluster.
    pub registry: Option<Registry>,
    /// The repository that Argo CD reads.
    #[serde(default)]
    pub git: GitSpec,
    /// How requests get in.
    #[serde(default)]
    pub gateway: GatewaySpec,
    /// The services, each with a folder of its name under `services/`.
    #[serde(deserialize_with = "unique")]
    pub services: IndexMap<ServiceName, ServiceSpec>,
    /// Where the platform runs; the first is the default. Default: `minikube`.
    #[serde(default, deserialize_with = "unique")]
    pub environments: IndexMap<EnvironmentName, Option<EnvironmentSpec>>,
}

/// The repository that Argo CD reads.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GitSpec {
    /// Its URL. Without it, Argo CD reads a repository inside the cluster.
    pub url: Option<GitUrl>,
    /// The branch that is deployed. Default: `main`.
    pub branch: Option<String>,
}

/// How requests get in.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewaySpec {
    /// The ingress class. Default: `kong`.
    pub class: Option<String>,
    /// The host name that is answered to. Default: any.
    pub host: Option<HostName>,
    /// Whether Argo CD installs the gateway: Kong. `false` uses an ingress class that the cluster has. Default: `true` for the
    /// class `kong`.
    pub managed: Option<bool>,
    /// How a gateway that Argo CD installs is reached. Default: `NodePort` in the environment `minikube` and for a
    /// context of kind or k3d, else `LoadBalancer`.
    pub service: Option<ProxySpec>,
}

/// How a gateway is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ProxySpec {
    /// By a port of the nodes: kind, k3d, minikube.
    NodePort,
    /// By a load balancer of the cluster.
    LoadBalancer,
}

/// A service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSpec {
    /// The port of its API. The process, the container, the probes, the Service and the Ingress follow it; the admin
    /// listener (`/livez`, `/readyz`, `/metrics`) is at this port plus 1000.
    pub port: Port,
    /// The path prefix that the gateway routes to it, as it is. Without it the service is internal.
    pub path: Option<RoutePath>,
    /// How many replicas run. Default: 2, or 1 with an embedded store.
    pub replicas: Option<u16>,
    /// Lets the load say how many replicas run, in place of `replicas`. The cluster needs the metrics-server.
    pub autoscaling: Option<AutoscalingSpec>,
    /// Where it keeps its data. Default: `embedded`.
    pub store: Option<StoreSpec>,
    /// How large the volume of an embedded store is. Default: `1Gi`.
    pub storage: Option<Quantity>,
    /// The services that it calls. It finds `product-service` in `PRODUCT_SERVICE_URL`.
    #[serde(default)]
    pub calls: Vec<ServiceName>,
    /// Further environment variables of its process.
    #[serde(default, deserialize_with = "unique")]
    #[schemars(with = "IndexMap<VariableName, Scalar>")]
    pub env: IndexMap<VariableName, String>,
    /// What it gets of a node.
    #[serde(default)]
    pub resources: ResourcesSpec,
}

/// A value that is taken as it is written, with quotes or without.
#[derive(JsonSchema)]
#[schemars(extend("type" = ["string", "number", "boolean"]))]
struct Scalar;

/// Where a service keeps its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StoreSpec {
    /// In a file of its own: on a cluster a volume and one replica.
    Embedded,
    /// It keeps none.
    None,
}

/// What a service gets of a node.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourcesSpec {
    /// What is set aside for it. Default: `100m` and `128Mi`.
    #[serde(default)]
    pub requests: AmountsSpec,
    /// What it gets at most. Default: `200m` and `256Mi`.
    #[serde(default)]
    pub limits: AmountsSpec,
}

/// How many replicas run, by their load.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutoscalingSpec {
    /// How many run at least. Default: 2.
    pub min: Option<u16>,
    /// How many run at most.
    pub max: u16,
    /// The use of CPU that is aimed at, in percent of what is requested. Default: 70.
    pub cpu: Option<u8>,
}

/// An amount of CPU and memory.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AmountsSpec {
    /// CPU, such as `100m` or `0.5`.
    pub cpu: Option<Quantity>,
    /// Memory, such as `128Mi`.
    pub memory: Option<Quantity>,
}

/// What differs in an environment.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Where its images are pushed to. Default: that of the platform.
    pub registry: Option<Registry>,
    /// The host name that its gateway answers to. Default: that of the platform.
    pub host: Option<HostName>,
    /// The kubeconfig's context of its cluster. Default: that of minikube in the environment `minikube`, else the current one.
    pub context: Option<String>,
    /// The Secret with which nodes pull its images from a private registry. `ecomctl bootstrap` makes it of
    /// `ECOMCTL_PULL_USERNAME` and `ECOMCTL_PULL_PASSWORD` if it is not there.
    #[serde(rename = "pullSecret")]
    pub pull_secret: Option<ServiceName>,
    /// What differs in services, by name.
    #[serde(default, deserialize_with = "unique")]
    pub services: IndexMap<ServiceName, ServiceOverlay>,
    /// Where its images come from. Default: `build` in the first environment, `promote` in the others.
    pub images: Option<ImagesSpec>,
}

/// What differs in a service. What is left out is as the service says.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceOverlay {
    /// How many replicas run, in place of `replicas` or `autoscaling` of the service.
    pub replicas: Option<u16>,
    /// Lets the load say how many replicas run, in place of `replicas` or `autoscaling` of the service.
    pub autoscaling: Option<AutoscalingSpec>,
    /// How large the volume of an embedded store is.
    pub storage: Option<Quantity>,
    /// Environment variables, added to those of the service or in place of those of the same name.
    #[serde(default, deserialize_with = "unique")]
    #[schemars(with = "IndexMap<VariableName, Scalar>")]
    pub env: IndexMap<VariableName, String>,
    /// What it gets of a node: each amount that stands here.
    #[serde(default)]
    pub resources: ResourcesSpec,
}

/// Where the images of an environment come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImagesSpec {
    /// It follows builds: `ecomctl push` pins what was built.
    Build,
    /// It gets what another environment has.
    Promote,
}

/// Reads a map and refuses a key that stands twice, which YAML libraries let pass.
fn unique<'de, D, K, V>(deserializer: D) -> Result<IndexMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: TryFrom<String, Error: fmt::Display> + Hash + Eq,
    V: Deserialize<'de>,
{
    struct Unique<K, V>(PhantomData<(K, V)>);

    impl<'de, K, V> Visitor<'de> for Unique<K, V>
    where
        K: TryFrom<String, Error: fmt::Display> + Hash + Eq,
        V: Deserialize<'de>,
    {
        type Value = IndexMap<K, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = IndexMap::new();
            while let Some(key) = access.next_key_seed(NewKey(&map))? {
                let value = access.next_value()?;
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(Unique(PhantomData))
}
