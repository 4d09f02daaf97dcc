//! Whether what Argo CD syncs is there and works, and what keeps it from that.

use std::time::Duration;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};

use crate::model::sync::{LiveApplication, OperationState};

/// How something stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should.
    Ready,
    /// It will be, as far as can be known.
    Waiting(String),
    /// It should pass within moments, or is wrong.
    Suspect(String),
    /// It will not be without somebody doing something.
    Failed(String),
}

impl Verdict {
    /// Returns why it is not ready.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Ready => None,
            Self::Waiting(reason) | Self::Suspect(reason) | Self::Failed(reason) => Some(reason),
        }
    }

    /// Returns how long it may be so.
    #[must_use]
    pub fn patience(&self) -> Duration {
        match self {
            Self::Ready | Self::Waiting(_) => Duration::MAX,
            Self::Suspect(reason) if says(reason, &STARTING) => Duration::from_mins(1),
            // A volume is made, or a node is added.
            Self::Suspect(reason) if says(reason, &["nodes are available"]) => Duration::from_mins(1),
            Self::Suspect(_) => Duration::from_secs(20),
            // Argo CD may have said it of an earlier commit, and is asked to look again.
            Self::Failed(_) => Duration::from_secs(5),
        }
    }
}

/// What a repository or an API server says that no waiting will change.
const FINAL: [&str; 18] = [
    "access denied",
    "authentication required",
    "authentication failed",
    "authorization failed",
    "cannot unmarshal",
    "error unmarshaling",
    "failed to create typed patch object",
    "failed to unmarshal manifest",
    "field not declared in schema",
    "invalid username or password",
    "is forbidden",
    "is invalid",
    "is not permitted in project",
    "not exported",
    "permission denied",
    "repository not found",
    "unable to authenticate",
    "violates podsecurity",
];

/// What is said of a namespace that was deleted a moment ago.
const LEAVING: &str = "is being terminated";

/// What is said while Argo CD's own parts start.
const STARTING: [&str; 6] = [
    "connection refused",
    "error dialing",
    "error while dialing",
    "code = unavailable",
    "which does not exist",
    "argocd-redis",
];

fn says(text: &str, words: &[&str]) -> bool {
    let lower = text.to_lowercase();
    words.iter().any(|word| lower.contains(word))
}

fn verdict_of(message: &str) -> Verdict {
    let text = message.trim().to_owned();
    if says(message, &[LEAVING]) {
        return Verdict::Waiting(text);
    }
    if says(message, &FINAL) { Verdict::Failed(text) } else { Verdict::Suspect(text) }
}

/// Returns how an Application stands. It `is_current` when its revision is the wanted one, or follows it.
#[must_use]
pub fn application(live: Option<&LiveApplication>, is_current: impl Fn(&str) -> bool) -> Verdict {
    let Some(live) = live else { return Verdict::Waiting("it is not there yet".to_owned()) };
    let status = &live.status;
    if live.is_deleting {
        return Verdict::Waiting("it is being deleted".to_owned());
    }
    if let Some(condition) = status.conditions.iter().find(|condition| condition.is_error()) {
        return verdict_of(&condition.message);
    }
    let revision = status.sync.revision.as_str();
    if !is_current(revision) {
        let short = revision.get(..10).unwrap_or(revision);
        return Verdict::Waiting(format!("it is at {}", if short.is_empty() { "no commit" } else { short }));
    }
    if let Some(failed) = status.operation_state.as_ref().and_then(|state| failure(state, revision)) {
        return failed;
    }
    match (status.sync.status.as_str(), status.health.status.as_str()) {
        ("Synced", "Healthy") => match &status.operation_state {
            Some(state) if state.phase == "Running" => Verdict::Waiting("it is being synced".to_owned()),
            _ => Verdict::Ready,
        },
        ("Synced", health) => {
            let health = if health.is_empty() { "of unknown health" } else { health };
            let unhealthy = status.resources.iter().find_map(|resource| {
                let health = resource.health.as_ref().filter(|health| health.status != "Healthy")?;
                let message = if health.message.is_empty() { &health.status } else { &health.message };
                Some(format!("{}: {message}", resource.key()))
            });
            Verdict::Waiting(unhealthy.unwrap_or_else(|| format!("it is {health}")))
        }
        (sync, _) => {
            Verdict::Waiting(format!("it is {}", if sync.is_empty() { "not compared yet" } else { sync }))
        }
    }
}

