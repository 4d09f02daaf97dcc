//! What a commit of manifests has done.

use anyhow::Result;
use serde::Serialize;

use crate::adapters::git::CommitId;
use crate::adapters::workspace::{LOCK, SPEC};
use crate::model::name::EnvironmentName;
use crate::printer::Printer;

#[derive(Serialize)]
struct Report<'a> {
    environment: &'a EnvironmentName,
    branch: &'a str,
    commit: Option<String>,
    pushed: Option<String>,
    files: Vec<&'a str>,
}

/// What was committed.
pub(in crate::commands) struct Committed {
    /// The branch's last commit now.
    pub(in crate::commands) tip: CommitId,
    /// The branch.
    pub(super) branch: String,
    /// The commit that was made, if something had changed.
    pub(super) commit: Option<CommitId>,
    /// The files that had.
    pub(super) files: Vec<String>,
    /// The commit that was pushed, if the remote did not have it.
    pub(super) pushed: Option<CommitId>,
    pub(super) remote: Option<String>,
}

impl Committed {
    /// Tells what was done.
    pub(in crate::commands) fn tell(&self, printer: Printer) {
        let Self { branch, commit, files, pushed, remote, .. } = self;
        match (pushed.or(*commit), remote) {
            (None, _) => {
                printer.status(format!("Nothing to commit: `{branch}` has what `{SPEC}` and `{LOCK}` say."));
            }
            (Some(id), None) => {
                printer.status(format!("Committed {} files to `{branch}`: {}", files.len(), short(id)));
            }
            (Some(id), Some(remote)) if pushed.is_some() => {
                printer.status(format!("Pushed {} to `{remote}`.", short(id)));
            }
            (Some(id), Some(remote)) => {
                printer.status(format!("Committed {}; `{remote}` has it already.", short(id)));
            }
        }
    }

    /// The same, and the result for programs.
    pub(super) fn print(&self, environment: &EnvironmentName, printer: Printer) -> Result<()> {
        self.tell(printer);
        if printer.is_json() {
            let Self { branch, commit, files, pushed, remote, .. } = self;
            let shown = pushed.or(*commit).map(|id| id.to_string());
            let pushed = remote.clone().filter(|_| pushed.is_some());
            let files = files.iter().map(String::as_str).collect();
            printer.json(&Report { environment, branch, commit: shown, pushed, files })?;
        }
        Ok(())
    }
}

fn short(id: CommitId) -> String {
    id.to_string().chars().take(10).collect()
}
