//! Git: the object database through git2, the network through the `git` program, which knows the user's keys, helpers
//! and proxies.

mod branch;
mod publish;

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use git2::{
    Commit, Config, ErrorCode, Index, IndexEntry, IndexTime, Oid, Repository, RepositoryInitOptions,
    Signature, StatusOptions, Tree,
};

use crate::model::lock::Source;
use crate::model::tree::RenderedTree;

pub use branch::{Advanced, Branch, DECLARED};
pub use git2::Oid as CommitId;
pub use publish::{PushError, Pushed, Remote};

/// Why git did not do it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// Nobody has told git who commits.
    #[error("git does not know who you are")]
    NoIdentity,
    /// There is no `git` program, and a commit is to be signed.
    #[error("failed to run `git`")]
    Program(#[source] io::Error),
    /// A commit cannot be signed.
    #[error("git cannot sign the commit: {0}")]
    Sign(String),
    /// The folder is in no repository.
    #[error("`{}` is in no git repository", .0.display())]
    NoRepository(PathBuf),
    /// No branch is checked out.
    #[error("no branch is checked out: HEAD is detached")]
    Detached,
    /// The branch has no commit.
    #[error("branch `{0}` has no commit yet")]
    Unborn(String),
    /// Something else is going on.
    #[error("a {0} is in progress")]
    InProgress(&'static str),
    /// Another work tree is of the branch.
    #[error("branch `{0}` is checked out in another work tree")]
    Elsewhere(String),
    /// There is no remote to push to.
    #[error("the repository has no remote")]
    NoRemote,
    /// A name is none of a branch.
    #[error("`{0}` is no valid name of a branch")]
    BranchName(String),
    /// A name means no commit.
    #[error("`{0}` is no commit of this repository")]
    NoCommit(String),
    /// The remote cannot be read.
    #[error("`git fetch {remote}` failed: {reason}")]
    Fetch {
        /// Which.
        remote: String,
        /// What git said.
        reason: String,
    },
    /// Git failed.
    #[error("git failed: {}", .0.message())]
    Git(git2::Error),
}

impl From<git2::Error> for GitError {
    fn from(error: git2::Error) -> Self {
        Self::Git(error)
    }
}

impl GitError {
    /// Returns whether another git is at work in the repository.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Git(error) if error.code() == ErrorCode::Locked)
    }
}

/// A repository with a work tree.
pub struct Repo(Repository);

/// Who commits.
#[derive(Clone, Debug)]
pub struct Identity {
    name: String,
    email: String,
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

impl Identity {
    /// Returns what `GIT_AUTHOR_NAME` and `GIT_AUTHOR_EMAIL` say, else `user.name` and `user.email` of the repository in
    /// `folder` if there is one, else of the user's configuration.
    ///
    /// # Errors
    /// None of them does.
    pub fn for_commits_in(folder: &Path) -> Result<Self, GitError> {
        Self::of(&match Repository::open(folder) {
            Ok(repository) => repository.config()?,
            Err(_) => Config::open_default()?,
        })
    }

    fn of(config: &Config) -> Result<Self, GitError> {
        let value = |variable: &str, key: &str| {
            let value = std::env::var(variable).ok().or_else(|| config.get_string(key).ok());
            value.filter(|value| !value.is_empty()).ok_or(GitError::NoIdentity)
        };
        Ok(Self {
            name: value("GIT_AUTHOR_NAME", "user.name")?,
            email: value("GIT_AUTHOR_EMAIL", "user.email")?,
        })
    }
}

/// Returns the work tree that a folder is in, if it is not the root of one itself.
#[must_use]
pub fn enclosing(folder: &Path) -> Option<PathBuf> {
    let existing = folder.ancestors().find(|folder| folder.is_dir())?;
    if folder.join(".git").exists() {
        return None;
    }
    Repository::discover(existing).ok()?.workdir().map(Path::to_owned)
}

impl Repo {
    /// Returns the repository of a folder: the one whose root it is, else a new one on branch `main`.
    ///
    /// # Errors
    /// It can be neither opened nor made.
    pub fn open_or_init(folder: &Path) -> Result<Self, GitError> {
        if folder.join(".git").exists() {
            return Ok(Self(Repository::open(folder)?));
        }
        let mut options = RepositoryInitOptions::new();
        options.initial_head("main").no_reinit(true);
        Ok(Self(Repository::init_opts(folder, &options)?))
    }

    /// Adds the remote `origin`, or points it to `url` and returns what it was.
    ///
    /// # Errors
    /// Git failed.
    pub fn set_origin(&self, url: &str) -> Result<Option<String>, GitError> {
        let before = self.0.find_remote("origin").ok();
        let before = before.and_then(|remote| remote.url().map(ToOwned::to_owned).ok());
        match &before {
            Some(before) if before == url => return Ok(None),
            Some(_) => self.0.remote_set_url("origin", url)?,
            None => drop(self.0.remote("origin", url)?),
        }
        Ok(before)
    }