/// What keeps a sync from its end, when it has failed or is tried again.
fn failure(state: &OperationState, revision: &str) -> Option<Verdict> {
    let result = state.sync_result.as_ref()?;
    // Of an earlier commit.
    if result.revision != revision || state.phase == "Succeeded" {
        return None;
    }
    let failed = result.resources.iter().find(|resource| resource.status == "SyncFailed");
    if let Some(resource) = failed {
        let text = format!("{} `{}`: {}", resource.kind.to_lowercase(), resource.name, resource.message);
        return Some(verdict_of(&text));
    }
    matches!(state.phase.as_str(), "Failed" | "Error").then(|| verdict_of(&state.message))
}

/// What is wrong with a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The pod.
    pub pod: String,
    /// The container, when it is one's.
    pub container: Option<String>,
    /// How the pod stands.
    pub verdict: Verdict,
}

/// Reasons of a container that no waiting will change.
const STUCK: [&str; 6] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
];

/// What is said of an image that may be pulled at the next try.
const PULLED_LATER: [&str; 9] =
    ["429 ", "500 ", "502 ", "503 ", "504 ", "deadline exceeded", ": eof", "timeout", "toomanyrequests"];

/// How much is waited out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// What a pod says of itself is so.
    None,
    /// Its parts start at once, and each may end or lack a Secret until another one has made it.
    StartUp,
}

impl Patience {
    /// How often a container may be started again.
    fn restarts(self) -> i32 {
        match self {
            Self::None => 1,
            Self::StartUp => 5,
        }
    }

    fn is_stuck(self, reason: &str) -> bool {
        STUCK.contains(&reason) && !(self == Self::StartUp && reason == "CreateContainerConfigError")
    }
}

