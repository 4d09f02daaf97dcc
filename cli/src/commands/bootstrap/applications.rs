//! What Argo CD is told, and whether it has done it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use super::Observed;
use super::site::{Endpoint, Site};
use super::waiting::{self, Since};
use crate::adapters::cluster::{Cluster, application};
use crate::adapters::git::{Branch, CommitId, Remote};
use crate::error::Failure;
use crate::model::argocd::Application;
use crate::model::labels;
use crate::model::manifests::{Manifests, Object};
use crate::model::object::AnyObject;
use crate::model::resolve::Gateway;
use crate::model::sync::{Condition, DELETION_APPROVED, LiveApplication};
use crate::plan::sync::{self, Patience, Verdict};
use crate::printer::Task;
use crate::render;

/// Pause before Argo CD is asked again to look at the repository.
const ASK_AGAIN: Duration = Duration::from_secs(3);

pub(super) async fn observe(site: &mut Site) -> Result<Observed> {
    let manifests = render::manifests(&site.platform()?);
    let (Some(cluster), Some(commit)) = (&site.cluster, site.commit) else {
        return Ok(Observed::differs([format!("deploy {} Applications", expected(&manifests).len())]));
    };
    let differences = cluster.differences(&entry(&manifests)?).await?;
    let mut told: Vec<String> = differences.iter().map(ToString::to_string).collect();
    let live = cluster.applications().await?;
    let revisions = Revisions::new(site, commit)?;
    for (name, version) in expected(&manifests) {
        let found = live.iter().find(|application| application.name == name);
        let verdict = sync::application(found, |revision| revisions.is_current(revision, version.as_deref()));
        told.extend(verdict.reason().map(|reason| format!("sync {name}: {reason}")));
    }
    if told.is_empty() {
        return Ok(Observed::same(format!("{} are synced and healthy", expected(&manifests).len())));
    }
    Ok(Observed::differs(told))
}

pub(super) async fn act(site: &mut Site, task: &Task) -> Result<String> {
    let manifests = render::manifests(&site.platform()?);
    let commit = site.commit.context("no commit is deployed")?;
    let cluster = site.cluster()?;
    task.step("telling Argo CD ...");
    cluster.apply(&cluster.differences(&entry(&manifests)?).await?).await?;
    let expected = expected(&manifests);
    let count = expected.len();
    let images = manifests.objects().filter_map(image).collect();
    // A `destroy` that did not end has confirmed deletions that nobody wants any more.
    for live in cluster
        .applications()
        .await?
        .iter()
        .filter(|live| live.is_approved && expected.contains_key(&live.name))
    {
        let kept = json!({"metadata": {"annotations": {DELETION_APPROVED: null}}});
        cluster.merge_if_there(&application(&live.name), &kept).await?;
    }
    let platform = site.platform()?;
    let mut namespaces = vec![platform.namespace()];
    if platform.gateway != Gateway::Existing {
        namespaces.push(render::GATEWAY_NAMESPACE.to_owned());
    }
    let mut wait = Wait {
        cluster,
        namespaces,
        expected,
        images,
        revisions: Revisions::new(site, commit)?,
        asked: BTreeMap::new(),
        since: Since::default(),
        is_first: true,
    };
    wait.until_settled(site.settings.timeout, task).await?;
    Ok(format!("{count} are synced and healthy"))
}

fn entry(manifests: &Manifests) -> Result<Vec<AnyObject>> {
    Ok(manifests.entry.iter().map(AnyObject::of).collect::<Result<_, _>>()?)
}

/// Returns the names of the Applications, each with the version of its chart if it is one.
fn expected(manifests: &Manifests) -> BTreeMap<String, Option<String>> {
    let version = |application: &Application| {
        let source = &application.spec.source;
        source.chart.as_ref().map(|_| source.target_revision.clone())
    };
    let objects = manifests.entry.iter().chain(manifests.objects());
    let applications = objects.filter_map(|object| match object {
        Object::Application(application) => Some((object.name().to_owned(), version(application))),
        _ => None,
    });
    applications.collect()
}

fn image(object: &Object) -> Option<String> {
    let Object::Deployment(deployment) = object else { return None };
    deployment.spec.as_ref()?.template.spec.as_ref()?.containers.first()?.image.clone()
}

/// Which revisions are those that were to be deployed, or follow them.
struct Revisions {
    branch: Branch,
    remote: Option<Remote>,
    commit: CommitId,
    /// When the remote was asked last.
    fetched: Option<Instant>,
}

impl Revisions {
    fn new(site: &Site, commit: CommitId) -> Result<Self> {
        let branch = site.branch()?;
        let remote = if site.endpoint == Endpoint::InCluster { None } else { site.remote(&branch).ok() };
        Ok(Self { branch, remote, commit, fetched: None })
    }

    fn is_current(&self, revision: &str, version: Option<&str>) -> bool {
        if let Some(version) = version {
            return revision == version;
        }
        CommitId::from_str(revision).is_ok_and(|revision| self.branch.follows(revision, self.commit))
    }

    /// Fetches what somebody else has pushed meanwhile.
    fn learn(&mut self, revision: &str) {
        let is_unknown = CommitId::from_str(revision).is_ok_and(|revision| !self.branch.knows(revision));
        let is_due = self.fetched.is_none_or(|fetched| fetched.elapsed() > ASK_AGAIN);
        if let Some(remote) = self.remote.as_ref().filter(|_| is_unknown && is_due) {
            self.fetched = Some(Instant::now());
            // Whoever cannot be asked now is asked again at the next look.
            let _ = self.branch.fetch(remote);
        }
    }
}

