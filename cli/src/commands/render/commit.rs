//! `ecomctl render --commit`.

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::candidate::{self, Candidate, refuse_unlocked};
use super::committed::Committed;
use super::pending::remote;
use crate::adapters::git::{Advanced, Branch, CommitId, GitError, Identity, PushError, Pushed, Remote};
use crate::adapters::workspace::{LOCK, Project, SPEC, parse_lock};
use crate::error::{Exit, Failure};
use crate::model::lock::{ImageLock, LockedImage};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::spec::PlatformSpec;
use crate::model::tree::TreeDiff;
use crate::printer::Printer;
use crate::settings::CommitSettings;

/// How often a push is tried that others come before.
const TRIES: usize = 3;
/// Where it is kept what a kill may interrupt.
const JOURNAL: &str = "commit.json";

/// The step that a killed ecomctl was at: the next one takes it again.
#[derive(Debug, Serialize, Deserialize)]
struct Journal {
    branch: String,
    from: String,
    to: String,
    /// When it began.
    at: SystemTime,
}

/// Locks of git that are taken this much later than a journal was written are somebody else's.
const LONGEST_STEP: Duration = Duration::from_secs(10);

/// What is committed to where.
struct Work<'a> {
    project: &'a Project,
    environment: &'a EnvironmentName,
    settings: &'a CommitSettings,
    identity: Identity,
    branch: Branch,
    /// Images that the environment gets beside what the lock says.
    pins: &'a [Pin],
    printer: Printer,
}

/// An image of a service.
pub(in crate::commands) type Pin = (ServiceName, LockedImage);

pub(super) fn run(
    project: &Project,
    spec: &PlatformSpec,
    environment: &EnvironmentName,
    settings: &CommitSettings,
    printer: Printer,
) -> Result<Exit> {
    run_with(project, spec, environment, (settings, &[]), printer)
}

/// The same with images that the environment gets: nothing knows of them before they are committed.
pub(in crate::commands) fn run_with(
    project: &Project,
    spec: &PlatformSpec,
    environment: &EnvironmentName,
    (settings, pins): (&CommitSettings, &[Pin]),
    printer: Printer,
) -> Result<Exit> {
    let committed = commit_with(project, spec, environment, (settings, pins), printer)?;
    committed.print(environment, printer)?;
    Ok(Exit::Done)
}

/// Refuses what [`commit`] would refuse once everything else is done: changes of the spec that are not committed, commits of
/// other people's work that would be pushed, a remote that lets nobody push.
pub(in crate::commands) fn refuse(
    project: &Project,
    environment: &EnvironmentName,
    settings: &CommitSettings,
    printer: Printer,
) -> Result<()> {
    let branch = Branch::open(project.root(), settings.branch.as_deref())?;
    let identity = branch.identity()?;
    let work = Work { project, environment, settings, identity, branch, pins: &[], printer };
    work.refuse_changed_spec()?;
    if let Some(remote) = remote(&work.branch, &settings.then)?.filter(|remote| remote.url.is_none()) {
        work.branch.remote_tip(&remote)?;
        work.refuse_foreign(&remote, work.branch.tip())?;
        work.branch.may_push(&remote)?;
    }
    Ok(())
}

/// Commits the manifests of an environment, and pushes them if that is asked for.
pub(in crate::commands) fn commit(
    project: &Project,
    spec: &PlatformSpec,
    environment: &EnvironmentName,
    settings: &CommitSettings,
    printer: Printer,
) -> Result<Committed> {
    commit_with(project, spec, environment, (settings, &[]), printer)
}

fn commit_with(
    project: &Project,
    spec: &PlatformSpec,
    environment: &EnvironmentName,
    (settings, pins): (&CommitSettings, &[Pin]),
    printer: Printer,
) -> Result<Committed> {
    let _alone = project.hold("commit")?;
    let branch = Branch::open(project.root(), settings.branch.as_deref())?;
    let identity = branch.identity()?;
    let mut work = Work { project, environment, settings, identity, branch, pins, printer };
    work.resume()?;
    refuse_unlocked(spec, &with_pins(&project.lock()?, environment, pins), environment)?;
    work.refuse_changed_spec()?;
    let remote = remote(&work.branch, &settings.then)?;
    if let Some(remote) = &remote {
        work.refuse_foreign(remote, work.branch.tip())?;
    }
    let (commit, files) = work.commit_here()?;
    let pushed = match &remote {
        Some(remote) => work.push(remote)?,
        None => None,
    };
    Ok(Committed {
        tip: work.branch.tip(),
        branch: work.branch.name().to_owned(),
        commit,
        files,
        pushed,
        remote: remote.map(|remote| format!("{}/{}", remote.name, remote.branch)),
    })
}

