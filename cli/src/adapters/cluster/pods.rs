//! Pods, what is said of them, and programs in them.

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{AttachParams, ListParams, LogParams};
use kube::{Api, ResourceExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::{Cluster, ClusterError};

impl Cluster {
    /// Returns the pods of a namespace that `labels` selects.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn pods(&self, namespace: &str, labels: &str) -> Result<Vec<Pod>, ClusterError> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let listed = self.ask("list pods", api.list(&ListParams::default().labels(labels))).await?;
        Ok(listed.items)
    }

    /// Returns what was said last of an object by warnings, the newest first.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn warnings(&self, namespace: &str, name: &str) -> Result<Vec<String>, ClusterError> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let selector = ListParams::default().fields(&format!("involvedObject.name={name},type=Warning"));
        let mut events = self.ask("list events", api.list(&selector)).await?.items;
        let at = |event: &Event| {
            let last = event.last_timestamp.as_ref().map(|time| time.0);
            last.or_else(|| event.metadata.creation_timestamp.as_ref().map(|time| time.0))
        };
        events.sort_by_key(|event| std::cmp::Reverse(at(event)));
        Ok(events.into_iter().filter_map(|event| event.message).collect())
    }

    /// Returns the last lines that a container has logged; of the one before it, if it has been started again.
    ///
    /// # Errors
    /// The cluster fails.
    pub async fn last_lines(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        lines: i64,
    ) -> Result<Vec<String>, ClusterError> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let parameters = |previous| LogParams {
            container: Some(container.to_owned()),
            tail_lines: Some(lines),
            previous,
            ..LogParams::default()
        };
        let what = format!("read the log of pod `{pod}`");
        let mut text = String::new();
        for previous in [true, false] {
            if text.trim().is_empty() {
                text = self.ask(&what, api.logs(pod, &parameters(previous))).await.unwrap_or_default();
            }
        }
        Ok(text.lines().map(ToOwned::to_owned).collect())
    }

    /// Runs a program in a pod of a workload, with these as its standard input and output, and returns once it has ended.
    ///
    /// # Errors
    /// There is no such pod, or the program fails.
    pub async fn exec(
        &self,
        namespace: &str,
        labels: &str,
        command: &[&str],
        mut input: impl AsyncRead + Unpin,
        mut output: impl AsyncWrite + Unpin,
    ) -> Result<(), ClusterError> {
        let pods = self.pods(namespace, labels).await?;
        let ready = pods.iter().find(|pod| is_ready(pod));
        let no_pod = || ClusterError::NoPod { namespace: namespace.to_owned(), service: labels.to_owned() };
        let pod = ready.ok_or_else(no_pod)?.name_any();
        let api: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let parameters = AttachParams::default().stdin(true).stdout(true).stderr(true);
        let mut process =
            self.ask("run a program in a pod", api.exec(&pod, command.iter().copied(), &parameters)).await?;
        let failed =
            |reason: String| ClusterError::Exec { pod: pod.clone(), command: command.join(" "), reason };
        let (stdin, stdout, stderr) = (process.stdin(), process.stdout(), process.stderr());
        let status = process.take_status();
        let (Some(mut stdin), Some(mut stdout), Some(mut stderr), Some(status)) =
            (stdin, stdout, stderr, status)
        else {
            return Err(failed("it has no standard input or output".to_owned()));
        };
        let mut said = String::new();
        let feed = async {
            let copied = tokio::io::copy(&mut input, &mut stdin).await;
            drop(stdin);
            if copied.is_err() { Err(()) } else { std::future::pending::<Result<(), ()>>().await }
        };
        let read = async {
            let copied = tokio::io::copy(&mut stdout, &mut output);
            let (copied, _) = tokio::join!(copied, stderr.read_to_string(&mut said));
            copied.map(drop).map_err(|error| error.to_string())
        };
        // The program decides when it ends; its input may stay open.
        let copied = tokio::select! {
            copied = read => copied,
            Err(()) = feed => Ok(()),
        };
        copied.map_err(failed)?;
        match status.await {
            Some(status) if status.status.as_deref() == Some("Success") => Ok(()),
            status => {
                let reason = status.and_then(|status| status.message).unwrap_or_default();
                let said = said.trim();
                Err(failed(if said.is_empty() { reason } else { said.to_owned() }))
            }
        }
    }
}

/// Returns whether a pod answers.
pub(super) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready =
        conditions.into_iter().flatten().any(|found| found.type_ == "Ready" && found.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}