/// Waits for Applications.
struct Wait<'a> {
    cluster: &'a Cluster,
    /// Where the pods are.
    namespaces: Vec<String>,
    expected: BTreeMap<String, Option<String>>,
    /// What the pods should run: others are on their way out.
    images: Vec<String>,
    revisions: Revisions,
    /// When Argo CD was asked last to look at an Application's repository.
    asked: BTreeMap<String, Instant>,
    since: Since,
    /// Whether pods have not been looked at yet.
    is_first: bool,
}

impl Wait<'_> {
    async fn until_settled(&mut self, timeout: Duration, task: &Task) -> Result<()> {
        let began = Instant::now();
        let mut watched = self.cluster.watch_applications();
        let mut look = waiting::looks();
        let (mut shown, mut blocked) = (String::new(), None);
        loop {
            let live = watched.applications();
            let waiting = self.judge(&live)?;
            if waiting.is_empty() {
                return Ok(());
            }
            self.ask(&live).await?;
            let ready = self.expected.len() - waiting.len();
            let first =
                waiting.iter().next().map(|(name, reason)| format!("{name}: {reason}")).unwrap_or_default();
            let text = format!(
                "{ready} of {} are synced and healthy; {}",
                self.expected.len(),
                blocked.as_ref().unwrap_or(&first)
            );
            if text != shown {
                task.step(&text);
                shown = text;
            }
            if began.elapsed() > timeout {
                let lines: Vec<String> =
                    waiting.iter().map(|(name, reason)| format!("\n  {name}: {reason}")).collect();
                let message = format!(
                    "{} Applications are not synced and healthy within {} s:{}",
                    waiting.len(),
                    timeout.as_secs(),
                    lines.concat()
                );
                return Err(Failure::new(message)
                    .hint("`ecomctl status` shows them; the next run goes on from here")
                    .into());
            }
            tokio::select! {
                changed = watched.changed() => changed?,
                _ = look.tick() => {
                    blocked = self.pods().await?;
                    task.detail(&format!("{shown} ({} s)", began.elapsed().as_secs()));
                }
            }
        }
    }

    /// Returns what each Application that is not ready waits for.
    fn judge(&mut self, live: &[LiveApplication]) -> Result<BTreeMap<String, String>> {
        let mut waiting = BTreeMap::new();
        for (name, version) in &self.expected {
            let found = live.iter().find(|application| application.name == *name);
            if let Some(found) = found {
                self.revisions.learn(&found.status.sync.revision);
            }
            let verdict =
                sync::application(found, |revision| self.revisions.is_current(revision, version.as_deref()));
            let is_over = self.since.is_over(name, &verdict);
            let Some(reason) = verdict.reason() else { continue };
            let is_news = found.is_none_or(|found| !found.is_refreshing);
            if is_over && is_news {
                let failure = Failure::new(format!("Argo CD cannot sync `{name}`: {reason}"));
                return Err(failure.hint(hint(reason)).into());
            }
            waiting.insert(name.clone(), reason.to_owned());
        }
        Ok(waiting)
    }

    /// Asks Argo CD to look at the repository for those Applications that are not at the commit, or that it could not compare.
    async fn ask(&mut self, live: &[LiveApplication]) -> Result<()> {
        for application in live.iter().filter(|application| self.expected.contains_key(&application.name)) {
            let version = self.expected[&application.name].as_deref();
            let is_current = self.revisions.is_current(&application.status.sync.revision, version);
            let has_error = application.status.conditions.iter().any(Condition::is_error);
            let is_due = self.asked.get(&application.name).is_none_or(|asked| asked.elapsed() > ASK_AGAIN);
            if (!is_current || has_error) && !application.is_refreshing && is_due {
                match self.cluster.refresh(&application.name).await {
                    Err(error) if error.is_transient() => continue,
                    done => done?,
                }
                self.asked.insert(application.name.clone(), Instant::now());
            }
        }
        Ok(())
    }

    /// Returns what the pods wait for, or fails when one will not become ready.
    async fn pods(&mut self) -> Result<Option<String>> {
        let mut first = None;
        for (index, namespace) in self.namespaces.iter().enumerate() {
            // Beside the shop, all pods are those of the gateway.
            let labels = if index == 0 { labels::made() } else { String::new() };
            let is_meant = |pod: &Pod| {
                let mut containers = pod.spec.iter().flat_map(|spec| &spec.containers);
                let is_wanted = |image: &String| self.images.contains(image);
                index > 0 || containers.any(|container| container.image.as_ref().is_some_and(is_wanted))
            };
            let patience = if index == 0 { Patience::None } else { Patience::StartUp };
            let found = waiting::troubles(self.cluster, namespace, &labels, patience, is_meant).await?;
            if self.is_first {
                waiting::try_again(self.cluster, namespace, &found).await?;
                continue;
            }
            for trouble in &found {
                let patience = trouble.verdict.patience();
                let is_final = matches!(trouble.verdict, Verdict::Failed(_));
                if is_final
                    || (self.since.is_over(&trouble.pod, &trouble.verdict) && patience < Duration::MAX)
                {
                    return Err(waiting::explain(self.cluster, namespace, trouble).await.into());
                }
            }
            first = first.or(found.first().map(waiting::told));
        }
        self.is_first = false;
        Ok(first)
    }
}

fn hint(reason: &str) -> &'static str {
    let lower = reason.to_lowercase();
    let repository = ["auth", "denied", "not found", "not exported"];
    if repository.iter().any(|word| lower.contains(word)) {
        "may Argo CD read that repository? ECOMCTL_GIT_TOKEN is for private ones by https, a deploy key for those by ssh"
    } else {
        "mend it, and run the same again: it goes on from here"
    }
}
