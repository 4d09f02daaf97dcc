//! A Kubernetes cluster. The one place that knows the kube client.

mod access;
mod applications;
mod apply;
mod forward;
mod logs;
mod nodes;
mod pods;
mod remove;
mod watch;

use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client, Config};

use crate::adapters::files::variable;
use crate::adapters::http::innermost;
use crate::model::object::ObjectKey;

pub use access::Right;
pub use applications::application;
pub use apply::Difference;
pub use forward::{Forward, Target};
pub use kube::ResourceExt;
pub use kube::core::DynamicObject;
pub use logs::PodLog;
pub use nodes::{Capacity, Node};
pub use watch::{Watched, Workloads};

/// Longest time for an answer.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Longest time for the first answer.
const FIRST_TIMEOUT: Duration = Duration::from_secs(10);
/// How many requests are under way at once.
const AT_ONCE: usize = 8;

/// Why the cluster did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No configuration names one.
    #[error("no kubeconfig names a cluster: `{file}`: {reason}")]
    Config {
        /// What `KUBECONFIG` says, or its default.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The kubeconfig has no such context.
    #[error("the kubeconfig has no context `{name}`")]
    NoContext {
        /// What was asked for.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// It does not answer.
    #[error("the cluster at `{url}` does not answer: {reason}")]
    Unreachable {
        /// Where.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// It does not know who asks.
    #[error("the cluster at `{url}` does not accept your credentials: {reason}")]
    Unauthorized {
        /// Where.
        url: String,
        /// What it said.
        reason: String,
    },
    /// It refuses.
    #[error("the cluster refuses to {what}: {reason}")]
    Refused {
        /// What was asked.
        what: String,
        /// What it said.
        reason: String,
        /// The HTTP status.
        code: u16,
    },
    /// An object that is being deleted does not go.
    #[error("{0} is being deleted, and does not go")]
    Stays(String),
    /// A Service has no pod that is ready.
    #[error("service `{namespace}/{service}` has no pod that is ready")]
    NoPod {
        /// Where.
        namespace: String,
        /// Which.
        service: String,
    },
    /// A port of this machine cannot be listened on.
    #[error("failed to listen on port {port}")]
    Listen {
        /// Which.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// A program in a pod failed.
    #[error("failed to run `{command}` in pod `{pod}`: {reason}")]
    Exec {
        /// Where.
        pod: String,
        /// What.
        command: String,
        /// Why.
        reason: String,
    },
}

impl ClusterError {
    /// Returns whether the same may work a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::NoPod { .. } => true,
            Self::Refused { code, .. } => *code == 429 || *code >= 500,
            _ => false,
        }
    }
}

/// A cluster that has answered.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    /// The context of the kubeconfig that names it.
    pub context: String,
    /// Where it is.
    pub url: String,
    /// Its version, such as `v1.36.3`.
    pub version: String,
}

impl Cluster {
    /// Connects to the cluster of a context, or of the current one.
    ///
    /// # Errors
    /// There is none, or it does not answer.
    pub async fn connect(context: Option<&str>) -> Result<Self, ClusterError> {
        let kubeconfig = Kubeconfig::read().map_err(|error| no_config(chain(&error)));
        let (config, name) = match kubeconfig {
            Ok(kubeconfig) => Self::in_kubeconfig(kubeconfig, context).await?,
            // In a pod of the cluster.
            Err(error) if context.is_none() => {
                (Config::incluster().map_err(|_| error)?, "in-cluster".to_owned())
            }
            Err(error) => return Err(error),
        };
        let url = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let client = Client::try_from(config).map_err(|error| no_config(innermost(&error)))?;
        let unknown = Self { client, context: name, url, version: String::new() };
        let asked = unknown.client.apiserver_version();
        let answer = tokio::time::timeout(FIRST_TIMEOUT, asked).await;
        let answer = answer.map_err(|_| unknown.late(FIRST_TIMEOUT))?;
        let version = answer.map_err(|error| unknown.error("tell its version", error))?.git_version;
        Ok(Self { version, ..unknown })
    }

    async fn in_kubeconfig(
        kubeconfig: Kubeconfig,
        context: Option<&str>,
    ) -> Result<(Config, String), ClusterError> {
        let known: Vec<String> = kubeconfig.contexts.iter().map(|context| context.name.clone()).collect();
        let name = context.map(ToOwned::to_owned).or_else(|| kubeconfig.current_context.clone());
        let name = name.filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| no_config("it has no current context".to_owned()))?;
        if !known.contains(&name) {
            return Err(ClusterError::NoContext { name, known });
        }
        let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
        let mut config = config.map_err(|error| no_config(chain(&error)))?;
        config.connect_timeout = Some(FIRST_TIMEOUT);
        Ok((config, name))
    }

    /// Returns whether it is one of this machine: by its address, or by the name that the usual programs give it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        let host = url::Url::parse(&self.url).ok();
        let is_loopback = host.as_ref().and_then(url::Url::host).is_some_and(|host| match host {
            url::Host::Ipv4(address) => address.is_loopback(),
            url::Host::Ipv6(address) => address.is_loopback(),
            url::Host::Domain(name) => name == "localhost",
        });
        let names = ["minikube", "docker-desktop", "rancher-desktop", "colima", "orbstack"];
        is_loopback
            || names.contains(&self.context.as_str())
            || ["kind-", "k3d-"].iter().any(|prefix| self.context.starts_with(prefix))
    }

    /// Returns the object of a key, if there is one.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn get(&self, key: &ObjectKey) -> Result<Option<DynamicObject>, ClusterError> {
        let api = self.api_of(key);
        match self.ask(&format!("tell of {key}"), api.get_opt(&key.name)).await {
            // The kind is not known.
            Err(ClusterError::Refused { code: 404, .. }) => Ok(None),
            found => found,
        }
    }

    fn api_of(&self, key: &ObjectKey) -> Api<DynamicObject> {
        let resource = resource(&key.group, &key.version, &key.kind);
        match &key.namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        }
    }

    /// Returns what a request gets, in time.
    async fn ask<T>(
        &self,
        what: &str,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, ClusterError> {
        let answered = tokio::time::timeout(TIMEOUT, request).await.map_err(|_| self.late(TIMEOUT))?;
        answered.map_err(|error| self.error(what, error))
    }

    fn late(&self, limit: Duration) -> ClusterError {
        let reason = format!("no answer within {} s", limit.as_secs());
        ClusterError::Unreachable { url: self.url.clone(), reason }
    }

    fn error(&self, what: &str, error: kube::Error) -> ClusterError {
        match error {
            kube::Error::Api(status) if status.code == 401 => {
                ClusterError::Unauthorized { url: self.url.clone(), reason: status.message.clone() }
            }
            kube::Error::Api(status) => ClusterError::Refused {
                what: what.to_owned(),
                reason: if status.message.is_empty() {
                    status.reason.clone()
                } else {
                    status.message.clone()
                },
                code: status.code,
            },
            kube::Error::Auth(error) => {
                ClusterError::Unauthorized { url: self.url.clone(), reason: chain(&error) }
            }
            error => ClusterError::Unreachable { url: self.url.clone(), reason: innermost(&error) },
        }
    }
}

fn no_config(reason: String) -> ClusterError {
    let file = variable("KUBECONFIG").unwrap_or_else(|| "~/.kube/config".to_owned());
    ClusterError::Config { file, reason }
}

fn resource(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
