//! A branch that manifests are committed to, without touching what else the user has changed or staged.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use git2::build::CheckoutBuilder;
use git2::{BranchType, ErrorCode, Index, ObjectType, Oid, Repository, RepositoryState, TreeWalkMode};

use super::{GitError, Identity, commit_tree, entry};
use crate::adapters::files;
use crate::model::tree::RenderedTree;

/// Folders that only ecomctl writes to.
const OWNED: [&str; 2] = ["argocd/", "generated/"];
/// A file that only ecomctl writes.
const LOCK: &str = "ecomctl.lock";
/// A file of the user's, to which ecomctl adds what it was found out.
const SPEC: &str = "ecomctl.yaml";
/// The line of a commit's message that says so.
pub const DECLARED: &str = "Declared-by: ecomctl bootstrap";

/// A branch of the repository that a project is in.
pub struct Branch {
    pub(super) repository: Repository,
    /// From the repository's root to the project's: empty, or with `/` at the end.
    prefix: String,
    pub(super) name: String,
    /// The branch that is checked out.
    current: String,
    is_checked_out: bool,
    head: Oid,
    tip: Oid,
}

/// What became of the branch and the work tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advanced {
    /// Both are at the new commit.
    Done,
    /// Nothing was touched: files that the user has changed are others in the new commit.
    Behind,
}

/// Returns the path from a repository's root to a folder, with `/` at the end unless it is empty.
pub(super) fn prefix(repository: &Repository, root: &Path) -> Result<String, GitError> {
    let outside = || GitError::NoRepository(root.to_owned());
    let work_tree = repository.workdir().ok_or_else(outside)?.canonicalize().map_err(|_| outside())?;
    let path = root.strip_prefix(&work_tree).map_err(|_| outside())?;
    let path = path.to_string_lossy();
    Ok(if path.is_empty() { String::new() } else { format!("{path}/") })
}

impl Branch {
    /// Returns the branch that is checked out in the repository of `root`, or the one called `other`, which begins at
    /// HEAD if there is none of this name.
    ///
    /// # Errors
    /// There is no repository, no branch, no commit; or a merge or the like is in progress.
    pub fn open(root: &Path, other: Option<&str>) -> Result<Self, GitError> {
        let repository = Repository::discover(root).map_err(|error| match error.code() {
            ErrorCode::NotFound => GitError::NoRepository(root.to_owned()),
            _ => GitError::Git(error),
        })?;
        if let Some(what) = in_progress(repository.state()) {
            return Err(GitError::InProgress(what));
        }
        let prefix = prefix(&repository, root)?;
        let (current, head) = {
            let reference = repository.find_reference("HEAD")?;
            let target = reference.symbolic_target().ok().flatten().map(ToOwned::to_owned);
            let current = target.and_then(|name| Some(name.strip_prefix("refs/heads/")?.to_owned()));
            let current = current.ok_or(GitError::Detached)?;
            match repository.head() {
                Ok(head) => (current, head.peel_to_commit()?.id()),
                Err(error) if error.code() == ErrorCode::UnbornBranch => {
                    return Err(GitError::Unborn(current));
                }
                Err(error) => return Err(error.into()),
            }
        };
        let name = other.unwrap_or(&current).to_owned();
        if !git2::Branch::name_is_valid(&name)? {
            return Err(GitError::BranchName(name));
        }
        let is_checked_out = name == current;
        if !is_checked_out && is_checked_out_elsewhere(&repository, &name) {
            return Err(GitError::Elsewhere(name));
        }
        let tip = match repository.find_branch(&name, BranchType::Local) {
            Ok(branch) => branch.get().peel_to_commit()?.id(),
            Err(_) => head,
        };
        Ok(Self { repository, prefix, name, current, is_checked_out, head, tip })
    }

