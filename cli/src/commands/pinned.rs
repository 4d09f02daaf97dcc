//! Images that an environment gets from elsewhere than a build: pinned, rendered and committed as one change.

use std::fmt::Write;

use anyhow::Result;

use super::render::commit::{self, Pin};
use crate::adapters::workspace::Project;
use crate::error::Exit;
use crate::model::name::EnvironmentName;
use crate::model::spec::PlatformSpec;
use crate::printer::{Printer, short};
use crate::settings::CommitSettings;

/// Pins images in an environment, and commits them with its manifests. `title` is the message's first line if the user has none.
pub(super) fn pin_and_commit(
    project: &Project,
    spec: &PlatformSpec,
    environment: &EnvironmentName,
    pins: &[Pin],
    settings: CommitSettings,
    (title, printer): (&str, Printer),
) -> Result<Exit> {
    let mut message = format!("{title}\n");
    for (service, image) in pins {
        let source = image.source.as_ref().map(|source| format!(" of {}", short(&source.commit)));
        let _ = write!(message, "\n{service} {}{}", image.tag, source.unwrap_or_default());
    }
    let settings = CommitSettings { message: settings.message.or(Some(message)), ..settings };
    commit::run_with(project, spec, environment, (&settings, pins), printer)
}
