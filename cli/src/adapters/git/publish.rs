//! Fetching and pushing, by the `git` program.

use std::path::Path;
use std::process::{Command, Output};

use git2::{BranchType, Oid};

use super::{Branch, GitError};

/// Where a branch is pushed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// The remote's name.
    pub name: String,
    /// Its URL, when it is none of the repository's own remotes.
    pub url: Option<String>,
    /// The name of the branch there.
    pub branch: String,
}

impl Remote {
    /// Returns what the `git` program is told.
    fn address(&self) -> &str {
        self.url.as_deref().unwrap_or(&self.name)
    }
}

/// What a push has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// The remote has the commit now.
    New,
    /// It had it before.
    Known,
}

/// Why nothing was pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Somebody else has pushed before.
    #[error("the branch has moved on the remote")]
    Rejected,
    /// The remote does not take it.
    #[error("`{remote}` refuses a push to `{branch}`: {reason}")]
    Refused {
        /// Which remote.
        remote: String,
        /// Which branch.
        branch: String,
        /// Why.
        reason: String,
    },
    /// No way to the remote, or no rights.
    #[error("`git push {remote}` failed: {reason}")]
    Failed {
        /// Which remote.
        remote: String,
        /// What git said.
        reason: String,
    },
    /// There is no `git` program.
    #[error("failed to run `git`")]
    Program(#[from] std::io::Error),
}

impl Branch {
    /// Returns where the branch is pushed to: its upstream, else the branch of the same name at `origin` or the only remote.
    ///
    /// # Errors
    /// There is no remote.
    pub fn remote(&self) -> Result<Remote, GitError> {
        let config = self.repository.config()?;
        let value = |key: &str| config.get_string(&format!("branch.{}.{key}", self.name)).ok();
        // It may be a URL instead of a name.
        let is_known = |name: &String| {
            self.repository
                .find_remote(name)
                .is_ok_and(|remote| remote.name().is_ok_and(|name| name.is_some()))
        };
        if let Some(name) = value("remote").filter(is_known) {
            let branch = value("merge").and_then(|merge| Some(merge.strip_prefix("refs/heads/")?.to_owned()));
            let branch = branch.unwrap_or_else(|| self.name.clone());
            return Ok(Remote { name, url: None, branch });
        }
        let remotes = self.repository.remotes()?;
        let names: Vec<String> = remotes.iter().flatten().flatten().map(ToOwned::to_owned).collect();
        let name = names.iter().find(|name| *name == "origin").or(names.first().filter(|_| names.len() == 1));
        let name = name.ok_or(GitError::NoRemote)?.clone();
        Ok(Remote { name, url: None, branch: self.name.clone() })
    }

    /// Returns the last commit of the remote's branch that is known here.
    #[must_use]
    pub fn known_tip(&self, remote: &Remote) -> Option<Oid> {
        let name = format!("{}/{}", remote.name, remote.branch);
        let branch = self.repository.find_branch(&name, BranchType::Remote).ok()?;
        branch.get().peel_to_commit().ok().map(|commit| commit.id())
    }