    /// Returns who commits.
    ///
    /// # Errors
    /// Nobody has told git.
    pub fn identity(&self) -> Result<Identity, GitError> {
        Identity::of(&self.repository.config()?)
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the branch that is checked out.
    #[must_use]
    pub fn current(&self) -> &str {
        &self.current
    }

    /// Returns whether the work tree is of this branch.
    #[must_use]
    pub fn is_checked_out(&self) -> bool {
        self.is_checked_out
    }

    /// Returns the commit that is checked out.
    #[must_use]
    pub fn head(&self) -> Oid {
        self.head
    }

    /// Returns its last commit.
    #[must_use]
    pub fn tip(&self) -> Oid {
        self.tip
    }

    /// Returns the commit that a name means, such as `HEAD~2`, a tag or the first digits of an id.
    ///
    /// # Errors
    /// It means none.
    pub fn commit_of(&self, name: &str) -> Result<Oid, GitError> {
        let named = self.repository.revparse_single(name).and_then(|object| object.peel_to_commit());
        named.map(|commit| commit.id()).map_err(|_| GitError::NoCommit(name.to_owned()))
    }

    /// Returns the commits before the branch's last one, the newest first; of merges, those of the branch itself.
    pub fn before(&self) -> impl Iterator<Item = Oid> {
        let parent = |id: &Oid| self.repository.find_commit(*id).ok()?.parent_id(0).ok();
        std::iter::successors(parent(&self.tip), move |id| parent(id))
    }

    /// Returns a file of a commit; its path is from the project's root.
    ///
    /// # Errors
    /// Git failed.
    pub fn file(&self, commit: Oid, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let tree = self.repository.find_commit(commit)?.tree()?;
        let entry = match tree.get_path(Path::new(&format!("{}{path}", self.prefix))) {
            Ok(entry) => entry,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(entry.to_object(&self.repository)?.as_blob().map(|blob| blob.content().to_vec()))
    }

    /// Returns the YAML and JSON files of a commit that are below `argocd` and `generated`, by path from the project's root.
    ///
    /// # Errors
    /// Git failed.
    pub fn manifests(&self, commit: Oid) -> Result<RenderedTree, GitError> {
        let root = self.repository.find_commit(commit)?.tree()?;
        let mut files = RenderedTree::new();
        for folder in ["argocd", "generated"] {
            let path = format!("{}{folder}", self.prefix);
            let Ok(found) = root.get_path(Path::new(&path)) else { continue };
            let object = found.to_object(&self.repository)?;
            let Some(tree) = object.as_tree() else { continue };
            tree.walk(TreeWalkMode::PreOrder, |parent, entry| {
                let name = entry.name().unwrap_or_default();
                let is_manifest = [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending));
                if entry.kind() == Some(ObjectType::Blob) && is_manifest {
                    let blob = entry.to_object(&self.repository).ok();
                    let content =
                        blob.as_ref().and_then(|blob| blob.as_blob()).map(|blob| blob.content().to_vec());
                    files.insert(format!("{folder}/{parent}{name}"), content.unwrap_or_default());
                }
                0
            })?;
        }
        Ok(files)
    }

    /// Returns whether two commits have the same files of ecomctl's.
    #[must_use]
    pub fn same_manifests(&self, one: Oid, other: Oid) -> bool {
        self.changed_paths(one, other).is_ok_and(|paths| !paths.iter().any(|path| self.owns(path)))
    }

    /// Makes a commit on `parent` whose files differ from it in `changes` alone, and returns it; no branch has it yet.
    ///
    /// # Errors
    /// Git failed.
    pub fn commit(
        &self,
        parent: Oid,
        changes: &BTreeMap<String, Option<Vec<u8>>>,
        message: &str,
        identity: &Identity,
    ) -> Result<Oid, GitError> {
        let parent = self.repository.find_commit(parent)?;
        let mut wanted = Index::new()?;
        wanted.read_tree(&parent.tree()?)?;
        for (path, content) in changes {
            let path = format!("{}{path}", self.prefix);
            match content {
                Some(content) => wanted.add(&entry(&path, self.repository.blob(content)?, content.len()))?,
                None => wanted.remove(Path::new(&path), 0)?,
            }
        }
        let tree = self.repository.find_tree(wanted.write_tree_to(&self.repository)?)?;
        commit_tree(&self.repository, &tree, Some(&parent), message, identity)
    }

    /// Moves the branch to a commit that follows `from`. If it is checked out, the files that differ follow, in the work tree
    /// and in the index, and no others.
    ///
    /// # Errors
    /// Git failed, or the branch has moved meanwhile.
    pub fn advance(&mut self, from: Oid, to: Oid, message: &str) -> Result<Advanced, GitError> {
        if self.is_checked_out {
            let paths = self.changed_paths(from, to)?;
            if paths.iter().any(|path| !self.owns(path) && !self.may_replace(path, to)) {
                return Ok(Advanced::Behind);
            }
            self.check_out(to, &paths)?;
        }
        let reference = format!("refs/heads/{}", self.name);
        match self.repository.find_reference(&reference) {
            Ok(_) => drop(self.repository.reference_matching(&reference, to, true, from, message)?),
            Err(_) => drop(self.repository.reference(&reference, to, false, message)?),
        }
        self.tip = to;
        if self.is_checked_out {
            self.head = to;
        }
        Ok(Advanced::Done)
    }

    /// Returns those of `paths` whose entry in the index is not what the branch has, as after a kill.
    ///
    /// # Errors
    /// Git failed.
    pub fn unsettled(&self, paths: Vec<String>) -> Result<Vec<String>, GitError> {
        if !self.is_checked_out {
            return Ok(Vec::new());
        }
        let tree = self.repository.find_commit(self.head)?.tree()?;
        let index = self.repository.index()?;
        let differs = |path: &String| {
            let path = format!("{}{path}", self.prefix);
            let committed = tree.get_path(Path::new(&path)).ok().map(|entry| entry.id());
            committed != index.get_path(Path::new(&path), 0).map(|entry| entry.id)
        };
        Ok(paths.into_iter().filter(differs).collect())
    }

    /// Makes the index have `paths` as the branch has them.
    ///
    /// # Errors
    /// Git failed.
    pub fn settle(&self, paths: &[String]) -> Result<(), GitError> {
        let tree = self.repository.find_commit(self.head)?.tree()?;
        let mut index = self.repository.index()?;
        for path in paths.iter().map(|path| format!("{}{path}", self.prefix)) {
            let path = Path::new(&path);
            match tree.get_path(path) {
                Ok(found) => {
                    let length = self.repository.find_blob(found.id())?.content().len();
                    index.add(&entry(&path.to_string_lossy(), found.id(), length))?;
                }
                Err(_) => index.remove(path, 0)?,
            }
        }
        Ok(index.write()?)
    }

    /// Removes locks of git that a killed ecomctl has left, and not those that somebody took later than `until`.
    pub fn break_locks(&self, until: SystemTime) {
        for name in ["index.lock", "HEAD.lock"] {
            files::remove_older(&self.repository.path().join(name), until);
        }
        let reference = format!("refs/heads/{}.lock", self.name);
        files::remove_older(&self.repository.commondir().join(reference), until);
    }

    /// Returns whether a file of the work tree differs from the one that is checked out, as git sees it.
    ///
    /// # Errors
    /// Git failed.
    pub fn is_changed(&self, path: &str) -> Result<bool, GitError> {
        let path = format!("{}{path}", self.prefix);
        let tree = self.repository.find_commit(self.head)?.tree()?;
        let committed = tree.get_path(Path::new(&path)).ok().map(|entry| entry.id());
        Ok(committed != self.in_work_tree(Path::new(&path)))
    }

    /// Returns what a file of the work tree would be if it was added.
    fn in_work_tree(&self, path: &Path) -> Option<Oid> {
        let path = self.repository.workdir()?.join(path);
        path.exists().then(|| self.repository.blob_path(&path).ok()).flatten()
    }

    /// Returns whether a path from the repository's root is ecomctl's to write.
    pub(super) fn owns(&self, path: &str) -> bool {
        let is_owned = |path: &str| path == LOCK || OWNED.iter().any(|owned| path.starts_with(owned));
        path.strip_prefix(&self.prefix).is_some_and(is_owned)
    }

    pub(super) fn changed_paths(&self, from: Oid, to: Oid) -> Result<Vec<String>, GitError> {
        let (from, to) =
            (self.repository.find_commit(from)?.tree()?, self.repository.find_commit(to)?.tree()?);
        let diff = self.repository.diff_tree_to_tree(Some(&from), Some(&to), None)?;
        let path = |delta: git2::DiffDelta<'_>| {
            let path = delta.new_file().path().or(delta.old_file().path())?;
            Some(path.to_string_lossy().into_owned())
        };
        Ok(diff.deltas().filter_map(path).collect())
    }

