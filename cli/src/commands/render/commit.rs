//! `ecomctl render --commit`.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::names_of_unlocked;
use crate::adapters::git::{Advanced, Branch, CommitId, GitError, Identity, PushError, Remote};
use crate::adapters::workspace::{LOCK, Project, SPEC, parse_lock};
use crate::error::{Exit, Failure};
use crate::model::lock::ImageLock;
use crate::model::name::EnvironmentName;
use crate::model::parse::parse_spec;
use crate::model::resolve::resolve;
use crate::model::spec::PlatformSpec;
use crate::model::tree::{RenderedTree, TreeDiff};
use crate::printer::Printer;
use crate::render;
use crate::settings::{AfterCommit, CommitSettings};

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
}

/// The owned files as a commit should have them.
struct Candidate {
    rendered: RenderedTree,
    lock: ImageLock,
    /// Path to new content; nothing for a file to delete.
    changes: BTreeMap<String, Option<Vec<u8>>>,
}

#[derive(Serialize)]
struct Report<'a> {
    environment: &'a EnvironmentName,
    branch: &'a str,
    commit: Option<String>,
    pushed: Option<String>,
    files: Vec<&'a str>,
}

/// What is committed to where.
struct Work<'a> {
    project: &'a Project,
    environment: &'a EnvironmentName,
    settings: &'a CommitSettings,
    identity: Identity,
    branch: Branch,
    printer: Printer,
}

pub(super) fn run(
    project: &Project,
    spec: &PlatformSpec,
    environment: &EnvironmentName,
    settings: &CommitSettings,
    printer: Printer,
) -> Result<Exit> {
    let _alone = project.hold("commit")?;
    let branch = Branch::open(project.root(), settings.branch.as_deref())?;
    let identity = Identity::for_commits_in(project.root())?;
    let mut work = Work { project, environment, settings, identity, branch, printer };
    work.resume()?;
    refuse_unlocked(spec, &project.lock()?, environment)?;
    work.refuse_changed_spec()?;
    let remote = match settings.then {
        AfterCommit::Push => Some(work.branch.remote()?),
        AfterCommit::Stay => None,
    };
    if let Some(remote) = &remote {
        work.refuse_foreign(remote, work.branch.tip())?;
    }
    let (commit, files) = work.commit_here()?;
    let pushed = match &remote {
        Some(remote) => work.push(remote)?,
        None => None,
    };
    let branch = work.branch.name();
    let (shown, remote) =
        (pushed.or(commit), remote.map(|remote| format!("{}/{}", remote.name, remote.branch)));
    match (&shown, &remote) {
        (None, _) => {
            printer.status(format!("Nothing to commit: `{branch}` has what `{SPEC}` and `{LOCK}` say."));
        }
        (Some(id), None) => {
            printer.status(format!("Committed {} files to `{branch}`: {}", files.len(), short(*id)));
        }
        (Some(id), Some(remote)) if pushed.is_some() => {
            printer.status(format!("Pushed {} to `{remote}`.", short(*id)));
        }
        (Some(id), Some(remote)) => {
            printer.status(format!("Committed {}; `{remote}` has it already.", short(*id)));
        }
    }
    if printer.is_json() {
        let commit = shown.map(|id| id.to_string());
        let pushed = pushed.and(remote);
        let files = files.iter().map(String::as_str).collect();
        printer.json(&Report { environment, branch, commit, pushed, files })?;
    }
    Ok(Exit::Done)
}

