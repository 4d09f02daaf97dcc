//! A Kubernetes cluster. The one place that knows the kube client.

use std::time::Duration;

use kube::{Client, Config};

/// Longest time for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why there is no cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No configuration names one.
    #[error("no kubeconfig names a cluster")]
    Config(Box<kube::config::InferConfigError>),
    /// It does not answer as it should.
    #[error("the cluster at `{url}` does not answer")]
    Unreachable {
        /// Where.
        url: String,
        /// What went wrong.
        source: Box<kube::Error>,
    },
    /// It does not answer in time.
    #[error("the cluster at `{0}` does not answer in time")]
    TimedOut(String),
}

/// What a cluster says of itself.
#[derive(Clone, Debug)]
pub struct ClusterVersion {
    /// Where it is.
    pub url: String,
    /// Its version, such as `v1.36.3`.
    pub version: String,
}

/// Returns the version of the cluster that the kubeconfig's current context names.
///
/// # Errors
/// There is none, or it does not answer.
pub async fn version() -> Result<ClusterVersion, ClusterError> {
    let config = Config::infer().await.map_err(|error| ClusterError::Config(Box::new(error)))?;
    let url = config.cluster_url.to_string();
    let asked = async {
        let client = Client::try_from(config)?;
        client.apiserver_version().await
    };
    let answer =
        tokio::time::timeout(TIMEOUT, asked).await.map_err(|_| ClusterError::TimedOut(url.clone()))?;
    let unreachable = |source| ClusterError::Unreachable { url: url.clone(), source: Box::new(source) };
    let version = answer.map_err(unreachable)?.git_version;
    Ok(ClusterVersion { url, version })
}