/// Returns what keeps a pod from being ready, if something does.
#[must_use]
pub fn trouble(pod: &Pod, patience: Patience) -> Option<Trouble> {
    let name = pod.metadata.name.clone().unwrap_or_default();
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let status = pod.status.as_ref()?;
    let statuses = status.init_container_statuses.iter().chain(&status.container_statuses).flatten();
    let mut found = None;
    for container in statuses {
        if let Some(verdict) = container_verdict(container, patience) {
            let is_final = matches!(verdict, Verdict::Failed(_));
            found = Some(Trouble { pod: name.clone(), container: Some(container.name.clone()), verdict });
            if is_final {
                return found;
            }
        }
    }
    let conditions = status.conditions.iter().flatten();
    let unscheduled =
        conditions.filter(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    let reason =
        |message: String| Trouble { pod: name.clone(), container: None, verdict: Verdict::Suspect(message) };
    unscheduled.map(|condition| reason(condition.message.clone().unwrap_or_default())).next().or(found)
}

fn container_verdict(container: &ContainerStatus, patience: Patience) -> Option<Verdict> {
    let state = container.state.as_ref()?;
    if let Some(waiting) = &state.waiting {
        let reason = waiting.reason.clone().unwrap_or_default();
        let message = waiting.message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        let text = format!("{reason}{message}");
        let crashes = reason == "CrashLoopBackOff" && container.restart_count >= patience.restarts();
        let may_be_pulled = reason == "ImagePullBackOff" && says(&message, &PULLED_LATER);
        return Some(if may_be_pulled {
            Verdict::Suspect(text)
        } else if patience.is_stuck(&reason) || crashes {
            Verdict::Failed(text)
        } else {
            Verdict::Waiting(text)
        });
    }
    if let Some(ended) = &state.terminated {
        let is_done = ended.exit_code == 0;
        return (!is_done).then(|| Verdict::Waiting(format!("it ended with exit code {}", ended.exit_code)));
    }
    (!container.ready && state.running.is_some()).then(|| Verdict::Waiting("it is not ready".to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn live(status: Value) -> LiveApplication {
        LiveApplication {
            name: "a".to_owned(),
            project: String::new(),
            repo_url: String::new(),
            is_made: true,
            is_deleting: false,
            is_approved: false,
            is_refreshing: false,
            status: serde_json::from_value(status).unwrap(),
        }
    }

    fn judged(status: Value) -> Verdict {
        application(Some(&live(status)), |revision| revision == "new")
    }

    #[test]
    fn an_application_is_ready_when_synced_healthy_and_at_the_commit() {
        let at = |revision: &str| json!({"sync": {"status": "Synced", "revision": revision}, "health": {"status": "Healthy"}});
        assert_eq!(judged(at("new")), Verdict::Ready);
        assert!(matches!(judged(at("old")), Verdict::Waiting(_)));
        assert!(matches!(application(None, |_| true), Verdict::Waiting(_)));
    }

    #[test]
    fn a_namespace_that_goes_is_waited_out() {
        let said = "namespaces \"x\" is forbidden: unable to create new content in namespace x because it is being terminated";
        assert!(matches!(verdict_of(said), Verdict::Waiting(_)));
        assert!(matches!(verdict_of("deployments.apps is forbidden: User may not"), Verdict::Failed(_)));
    }

    #[test]
    fn start_up_is_waited_out_and_missing_rights_are_not() {
        let condition =
            |message: &str| judged(json!({"conditions": [{"type": "ComparisonError", "message": message}]}));
        let refused = "rpc error: code = Unavailable desc = connection error: dial tcp: connection refused";
        assert!(condition(refused).patience() > condition("something else").patience());
        let rights = "failed to list refs: authentication required: Unauthorized";
        assert_eq!(condition(rights), Verdict::Failed(rights.to_owned()));
        assert!(matches!(condition("something else"), Verdict::Suspect(_)));
    }

    #[test]
    fn a_manifest_that_is_refused_has_failed_although_the_sync_is_tried_again() {
        let state = |revision: &str| {
            json!({
                "sync": {"status": "OutOfSync", "revision": "new"},
                "operationState": {"phase": "Running", "syncResult": {"revision": revision, "resources": [
                    {"kind": "Service", "name": "x", "status": "SyncFailed", "message": "Service \"x\" is invalid: spec.ports"},
                ]}},
            })
        };
        assert!(matches!(judged(state("new")), Verdict::Failed(_)));
        assert!(matches!(judged(state("old")), Verdict::Waiting(_)));
    }

    fn pod(state: &Value, restarts: i32) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "p"},
            "status": {"containerStatuses": [{
                "name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": restarts, "state": state,
            }]},
        }))
        .unwrap()
    }

    #[test]
    fn an_image_that_cannot_be_pulled_fails_and_a_first_crash_may_not() {
        let waiting = |reason: &str| json!({"waiting": {"reason": reason, "message": "why"}});
        let verdict =
            |reason: &str, count, patience| trouble(&pod(&waiting(reason), count), patience).unwrap().verdict;
        assert_eq!(
            verdict("ImagePullBackOff", 0, Patience::StartUp),
            Verdict::Failed("ImagePullBackOff: why".to_owned())
        );
        let later = trouble(
            &pod(
                &json!({"waiting": {"reason": "ImagePullBackOff", "message": "503 Service Unavailable"}}),
                0,
            ),
            Patience::None,
        );
        assert!(matches!(later.unwrap().verdict, Verdict::Suspect(_)));
        assert!(matches!(verdict("ContainerCreating", 0, Patience::None), Verdict::Waiting(_)));
        assert!(matches!(verdict("CrashLoopBackOff", 1, Patience::StartUp), Verdict::Waiting(_)));
        assert!(matches!(verdict("CrashLoopBackOff", 1, Patience::None), Verdict::Failed(_)));
    }
}
