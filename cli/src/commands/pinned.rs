//! Images that an environment gets from elsewhere than a build: pinned in the lock, rendered, and committed as one change.

use std::fmt::Write;

use anyhow::{Context, Result};

use super::render::commit;
use crate::adapters::workspace::{LOCK, Project};
use crate::error::Exit;
use crate::model::lock::LockedImage;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::spec::PlatformSpec;
use crate::printer::{Printer, short};
use crate::settings::CommitSettings;

/// Pins images in an environment, and commits them with its manifests. `title` is the message's first line if the user has none.
pub(super) fn pin_and_commit(
    project: &Project,
    spec: &PlatformSpec,
    environment: &EnvironmentName,
    images: Vec<(ServiceName, LockedImage)>,
    settings: CommitSettings,
    (title, printer): (&str, Printer),
) -> Result<Exit> {
    let mut message = format!("{title}\n");
    for (service, image) in &images {
        let source = image.source.as_ref().map(|source| format!(" of {}", short(&source.commit)));
        let _ = write!(message, "\n{service} {}{}", image.tag, source.unwrap_or_default());
    }
    {
        let _alone = project.hold("lock")?;
        let before = project.lock()?;
        let mut lock = before.clone();
        for (service, image) in images {
            lock.pin(environment, &service, image);
        }
        if lock != before {
            project.write(LOCK, &lock.text().context("failed to write the lock")?)?;
        }
    }
    let settings = CommitSettings { message: settings.message.or(Some(message)), ..settings };
    commit::run(project, spec, environment, &settings, printer)
}