    /// Whether nothing of the user's is lost when a file becomes that of a commit: it is as in HEAD, or is that already.
    fn may_replace(&self, path: &str, to: Oid) -> bool {
        let path = Path::new(path);
        match self.repository.status_file(path) {
            Ok(status) if status.is_empty() => return true,
            Err(error) if error.code() == ErrorCode::NotFound => return true,
            _ => {}
        }
        let tree = self.repository.find_commit(to).and_then(|commit| commit.tree());
        let wanted = tree.ok().and_then(|tree| tree.get_path(path).ok()).map(|entry| entry.id());
        wanted == self.in_work_tree(path)
    }

    fn check_out(&self, to: Oid, paths: &[String]) -> Result<(), GitError> {
        if paths.is_empty() {
            return Ok(());
        }
        let mut checkout = CheckoutBuilder::new();
        checkout.force().disable_pathspec_match(true).update_index(true);
        for path in paths {
            checkout.path(path);
        }
        let commit = self.repository.find_object(to, Some(ObjectType::Commit))?;
        Ok(self.repository.checkout_tree(&commit, Some(&mut checkout))?)
    }

    /// Whether a commit changes what is not ecomctl's.
    pub(super) fn is_foreign(&self, id: Oid) -> Result<bool, GitError> {
        let commit = self.repository.find_commit(id)?;
        match commit.parent_count() {
            1 => {
                let spec = format!("{}{SPEC}", self.prefix);
                let declares = commit.message().is_ok_and(|message| message.contains(DECLARED));
                let is_ours = |path: &String| self.owns(path) || (declares && *path == spec);
                Ok(!self.changed_paths(commit.parent_id(0)?, id)?.iter().all(is_ours))
            }
            _ => Ok(true),
        }
    }
}

