//! What pods log, from several of them at once.

use futures_util::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, ResourceExt};
use tokio::sync::mpsc::Sender;

use super::{Cluster, ClusterError, Watched};
use crate::model::labels;

/// A line of a pod's log.
#[derive(Clone, Debug)]
pub struct PodLog {
    /// The value of the label that names the service.
    pub service: String,
    /// The pod.
    pub pod: String,
    /// The line.
    pub line: String,
}

impl Cluster {
    /// Sends the last `tail` lines of each pod that `labels` selects, or all of them.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn logs(
        &self,
        namespace: &str,
        labels: &str,
        tail: Option<i64>,
        lines: &Sender<PodLog>,
    ) -> Result<usize, ClusterError> {
        let mut pods = self.pods(namespace, labels).await?;
        pods.sort_by_key(|pod| (service(pod), pod.name_any()));
        for pod in &pods {
            // A pod that has not started has no log yet.
            let _ = self
                .log(namespace, pod, &LogParams { tail_lines: tail, ..LogParams::default() }, lines)
                .await;
        }
        Ok(pods.len())
    }

    /// Sends what pods that `labels` selects log, those that come later too, until `lines` is closed.
    ///
    /// # Errors
    /// The cluster is away for too long.
    pub async fn follow_logs(
        &self,
        namespace: &str,
        labels: &str,
        tail: Option<i64>,
        lines: &Sender<PodLog>,
    ) -> Result<(), ClusterError> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let mut watched = Watched::of(self, api, "", labels);
        let mut followed = std::collections::BTreeSet::new();
        let mut is_first = true;
        while !lines.is_closed() {
            watched.changed().await?;
            for (name, pod) in watched.objects() {
                let restarts = started(pod);
                if restarts.is_none() || !followed.insert((name.clone(), restarts)) {
                    continue;
                }
                let parameters =
                    LogParams { follow: true, tail_lines: tail.filter(|_| is_first), ..LogParams::default() };
                let (cluster, namespace, pod, lines) =
                    (self.clone(), namespace.to_owned(), pod.clone(), lines.clone());
                tokio::spawn(async move { cluster.log(&namespace, &pod, &parameters, &lines).await });
            }
            is_first = false;
        }
        Ok(())
    }

    async fn log(
        &self,
        namespace: &str,
        pod: &Pod,
        parameters: &LogParams,
        lines: &Sender<PodLog>,
    ) -> Result<(), ClusterError> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let name = pod.name_any();
        let what = format!("read the log of pod `{name}`");
        let mut stream = self.ask(&what, api.log_stream(&name, parameters)).await?.lines();
        let service = service(pod);
        while let Ok(Some(line)) = stream.try_next().await {
            let line = PodLog { service: service.clone(), pod: name.clone(), line };
            if lines.send(line).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

fn service(pod: &Pod) -> String {
    pod.labels().get(labels::NAME).cloned().unwrap_or_else(|| pod.name_any())
}

/// Returns how often the pod's first container was started again; nothing when it has not started.
fn started(pod: &Pod) -> Option<i32> {
    let status = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    status.state.as_ref()?.running.as_ref().map(|_| status.restart_count)
}