    /// Returns the commit that is checked out in the repository of `root`, and whether files in `folders` or those that pin
    /// crates differ from it; nothing when there is no repository or no commit.
    ///
    /// # Errors
    /// Git failed.
    pub fn source_of(root: &Path, folders: &[String]) -> Result<Option<Source>, GitError> {
        let Ok(repository) = Repository::discover(root) else { return Ok(None) };
        let Ok(head) = repository.head().and_then(|head| head.peel_to_commit()) else { return Ok(None) };
        let prefix = branch::prefix(&repository, root)?;
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).include_ignored(false);
        options.disable_pathspec_match(true);
        for path in folders.iter().map(String::as_str).chain(["Cargo.lock", "Cargo.toml"]) {
            options.pathspec(format!("{prefix}{path}"));
        }
        let dirty = !repository.statuses(Some(&mut options))?.is_empty();
        Ok(Some(Source { commit: head.id().to_string(), dirty }))
    }

    /// Commits exactly `files` on the current branch and returns the new commit, or `None` when it has them already.
    /// The first commit of a repository is made on `main`. What else is staged stays staged.
    ///
    /// # Errors
    /// Git failed.
    pub fn commit(
        &self,
        files: &RenderedTree,
        message: &str,
        identity: &Identity,
    ) -> Result<Option<String>, GitError> {
        let repository = &self.0;
        let parent = match repository.head() {
            Ok(head) => Some(head.peel_to_commit()?),
            Err(error) if error.code() == ErrorCode::UnbornBranch => {
                repository.set_head("refs/heads/main")?;
                None
            }
            Err(error) => return Err(error.into()),
        };
        let mut wanted = Index::new()?;
        if let Some(parent) = &parent {
            wanted.read_tree(&parent.tree()?)?;
        }
        let mut staged = repository.index()?;
        for (path, content) in files {
            wanted.add(&entry(path, repository.blob(content)?, content.len()))?;
            staged.add_path(Path::new(path))?;
        }
        staged.write()?;
        let tree = repository.find_tree(wanted.write_tree_to(repository)?)?;
        if parent.as_ref().is_some_and(|parent| parent.tree_id() == tree.id()) {
            return Ok(None);
        }
        let commit = commit_tree(repository, &tree, parent.as_ref(), message, identity)?;
        // HEAD points to the branch; the branch moves only if it is still where it was.
        let head = repository.find_reference("HEAD")?;
        let branch = head.symbolic_target().ok().flatten().unwrap_or("HEAD");
        match &parent {
            Some(parent) => repository.reference_matching(branch, commit, true, parent.id(), message)?,
            None => repository.reference(branch, commit, false, message)?,
        };
        Ok(Some(commit.to_string()))
    }
}

/// Makes a commit that no branch has yet, signed if the user wants that.
fn commit_tree(
    repository: &Repository,
    tree: &Tree<'_>,
    parent: Option<&Commit<'_>>,
    message: &str,
    identity: &Identity,
) -> Result<Oid, GitError> {
    if repository.config()?.get_bool("commit.gpgsign").unwrap_or(false) {
        return commit_signed(repository, tree.id(), parent.map(Commit::id), message, identity);
    }
    let who = Signature::now(&identity.name, &identity.email)?;
    let parents: Vec<_> = parent.into_iter().collect();
    Ok(repository.commit(None, &who, &who, message, tree, &parents)?)
}

/// Makes a signed commit of `tree` with the `git` program, which knows the user's keys.
fn commit_signed(
    repository: &Repository,
    tree: Oid,
    parent: Option<Oid>,
    message: &str,
    identity: &Identity,
) -> Result<Oid, GitError> {
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(repository.path()).args([
        "commit-tree",
        "-S",
        &tree.to_string(),
        "-m",
        message.trim_end(),
    ]);
    command.args(parent.iter().flat_map(|parent| ["-p".to_owned(), parent.to_string()]));
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), &identity.name);
        command.env(format!("GIT_{role}_EMAIL"), &identity.email);
    }
    let output = command.output().map_err(GitError::Program)?;
    if !output.status.success() {
        return Err(GitError::Sign(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(Oid::from_str(String::from_utf8_lossy(&output.stdout).trim())?)
}

/// Returns the index entry of a plain file. Only path, mode and content matter to a tree.
fn entry(path: &str, id: git2::Oid, length: usize) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: 0o100_644,
        uid: 0,
        gid: 0,
        file_size: u32::try_from(length).unwrap_or(u32::MAX),
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}