/// Whether another work tree of the repository is of a branch.
fn is_checked_out_elsewhere(repository: &Repository, name: &str) -> bool {
    let reference = format!("refs/heads/{name}");
    let is_there = |other: Repository| {
        let head = other.find_reference("HEAD").ok();
        head.and_then(|head| head.symbolic_target().ok().flatten().map(|target| target == reference))
            .unwrap_or(false)
    };
    let main = Repository::open(repository.commondir()).ok();
    let linked = repository.worktrees().ok();
    let linked = linked.iter().flat_map(|names| names.iter().flatten().flatten());
    let mut linked = linked.filter_map(|name| {
        let worktree = repository.find_worktree(name).ok()?;
        Repository::open_from_worktree(&worktree).ok()
    });
    main.is_some_and(is_there) || linked.any(is_there)
}

fn in_progress(state: RepositoryState) -> Option<&'static str> {
    Some(match state {
        RepositoryState::Clean => return None,
        RepositoryState::Merge => "merge",
        RepositoryState::Revert | RepositoryState::RevertSequence => "revert",
        RepositoryState::CherryPick | RepositoryState::CherryPickSequence => "cherry-pick",
        RepositoryState::Bisect => "bisect",
        RepositoryState::Rebase | RepositoryState::RebaseInteractive | RepositoryState::RebaseMerge => {
            "rebase"
        }
        RepositoryState::ApplyMailbox | RepositoryState::ApplyMailboxOrRebase => "`git am`",
    })
}
