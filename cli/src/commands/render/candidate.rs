//! The owned files as a commit should have them.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::{Context, Result};

use super::commit::{Pin, with_pins};
use super::names_of_unlocked;
use crate::adapters::git::{Branch, CommitId, DECLARED};
use crate::adapters::workspace::{LOCK, SPEC, parse_lock};
use crate::commands::lint;
use crate::error::Failure;
use crate::model::git_url::GitUrl;
use crate::model::lock::{ImageLock, LockedImage};
use crate::model::name::EnvironmentName;
use crate::model::parse::parse_spec;
use crate::model::resolve::resolve;
use crate::model::spec::PlatformSpec;
use crate::model::tree::{RenderedTree, TreeDiff};
use crate::plan::declare::with_git_url;
use crate::render;

/// The owned files as a commit should have them.
pub(super) struct Candidate {
    /// The files of the environment.
    pub(super) rendered: RenderedTree,
    /// The images.
    pub(super) lock: ImageLock,
    /// What differs from the commit before: path to new content; nothing for a file to delete.
    pub(super) changes: BTreeMap<String, Option<Vec<u8>>>,
}

impl Candidate {
    /// Returns the owned files as a commit on `parent` should have them: of its spec and its lock, with what differs
    /// between the locks `base` and `ours`, and with `pins`. The spec gets the URL that Argo CD reads if it has none and one is to be declared.
    pub(super) fn new(
        branch: &Branch,
        environment: &EnvironmentName,
        parent: CommitId,
        (base, ours, pins): (&ImageLock, &ImageLock, &[Pin]),
        declare: Option<&GitUrl>,
    ) -> Result<Self> {
        let mut changes = BTreeMap::new();
        let spec = branch.file(parent, SPEC)?;
        let missing = || Failure::new(format!("`{SPEC}` is not in the last commit of `{}`", branch.name()));
        let spec = spec.ok_or_else(missing)?;
        let mut text = String::from_utf8_lossy(&spec).into_owned();
        let mut spec = parse_spec(SPEC, text.trim_start_matches('\u{feff}'))?;
        if let Some(url) = declare.filter(|_| spec.git.url.is_none()) {
            text = with_git_url(SPEC, &text, url).ok_or_else(|| {
                let failure = Failure::new(format!("`{SPEC}` has no place for `git.url` that ecomctl finds"));
                failure.hint(format!("declare it: `git: {{url: {url}}}`"))
            })?;
            spec = parse_spec(SPEC, text.trim_start_matches('\u{feff}'))?;
            changes.insert(SPEC.to_owned(), Some(text.into_bytes()));
        }
        let environment = spec.declared(environment.clone())?;
        let theirs = lock_of(branch, parent)?;
        let lock = with_pins(&ours.merged_onto(base, &theirs), &environment, pins);
        refuse_unlocked(&spec, &lock, &environment)?;
        let platform =
            resolve(&spec, &environment, &lock, |service| Err(format!("{service} is not in the lock")))?;
        let rendered = render::render_tree(&lint::sound(&platform)?, &environment)?;
        if lock != theirs {
            changes.insert(LOCK.to_owned(), Some(lock.text().context("failed to write the lock")?));
        }
        let diff = difference(branch, &environment, &spec, &rendered, parent)?;
        for path in diff.added.iter().chain(&diff.changed) {
            changes.insert(path.clone(), rendered.get(path).cloned());
        }
        changes.extend(diff.deleted.into_iter().map(|path| (path, None)));
        Ok(Self { rendered, lock, changes })
    }

    /// Returns the services whose images are not of a commit alone.
    pub(super) fn dirty(&self, environment: &EnvironmentName) -> Vec<String> {
        let is_dirty = |image: &LockedImage| image.source.as_ref().is_some_and(|source| source.dirty);
        let services = self.lock.services(environment).filter(|(_, image)| is_dirty(image));
        services.map(|(service, _)| service.to_string()).collect()
    }

    /// Returns what the commit is called: the environment, and each image with its source.
    pub(super) fn message(&self, environment: &EnvironmentName) -> String {
        let mut message = format!("{environment}: render manifests\n");
        for (service, image) in self.lock.services(environment) {
            let source = image.source.as_ref().map(|source| {
                let dirty = if source.dirty { " with changes" } else { "" };
                format!(" of {}{dirty}", source.commit.get(..10).unwrap_or(&source.commit))
            });
            let _ = write!(message, "\n{service} {}{}", image.tag, source.unwrap_or_default());
        }
        if self.changes.contains_key(SPEC) {
            let _ = write!(message, "\n\n{DECLARED}");
        }
        message
    }
}

/// Returns the lock of a commit.
pub(in crate::commands) fn lock_of(branch: &Branch, commit: CommitId) -> Result<ImageLock> {
    let text = branch.file(commit, LOCK)?.unwrap_or_default();
    Ok(parse_lock(&String::from_utf8_lossy(&text))?)
}

/// Returns what differs between what is rendered and what a commit has, with files of environments that are gone.
fn difference(
    branch: &Branch,
    environment: &EnvironmentName,
    spec: &PlatformSpec,
    rendered: &RenderedTree,
    commit: CommitId,
) -> Result<TreeDiff> {
    let mut by_environment: BTreeMap<String, RenderedTree> = BTreeMap::new();
    for (path, content) in branch.manifests(commit)? {
        let name = path.strip_prefix("generated/").and_then(|path| path.split('/').next());
        let name = name.or(path.strip_prefix("argocd/").and_then(|path| path.strip_suffix(".yaml")));
        let name = name.unwrap_or_default().to_owned();
        by_environment.entry(name).or_default().insert(path, content);
    }
    let own = by_environment.remove(environment.as_str()).unwrap_or_default();
    let mut diff = TreeDiff::between(rendered, &own)?;
    for (name, files) in &by_environment {
        let declared = name.parse().is_ok_and(|name| spec.declared(name).is_ok());
        if !declared && name.parse::<EnvironmentName>().is_ok() {
            diff.delete_owned(files);
        }
    }
    Ok(diff)
}

pub(in crate::commands) fn refuse_unlocked(
    spec: &PlatformSpec,
    lock: &ImageLock,
    environment: &EnvironmentName,
) -> Result<()> {
    let unlocked = names_of_unlocked(spec, lock, environment);
    if unlocked.is_empty() {
        return Ok(());
    }
    let message = format!("`{LOCK}` has no image of {} for `{environment}`", unlocked.join(", "));
    let hint = if spec.following_builds().contains(environment) {
        "run `ecomctl build --push` first".to_owned()
    } else {
        format!("`ecomctl promote FROM {environment}` gives it all of another environment's")
    };
    Err(Failure::new(message).hint(hint).into())
}
