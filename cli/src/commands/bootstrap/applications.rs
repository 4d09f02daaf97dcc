//! What Argo CD is told, and whether it has done it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Observed;
use super::site::{Endpoint, Site};
use super::waiting::{self, GRACE};
use crate::adapters::cluster::Cluster;
use crate::adapters::git::{Branch, CommitId, Remote};
use crate::error::Failure;
use crate::model::argocd::Application;
use crate::model::manifests::{Manifests, Object};
use crate::model::object::AnyObject;
use crate::model::sync::LiveApplication;
use crate::plan::sync::{self, Patience, Trouble, Verdict, trouble};
use crate::printer::Task;
use crate::render;

/// Pause between two looks at pods.
const LOOK: Duration = Duration::from_secs(1);
/// Pause before Argo CD is asked again to look at the repository.
const ASK_AGAIN: Duration = Duration::from_secs(3);

pub(super) async fn observe(site: &mut Site) -> Result<Observed> {
    let manifests = render::manifests(&site.platform()?);
    let (Some(cluster), Some(commit)) = (&site.cluster, site.commit) else {
        return Ok(Observed::differs([format!("deploy {} Applications", expected(&manifests).len())]));
    };
    let differences = cluster.differences(&entry(&manifests)?).await.or_else(unknown_kind)?;
    let mut told: Vec<String> = differences.iter().map(ToString::to_string).collect();
    let live = cluster.applications().await?;
    let revisions = Revisions::new(site, commit)?;
    for (name, version) in expected(&manifests) {
        let found = live.iter().find(|application| application.name == name);
        match sync::application(found, |revision| revisions.is_current(revision, version.as_deref())) {
            Verdict::Ready => {}
            Verdict::Waiting(reason) | Verdict::Suspect(reason) | Verdict::Failed(reason) => {
                told.push(format!("sync {name}: {reason}"));
            }
        }
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
    let mut wait = Wait {
        cluster,
        namespace: site.namespace(),
        expected,
        images,
        revisions: Revisions::new(site, commit)?,
        asked: BTreeMap::new(),
        suspects: BTreeMap::new(),
    };
    wait.until_settled(site.settings.timeout, task).await?;
    Ok(format!("{count} are synced and healthy"))
}

fn unknown_kind<T>(
    error: crate::adapters::cluster::ClusterError,
) -> Result<Vec<T>, crate::adapters::cluster::ClusterError> {
    match error {
        // Argo CD is not there yet; it is told of in its own step.
        crate::adapters::cluster::ClusterError::Refused { code: 404, .. } => Ok(Vec::new()),
        error => Err(error),
    }
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
}

impl Revisions {
    fn new(site: &Site, commit: CommitId) -> Result<Self> {
        let branch = site.branch()?;
        let remote = if site.endpoint == Endpoint::InCluster { None } else { site.remote(&branch).ok() };
        Ok(Self { branch, remote, commit })
    }

    fn is_current(&self, revision: &str, version: Option<&str>) -> bool {
        if let Some(version) = version {
            return revision == version;
        }
        CommitId::from_str(revision).is_ok_and(|revision| self.branch.follows(revision, self.commit))
    }

    /// Fetches what somebody else has pushed meanwhile.
    fn learn(&self, revision: &str) {
        let is_unknown = CommitId::from_str(revision).is_ok_and(|revision| !self.branch.knows(revision));
        if let Some(remote) = self.remote.as_ref().filter(|_| is_unknown) {
            // Whoever cannot be asked now is asked again at the next look.
            let _ = self.branch.fetch(remote);
        }
    }
}

/// Waits for Applications.
struct Wait<'a> {
    cluster: &'a Cluster,
    namespace: String,
    expected: BTreeMap<String, Option<String>>,
    /// What the pods should run: others are on their way out.
    images: Vec<String>,
    revisions: Revisions,
    /// When Argo CD was asked last to look at an Application's repository.
    asked: BTreeMap<String, Instant>,
    /// Since when something is said that should pass within moments.
    suspects: BTreeMap<String, (String, Instant)>,
}

impl Wait<'_> {
    async fn until_settled(&mut self, timeout: Duration, task: &Task) -> Result<()> {
        let began = Instant::now();
        let mut watched = self.cluster.watch_applications();
        let mut look = tokio::time::interval(LOOK);
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
            let (Verdict::Waiting(reason) | Verdict::Suspect(reason) | Verdict::Failed(reason)) = &verdict
            else {
                self.suspects.remove(name);
                continue;
            };
            // What is said of an earlier commit may be mended in this one: it is looked at first.
            let is_news = self.asked.get(name).is_none_or(|asked| asked.elapsed() > Duration::from_secs(1))
                && found.is_none_or(|found| !found.is_refreshing);
            let since = match self.suspects.get(name) {
                Some((said, since)) if said == reason => *since,
                _ => {
                    self.suspects.insert(name.clone(), (reason.clone(), Instant::now()));
                    Instant::now()
                }
            };
            let limit = match verdict {
                Verdict::Failed(_) => Duration::from_secs(5),
                Verdict::Suspect(_) => GRACE,
                _ => Duration::MAX,
            };
            if since.elapsed() >= limit && is_news {
                let failure = Failure::new(format!("Argo CD cannot sync `{name}`: {reason}"));
                return Err(failure.hint(hint(reason)).into());
            }
            waiting.insert(name.clone(), reason.clone());
        }
        Ok(waiting)
    }

    /// Asks Argo CD to look at the repository for those Applications that are not at the commit, or that it could not compare.
    async fn ask(&mut self, live: &[LiveApplication]) -> Result<()> {
        for application in live.iter().filter(|application| self.expected.contains_key(&application.name)) {
            let version = self.expected[&application.name].as_deref();
            let is_current = self.revisions.is_current(&application.status.sync.revision, version);
            let has_error = application.status.conditions.iter().any(crate::model::sync::Condition::is_error);
            let is_due = self.asked.get(&application.name).is_none_or(|asked| asked.elapsed() > ASK_AGAIN);
            if (!is_current || has_error) && !application.is_refreshing && is_due {
                self.cluster.refresh(&application.name).await?;
                self.asked.insert(application.name.clone(), Instant::now());
            }
        }
        Ok(())
    }

    /// Returns what the pods wait for, or fails when one will not become ready.
    async fn pods(&mut self) -> Result<Option<String>> {
        let mut found: Vec<Trouble> = Vec::new();
        for pod in self.cluster.pods(&self.namespace, "app.kubernetes.io/managed-by=ecomctl").await? {
            let mut containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            let is_wanted = containers
                .any(|container| container.image.as_ref().is_some_and(|image| self.images.contains(image)));
            found.extend(trouble(&pod, Patience::None).filter(|_| is_wanted));
        }
        if let Some(failed) = found.iter().find(|found| matches!(found.verdict, Verdict::Failed(_))) {
            return Err(waiting::explain(self.cluster, &self.namespace, failed).await.into());
        }
        Ok(found.first().map(|found| {
            let (Verdict::Waiting(reason) | Verdict::Suspect(reason) | Verdict::Failed(reason)) =
                &found.verdict
            else {
                return format!("pod `{}`", found.pod);
            };
            format!("pod `{}`: {reason}", found.pod)
        }))
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
