//! Git: the object database through git2.

use std::path::Path;

use git2::{Config, ErrorCode, Index, IndexEntry, IndexTime, Repository, RepositoryInitOptions, Signature};

use crate::model::tree::RenderedTree;

/// Why git did not do it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// Nobody has told git who commits.
    #[error("git does not know who you are")]
    NoIdentity,
    /// Git failed.
    #[error("git failed")]
    Git(#[from] git2::Error),
}

/// A repository with a work tree.
pub struct Repo(Repository);

/// Who commits.
#[derive(Clone, Debug)]
pub struct Identity {
    name: String,
    email: String,
}

impl Identity {
    /// Returns what `GIT_AUTHOR_NAME` and `GIT_AUTHOR_EMAIL` say, else `user.name` and `user.email` of the user's
    /// configuration.
    ///
    /// # Errors
    /// Neither does.
    pub fn of_user() -> Result<Self, GitError> {
        let config = Config::open_default()?;
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

    /// Adds the remote `origin`, or points it to `url`.
    ///
    /// # Errors
    /// Git failed.
    pub fn set_origin(&self, url: &str) -> Result<(), GitError> {
        match self.0.remote("origin", url) {
            Err(error) if error.code() == ErrorCode::Exists => Ok(self.0.remote_set_url("origin", url)?),
            added => Ok(added.map(drop)?),
        }
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
        let who = Signature::now(&identity.name, &identity.email)?;
        let parents: Vec<_> = parent.iter().collect();
        let commit = repository.commit(Some("HEAD"), &who, &who, message, &tree, &parents)?;
        Ok(Some(commit.to_string()))
    }
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