impl Work<'_> {
    /// Ends what a killed ecomctl has begun.
    fn resume(&mut self) -> Result<()> {
        let Some(journal) = self.project.read_private(JOURNAL)? else { return Ok(()) };
        self.branch.break_locks();
        if let Ok(Journal { branch, from, to }) = serde_json::from_slice(&journal)
            && branch == self.branch.name()
            && let (Ok(from), Ok(to)) = (CommitId::from_str(&from), CommitId::from_str(&to))
            && self.branch.tip() == from
        {
            self.branch.advance(from, to, "ecomctl: resumed")?;
        }
        Ok(self.project.delete_private(JOURNAL)?)
    }

    /// Manifests of a spec that nobody else has would not fit the commit that they are in.
    fn refuse_changed_spec(&self) -> Result<()> {
        let here = self.project.read([SPEC])?.into_values().next();
        if self.branch.file(self.branch.head(), SPEC)? == here {
            return Ok(());
        }
        let message = format!(
            "`{SPEC}` has changes that are not committed, and its manifests would not fit the commit"
        );
        Err(Failure::new(message).hint(format!("`git commit {SPEC}` first, or `git restore {SPEC}`")).into())
    }

    /// With ours, commits of somebody else's work would be pushed.
    fn refuse_foreign(&self, remote: &Remote, tip: CommitId) -> Result<()> {
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
        let push = format!("git push {} {}", remote.name, self.branch.name());
        Err(Failure::new(message).hint(format!("`{push}` first, if they are meant to be there")).into())
    }

    /// Commits what the branch's spec and the lock of the work tree say, and writes it to the work tree.
    fn commit_here(&mut self) -> Result<(Option<CommitId>, Vec<String>)> {
        let base = self.lock_of(self.branch.head())?;
        let candidate = self.candidate(self.branch.tip(), &base, &self.project.lock()?)?;
        if self.branch.is_checked_out() {
            self.write(&candidate)?;
        }
        let files: Vec<String> = candidate.changes.keys().cloned().collect();
        let commit = self.commit(&candidate, self.branch.tip())?;
        if let Some(commit) = commit {
            self.advance(self.branch.tip(), commit)?;
        }
        let mut owned: Vec<String> = candidate.rendered.into_keys().collect();
        owned.push(LOCK.to_owned());
        self.branch.settle_index(&owned)?;
        Ok((commit, files))
    }

    /// Pushes the branch, and what was pushed is returned. When others have pushed before, the manifests are rendered again
    /// from what is there.
    fn push(&mut self, remote: &Remote) -> Result<Option<CommitId>> {
        let mut ours = self.branch.tip();
        if self
            .branch
            .known_tip(remote)
            .is_some_and(|known| self.branch.is_ancestor(ours, known).unwrap_or(false))
        {
            return Ok(None);
        }
        for _ in 0..TRIES {
            match self.branch.push(remote, ours) {
                Ok(()) => {
                    self.follow(ours)?;
                    return Ok(Some(ours));
                }
                Err(PushError::Rejected) => {}
                Err(error) => return Err(error.into()),
            }
            let tip = self
                .branch
                .fetch(remote)?
                .ok_or_else(|| Failure::new("the branch is gone from the remote"))?;
            let here = self.branch.tip();
            self.refuse_foreign(remote, here)?;
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
        if self.advance(here, to)? == Advanced::Behind {
            self.printer.warn(format!(
                "`{}` stays where it was: files that you have changed are others on the remote; `git pull` takes them",
                self.branch.name()
            ));
        }
        Ok(())
    }

    fn advance(&mut self, from: CommitId, to: CommitId) -> Result<Advanced> {
        let journal =
            Journal { branch: self.branch.name().to_owned(), from: from.to_string(), to: to.to_string() };
        let journal = serde_json::to_vec(&journal).context("failed to write down what is begun")?;
        self.project.write_private(JOURNAL, &journal)?;
        let advanced = self.branch.advance(from, to, "ecomctl render --commit");
        // Also when it failed: what was begun is known, and is not to be taken up by somebody else.
        self.project.delete_private(JOURNAL)?;
        Ok(advanced?)
    }

    fn lock_of(&self, commit: CommitId) -> Result<ImageLock> {
        let text = self.branch.file(commit, LOCK)?.unwrap_or_default();
        Ok(parse_lock(&String::from_utf8_lossy(&text))?)
    }

    /// Returns the owned files as a commit on `parent` should have them: of its spec and its lock, with what differs
    /// between the locks `base` and `ours`.
    fn candidate(&self, parent: CommitId, base: &ImageLock, ours: &ImageLock) -> Result<Candidate> {
        let spec = self.branch.file(parent, SPEC)?;
        let missing =
            || Failure::new(format!("`{SPEC}` is not in the last commit of `{}`", self.branch.name()));
        let spec = spec.ok_or_else(missing)?;
        let text = String::from_utf8_lossy(&spec);
        let spec = parse_spec(SPEC, text.trim_start_matches('\u{feff}'))?;
        let environment = spec.declared(self.environment.clone())?;
        let theirs = self.lock_of(parent)?;
        let lock = ours.merged_onto(base, &theirs);
        refuse_unlocked(&spec, &lock, &environment)?;
        let platform =
            resolve(&spec, &environment, &lock, |service| Err(format!("{service} is not in the lock")))?;
        let rendered = render::render_tree(&render::manifests(&platform), &environment)?;
        let mut changes = BTreeMap::new();
        if lock != theirs {
            changes.insert(LOCK.to_owned(), Some(lock.text().context("failed to write the lock")?));
        }
        let diff = self.difference(&spec, &rendered, parent)?;
        for path in diff.added.iter().chain(&diff.changed) {
            changes.insert(path.clone(), rendered.get(path).cloned());
        }
        changes.extend(diff.deleted.into_iter().map(|path| (path, None)));
        Ok(Candidate { rendered, lock, changes })
    }

    /// Returns what differs between what is rendered and what a commit has, with files of environments that are gone.
    fn difference(&self, spec: &PlatformSpec, rendered: &RenderedTree, commit: CommitId) -> Result<TreeDiff> {
        let mut by_environment: BTreeMap<String, RenderedTree> = BTreeMap::new();
        for (path, content) in self.branch.manifests(commit)? {
            let name = path.strip_prefix("generated/").and_then(|path| path.split('/').next());
            let name = name.or(path.strip_prefix("argocd/").and_then(|path| path.strip_suffix(".yaml")));
            let name = name.unwrap_or_default().to_owned();
            by_environment.entry(name).or_default().insert(path, content);
        }
        let own = by_environment.remove(self.environment.as_str()).unwrap_or_default();
        let mut diff = TreeDiff::between(rendered, &own)?;
        for (name, files) in &by_environment {
            let declared = name.parse().is_ok_and(|name| spec.declared(name).is_ok());
            if !declared && name.parse::<EnvironmentName>().is_ok() {
                diff.delete_owned(files);
            }
        }
        Ok(diff)
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
        let message = self.settings.message.clone().unwrap_or_else(|| self.message(&candidate.lock));
        let message = format!("{}\n", message.trim_end());
        self.branch.commit(parent, &candidate.changes, &message, &self.identity).map(Some)
    }

    fn message(&self, lock: &ImageLock) -> String {
        let environment = self.environment;
        let mut message = format!("{environment}: render manifests\n");
        for (service, image) in lock.services(environment) {
            let source = image.source.as_ref().map(|source| {
                let dirty = if source.dirty { " with changes" } else { "" };
                format!(" of {}{dirty}", source.commit.get(..10).unwrap_or(&source.commit))
            });
            let _ = write!(message, "\n{service} {}{}", image.tag, source.unwrap_or_default());
        }
        message
    }
}

fn refuse_unlocked(spec: &PlatformSpec, lock: &ImageLock, environment: &EnvironmentName) -> Result<()> {
    let unlocked = names_of_unlocked(spec, lock, environment);
    if unlocked.is_empty() {
        return Ok(());
    }
    let message = format!("`{LOCK}` has no image of {} for `{environment}`", unlocked.join(", "));
    Err(Failure::new(message).hint("run `ecomctl build --push` first").into())
}

fn short(id: CommitId) -> String {
    id.to_string().chars().take(10).collect()
}
