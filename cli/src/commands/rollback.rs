//! `ecomctl rollback`.

use std::path::Path;

use anyhow::Result;

use super::pinned::pin_and_commit;
use super::render::candidate::lock_of;
use crate::adapters::git::{Branch, CommitId};
use crate::adapters::workspace::Project;
use crate::cli::RollbackArgs;
use crate::error::{Exit, Failure};
use crate::model::lock::{ImageLock, LockedImage};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::spec::PlatformSpec;
use crate::printer::{Printer, short};
use crate::settings::CommitSettings;

/// How many commits are looked at for other images.
const FAR: usize = 1000;

pub(super) fn run(args: RollbackArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let environment = spec.declared(args.environment)?;
    let branch = Branch::open(project.root(), args.commit.branch.as_deref())?;
    let to = match args.to {
        Some(name) => branch.commit_of(&name)?,
        None => last_other(&branch, &spec, &environment)?,
    };
    let then = lock_of(&branch, to)?;
    let images: Vec<(ServiceName, LockedImage)> = images(&then, &environment);
    if images.is_empty() {
        let message = format!("`{environment}` had no images at {}", short(&to.to_string()));
        return Err(Failure::new(message).hint("`git log ecomctl.lock` lists commits with others").into());
    }
    // What was not there then stays, and what is not declared any more comes back to nobody.
    let images: Vec<_> = images.into_iter().filter(|(name, _)| spec.services.contains_key(name)).collect();
    for service in spec.services.keys().filter(|name| images.iter().all(|(known, _)| known != *name)) {
        printer.warn(format!("{service} was not there at {}: its image stays", short(&to.to_string())));
    }
    let title = format!("{environment}: roll back to {}", short(&to.to_string()));
    pin_and_commit(
        &project,
        &spec,
        &environment,
        &images,
        CommitSettings::from(args.commit),
        (&title, printer),
    )
}

fn images(lock: &ImageLock, environment: &EnvironmentName) -> Vec<(ServiceName, LockedImage)> {
    let services = lock.services(environment);
    services.map(|(service, image)| (service.clone(), image.clone())).collect()
}

/// Returns the last commit in which a service of the environment ran another image than now.
fn last_other(branch: &Branch, spec: &PlatformSpec, environment: &EnvironmentName) -> Result<CommitId> {
    let now = lock_of(branch, branch.tip())?;
    for commit in branch.before().take(FAR) {
        let then = lock_of(branch, commit)?;
        let is_other = |service: &ServiceName| {
            let (now, then) = (now.image(environment, service), then.image(environment, service));
            now.zip(then).is_some_and(|(now, then)| now != then)
        };
        if spec.services.keys().any(is_other) {
            return Ok(commit);
        }
    }
    let message = format!("git knows of no other images of `{environment}`");
    Err(Failure::new(message).hint("`--to COMMIT` names one").into())
}