impl Work<'_> {
    /// Ends what a killed ecomctl has begun.
    fn resume(&mut self) -> Result<()> {
        let Some(journal) = self.project.read_private(JOURNAL)? else { return Ok(()) };
        let Ok(Journal { branch, from, to, at }) = serde_json::from_slice(&journal) else {
            return Ok(self.project.delete_private(JOURNAL)?);
        };
        self.branch.break_locks(at + LONGEST_STEP);
        if branch == self.branch.name()
            && from != to
            && let (Ok(from), Ok(to)) = (CommitId::from_str(&from), CommitId::from_str(&to))
            && self.branch.tip() == from
        {
            let _alone = self.project.hold("lock")?;
            self.advance(from, to)?;
        }
        Ok(self.project.delete_private(JOURNAL)?)
    }

    /// Manifests of a spec that nobody else has would not fit the commit that they are in.
    fn refuse_changed_spec(&self) -> Result<()> {
        if !self.branch.is_changed(SPEC)? {
            return Ok(());
        }
        let message = format!(
            "`{SPEC}` has changes that are not committed, and its manifests would not fit the commit"
        );
        Err(Failure::new(message).hint(format!("`git commit {SPEC}` first, or `git restore {SPEC}`")).into())
    }

    /// With ours, commits of somebody else's work would be pushed.
    fn refuse_foreign(&self, remote: &Remote, tip: CommitId) -> Result<()> {
        // A repository that is there for this alone gets all that the branch has.
        if remote.url.is_some() {
            return Ok(());
        }
        self.refuse_others(remote, tip)
    }

    /// The same for any remote.
    fn refuse_others(&self, remote: &Remote, tip: CommitId) -> Result<()> {
        if self.branch.foreign_commits(remote, tip)?.is_empty() {
            return Ok(());
        }
        // What is known of the remote may be old.
        self.branch.fetch(remote)?;
        let foreign = self.branch.foreign_commits(remote, tip)?;
        if foreign.is_empty() {
            return Ok(());
        }
        let message = format!(
            "`{}` has commits that `{}` has not, and `--push` would push them too:\n  {}",
            self.branch.name(),
            remote.name,
            foreign.join("\n  ")
        );
        let push = format!("git push --set-upstream {} {}", remote.name, self.branch.current());
        Err(Failure::new(message).hint(format!("`{push}` first, if they are meant to be there")).into())
    }

    /// Commits what the branch's spec and the lock of the work tree say, and writes it to the work tree.
    fn commit_here(&mut self) -> Result<(Option<CommitId>, Vec<String>)> {
        // Nobody pins images between the moment that the lock is read and the one that it is written.
        let _alone = self.project.hold("lock")?;
        let base = self.base()?;
        let pinned = self.project.lock()?;
        let candidate = self.candidate(self.branch.tip(), &base, &pinned)?;
        if self.branch.is_checked_out() {
            self.write(&candidate)?;
        }
        let files: Vec<String> = candidate.changes.keys().cloned().collect();
        let commit = self.commit(&candidate, self.branch.tip())?;
        if let Some(commit) = commit {
            for service in candidate.dirty(self.environment) {
                let text = format!("the image of {service} was built from changes that are not committed");
                self.printer.warn(text);
            }
            self.advance(self.branch.tip(), commit)?;
        }
        let mut owned: Vec<String> = candidate.rendered.into_keys().collect();
        owned.push(LOCK.to_owned());
        let unsettled = self.branch.unsettled(owned)?;
        if !unsettled.is_empty() {
            self.begin(self.branch.tip(), self.branch.tip())?;
            let settled = self.branch.settle(&unsettled);
            self.project.delete_private(JOURNAL)?;
            settled?;
        }
        if !self.branch.is_checked_out() {
            let text = pinned.text().context("failed to write the lock")?;
            self.project.write_private(&self.committed_before(), &text)?;
        }
        Ok((commit, files))
    }

    /// Returns the lock that the work tree's is compared with, to know what was pinned since: that of HEAD; for another
    /// branch, the one that was committed there before.
    fn base(&self) -> Result<ImageLock> {
        if !self.branch.is_checked_out()
            && let Some(text) = self.project.read_private(&self.committed_before())?
        {
            return Ok(parse_lock(&String::from_utf8_lossy(&text))?);
        }
        self.lock_of(self.branch.head())
    }

    fn committed_before(&self) -> String {
        format!("branches/{}.lock", self.branch.name())
    }

    /// Writes down what is begun, for whoever comes after a kill.
    fn begin(&self, from: CommitId, to: CommitId) -> Result<()> {
        let branch = self.branch.name().to_owned();
        let journal = Journal { branch, from: from.to_string(), to: to.to_string(), at: SystemTime::now() };
        let journal = serde_json::to_vec(&journal).context("failed to write down what is begun")?;
        Ok(self.project.write_private(JOURNAL, &journal)?)
    }

    /// Pushes the branch, and what was pushed is returned. When others have pushed before, the manifests are rendered again
    /// from what is there.
    fn push(&mut self, remote: &Remote) -> Result<Option<CommitId>> {
        let mut ours = self.branch.tip();
        for _ in 0..TRIES {
            match self.branch.push(remote, ours) {
                Ok(pushed) => {
                    self.follow(ours)?;
                    return Ok((pushed == Pushed::New).then_some(ours));
                }
                Err(PushError::Rejected) => {}
                Err(error) => return Err(error.into()),
            }
            let tip = self
                .branch
                .fetch(remote)?
                .ok_or_else(|| Failure::new("the branch is gone from the remote"))?;
            let here = self.branch.tip();
            // The branch goes to where the remote is, so nobody's work may be on it alone.
            self.refuse_others(remote, here)?;
            let base = match self.branch.merge_base(here, tip) {
                Some(base) => self.lock_of(base)?,
                None => {
                    return Err(Failure::new("the branch has no history in common with the remote's").into());
                }
            };
            let candidate = self.candidate(tip, &base, &self.lock_of(here)?)?;
            let Some(commit) = self.commit(&candidate, tip)? else {
                self.follow(tip)?;
                return Ok(None);
            };
            ours = commit;
        }
        let message = format!("others have pushed to `{}` {TRIES} times meanwhile", remote.branch);
        Err(Failure::new(message).hint("run the same again").into())
    }

    /// Takes the branch to what the remote has now.
    fn follow(&mut self, to: CommitId) -> Result<()> {
        let here = self.branch.tip();
        if here == to {
            return Ok(());
        }
        let _alone = self.project.hold("lock")?;
        if self.advance(here, to)? == Advanced::Behind {
            self.printer.warn(format!(
                "`{}` stays where it was: files that you have changed are others on the remote; `git pull` takes them",
                self.branch.name()
            ));
        }
        Ok(())
    }

    /// Takes the branch from a commit to another. Images that were pinned since `from` stay pinned.
    fn advance(&mut self, from: CommitId, to: CommitId) -> Result<Advanced> {
        let pinned = self.project.lock()?;
        self.begin(from, to)?;
        let advanced = self.branch.advance(from, to, "ecomctl render --commit");
        // Also when it failed: what was begun is known, and is not to be taken up by somebody else.
        self.project.delete_private(JOURNAL)?;
        if advanced.as_ref().is_ok_and(|advanced| *advanced == Advanced::Done) && self.branch.is_checked_out()
        {
            let theirs = self.lock_of(to)?;
            let lock = pinned.merged_onto(&self.lock_of(from)?, &theirs);
            if lock != theirs {
                self.project.write(LOCK, &lock.text().context("failed to write the lock")?)?;
            }
        }
        Ok(advanced?)
    }

    fn lock_of(&self, commit: CommitId) -> Result<ImageLock> {
        candidate::lock_of(&self.branch, commit)
    }

    fn candidate(&self, parent: CommitId, base: &ImageLock, ours: &ImageLock) -> Result<Candidate> {
        let images = (base, ours, self.pins);
        Candidate::new(&self.branch, self.environment, parent, images, self.settings.declare.as_ref())
    }

    /// Writes the owned files to the work tree.
    fn write(&self, candidate: &Candidate) -> Result<()> {
        let Candidate { rendered, lock, .. } = candidate;
        let diff = TreeDiff::between(rendered, &self.project.rendered(self.environment)?)?;
        self.project.apply(&diff, rendered)?;
        if self.project.lock()? != *lock {
            self.project.write(LOCK, &lock.text().context("failed to write the lock")?)?;
        }
        Ok(())
    }

    fn commit(&self, candidate: &Candidate, parent: CommitId) -> Result<Option<CommitId>, GitError> {
        if candidate.changes.is_empty() {
            return Ok(None);
        }
        let message = self.settings.message.clone().unwrap_or_else(|| candidate.message(self.environment));
        let message = format!("{}\n", message.trim_end());
        self.branch.commit(parent, &candidate.changes, &message, &self.identity).map(Some)
    }
}

/// Returns a lock with images that an environment gets.
pub(in crate::commands) fn with_pins(
    lock: &ImageLock,
    environment: &EnvironmentName,
    pins: &[Pin],
) -> ImageLock {
    let mut lock = lock.clone();
    for (service, image) in pins {
        lock.pin(environment, service, image.clone());
    }
    lock
}
