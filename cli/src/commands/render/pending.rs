//! What a commit would change, and where it would be pushed to.

use anyhow::Result;

use super::candidate::{self, Candidate};
use crate::adapters::git::{Branch, CommitId, GitError, Remote};
use crate::adapters::workspace::Project;
use crate::model::name::EnvironmentName;
use crate::settings::{AfterCommit, CommitSettings};

/// What a commit would change.
pub(in crate::commands) struct Pending {
    /// The branch's last commit.
    pub(in crate::commands) tip: CommitId,
    /// The files that the next one would have otherwise.
    pub(in crate::commands) files: Vec<String>,
    /// Whether the remote has this commit, or one that follows it.
    pub(in crate::commands) is_pushed: bool,
}

/// Returns what the next commit would change, without doing it.
pub(in crate::commands) fn pending(
    project: &Project,
    environment: &EnvironmentName,
    settings: &CommitSettings,
) -> Result<Pending> {
    let branch = Branch::open(project.root(), settings.branch.as_deref())?;
    let base = candidate::lock_of(&branch, branch.head())?;
    let declare = settings.declare.as_ref();
    let candidate =
        Candidate::new(&branch, environment, branch.tip(), (&base, &project.lock()?, &[]), declare)?;
    let is_pushed = match remote(&branch, &settings.then)? {
        Some(remote) => match branch.remote_tip(&remote)? {
            Some(tip) if branch.follows(tip, branch.tip()) => true,
            Some(tip) if !branch.knows(tip) => {
                branch.fetch(&remote)?;
                branch.follows(tip, branch.tip())
            }
            _ => false,
        },
        None => true,
    };
    Ok(Pending { tip: branch.tip(), files: candidate.changes.into_keys().collect(), is_pushed })
}

/// Returns where a commit is pushed to, if it is.
pub(super) fn remote(branch: &Branch, then: &AfterCommit) -> Result<Option<Remote>, GitError> {
    Ok(match then {
        AfterCommit::Push => Some(branch.remote()?),
        AfterCommit::PushTo { name, url, branch } => {
            Some(Remote { name: name.clone(), url: Some(url.clone()), branch: branch.clone() })
        }
        AfterCommit::Stay => None,
    })
}