    /// Fetches the remote's branch, and returns its last commit; nothing when there is no such branch.
    ///
    /// # Errors
    /// The remote cannot be read.
    pub fn fetch(&self, remote: &Remote) -> Result<Option<Oid>, GitError> {
        let Remote { name, branch, .. } = remote;
        let refs = format!("+refs/heads/{branch}:refs/remotes/{name}/{branch}");
        let fetch = ["fetch", "--quiet", "--no-tags", remote.address(), &refs];
        let output = self.git(&fetch).map_err(GitError::Program)?;
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            return Ok(self.known_tip(remote));
        }
        if said.contains("couldn't find remote ref") {
            return Ok(None);
        }
        Err(GitError::Fetch { remote: name.clone(), reason: without_credentials(said.trim()) })
    }

    /// Asks the remote for the last commit of its branch; there is none when there is no such branch.
    ///
    /// # Errors
    /// The remote cannot be read.
    pub fn remote_tip(&self, remote: &Remote) -> Result<Option<Oid>, GitError> {
        let reference = format!("refs/heads/{}", remote.branch);
        let output = self.git(&["ls-remote", remote.address(), &reference]).map_err(GitError::Program)?;
        let reason = without_credentials(String::from_utf8_lossy(&output.stderr).trim());
        if !output.status.success() {
            return Err(GitError::Fetch { remote: remote.name.clone(), reason });
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.split_whitespace().next().and_then(|id| Oid::from_str(id).ok()))
    }

    /// Makes sure that the remote lets the user push: it is asked, nothing is sent, and no
    /// hook of the user's runs.
    ///
    /// # Errors
    /// See [`PushError`]; that somebody else has pushed before is none.
    pub fn may_push(&self, remote: &Remote) -> Result<(), PushError> {
        match self.push_with(remote, self.tip(), &["--dry-run", "--no-verify"]) {
            Ok(_) | Err(PushError::Rejected) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Returns whether a commit is another one, or follows it; not when it is not known here.
    #[must_use]
    pub fn follows(&self, commit: Oid, earlier: Oid) -> bool {
        commit == earlier || self.repository.graph_descendant_of(commit, earlier).unwrap_or(false)
    }

    /// Returns whether a commit is known here.
    #[must_use]
    pub fn knows(&self, commit: Oid) -> bool {
        self.repository.find_commit(commit).is_ok()
    }

    /// Returns the URL of a remote, if it is known.
    #[must_use]
    pub fn url_of(&self, remote: &Remote) -> Option<String> {
        let found = self.repository.find_remote(&remote.name).ok()?;
        found.pushurl().ok().flatten().or(found.url().ok()).map(ToOwned::to_owned)
    }

    /// Returns the URL of the remote `origin`, if there is one.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        let origin = self.repository.find_remote("origin").ok()?;
        origin.url().ok().map(ToOwned::to_owned)
    }

    /// Pushes a commit to the remote's branch, which it must follow.
    ///
    /// # Errors
    /// See [`PushError`].
    pub fn push(&self, remote: &Remote, commit: Oid) -> Result<Pushed, PushError> {
        self.push_with(remote, commit, &[])
    }

    fn push_with(&self, remote: &Remote, commit: Oid, options: &[&str]) -> Result<Pushed, PushError> {
        let Remote { name, branch, .. } = remote;
        let refs = format!("{commit}:refs/heads/{branch}");
        let push = [&["push", "--porcelain"], options, &[remote.address(), &refs]].concat();
        let output = self.git(&push)?;
        let (out, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            // A line of the output begins with `=` for a branch that has the commit.
            let is_known = out.lines().any(|line| line.starts_with('='));
            return Ok(if is_known { Pushed::Known } else { Pushed::New });
        }
        let reason = without_credentials(said.trim());
        let Some(line) = out.lines().find(|line| line.starts_with('!')) else {
            return Err(PushError::Failed { remote: name.clone(), reason });
        };
        // Two pushes at the same moment: the later one finds another tip, or the lock of the first.
        let raced = [
            "cannot lock ref",
            "failed to update ref",
            "incorrect old value",
            "already exists",
            "stale info",
        ];
        let is_race = line.contains("[rejected]")
            || raced.iter().any(|words| line.contains(words) || said.contains(words));
        if is_race {
            return Err(PushError::Rejected);
        }
        Err(PushError::Refused { remote: name.clone(), branch: branch.clone(), reason })
    }

    /// Returns the commits from `tip` down that the remote has not and that change what is not ecomctl's, the oldest first,
    /// each with its summary.
    ///
    /// # Errors
    /// Git failed.
    pub fn foreign_commits(&self, remote: &Remote, tip: Oid) -> Result<Vec<String>, GitError> {
        let mut walk = self.repository.revwalk()?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE)?;
        walk.push(tip)?;
        match self.known_tip(remote) {
            Some(known) => walk.hide(known)?,
            // The branch is new there: what other branches have is no news.
            None => walk.hide_glob(&format!("refs/remotes/{}/*", remote.name))?,
        }
        let mut foreign = Vec::new();
        for id in walk {
            let id = id?;
            if self.is_foreign(id)? {
                let commit = self.repository.find_commit(id)?;
                let summary = commit.summary().ok().flatten().unwrap_or_default().to_owned();
                foreign.push(format!("{} {summary}", &id.to_string()[..10]));
            }
        }
        Ok(foreign)
    }

    /// Returns the last commit that two have in common, if they have any.
    #[must_use]
    pub fn merge_base(&self, one: Oid, other: Oid) -> Option<Oid> {
        self.repository.merge_base(one, other).ok()
    }

    /// Runs git in the user's terminal, where it may ask for a password.
    fn git(&self, args: &[&str]) -> std::io::Result<Output> {
        let folder = self.repository.workdir().unwrap_or(Path::new("."));
        // Its words are looked at, so they must not be translated.
        let mut command = Command::new("git");
        command.arg("-C").arg(folder);
        if args.iter().any(|arg| arg.starts_with("ext::")) {
            command.args(["-c", "protocol.ext.allow=always"]);
        }
        command.args(args).env("LC_ALL", "C").output()
    }
}

/// Git repeats URLs in its errors, which may have a token in them.
fn without_credentials(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split_inclusive(char::is_whitespace) {
        match (word.find("://"), word.rfind('@')) {
            (Some(scheme), Some(at)) if at > scheme => {
                words.push(format!("{}***{}", &word[..scheme + 3], &word[at..]));
            }
            _ => words.push(word.to_owned()),
        }
    }
    words.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_in_urls_are_not_repeated() {
        let said = "fatal: unable to access 'https://you:t0ken@example.com/shop.git/': 403";
        assert_eq!(
            without_credentials(said),
            "fatal: unable to access 'https://***@example.com/shop.git/': 403"
        );
    }
}
