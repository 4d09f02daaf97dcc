//! `ecomctl promote`.

use std::path::Path;

use anyhow::{Context, Result};

use super::interrupt::Interrupt;
use super::pinned::pin_and_commit;
use super::render::candidate::refuse_unlocked;
use super::render::commit::{self, Pin, with_pins};
use crate::adapters::credentials;
use crate::adapters::registry::{Copied, RemoteRepository};
use crate::adapters::workspace::Project;
use crate::cli::PromoteArgs;
use crate::error::{Exit, Failure};
use crate::model::image::{Digest, Repository};
use crate::model::lock::LockedImage;
use crate::model::name::ServiceName;
use crate::model::spec::PlatformSpec;
use crate::printer::{Printer, Tasks};
use crate::settings::PromoteSettings;

pub(super) async fn run(args: PromoteArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let settings = PromoteSettings::new(args, &spec)?;
    let mut interrupt = Interrupt::new()?;
    interrupt.during(promote(&project, &spec, settings, printer), printer).await
}

async fn promote(
    project: &Project,
    spec: &PlatformSpec,
    settings: PromoteSettings,
    printer: Printer,
) -> Result<Exit> {
    let PromoteSettings { from, to, services, commit } = settings;
    commit::refuse(project, &to, &commit, printer)?;
    let lock = project.lock()?;
    let find = |service: &ServiceName| {
        let missing = || Failure::new(format!("`{from}` has no image of {service} that could be promoted"));
        let hint = format!("`ecomctl push --environment {from}` pins what was built");
        lock.locked(&from, service).cloned().ok_or_else(|| missing().hint(hint))
    };
    let images = services.iter().map(find).collect::<Result<Vec<LockedImage>, Failure>>()?;
    // What would be refused at the end is refused before anything is copied.
    let pins: Vec<Pin> = services.iter().cloned().zip(images.iter().cloned()).collect();
    refuse_unlocked(spec, &with_pins(&lock, &to, &pins), &to)?;
    let width = services.iter().map(|service| service.as_str().len()).max().unwrap_or_default();
    let tasks = Tasks::new(printer, width);
    let mut promoted = Vec::new();
    for (service, image) in services.into_iter().zip(images) {
        let task = tasks.start(service.as_str());
        let manifest: &Digest = image.manifest.as_ref().ok_or_else(|| {
            let message = format!("the image of {service} was loaded into a node, and is in no registry");
            Failure::new(message).hint("declare a `registry` for where it is built, and `ecomctl push`")
        })?;
        let registry = spec.registry_of(&to);
        let repository =
            registry.map_or_else(|| image.repository.clone(), |registry| registry.repository(&service));
        let mut how = "the same registry";
        if repository != image.repository {
            task.step(&format!("copying to {repository} ..."));
            how = match copy(&image, manifest, &repository).await? {
                Copied::Sent => "copied",
                Copied::Known => "there already",
            };
        }
        task.done(&format!("{repository}:{}, {how}", image.tag));
        promoted.push((service, LockedImage { repository, ..image }));
    }
    let title = format!("{to}: promote from {from}");
    pin_and_commit(project, spec, &to, &promoted, commit, (&title, printer))
}

/// Copies an image to another repository, with the same digest.
async fn copy(image: &LockedImage, manifest: &Digest, to: &Repository) -> Result<Copied> {
    let context = || format!("failed to copy {} to {to}", image.repository);
    let open = async |repository: &Repository| -> Result<RemoteRepository> {
        let credential = credentials::find(repository).await?;
        Ok(RemoteRepository::open(repository, credential.as_ref()).await?)
    };
    let (here, there) = (open(&image.repository).await, open(to).await);
    let (here, there) = (here.with_context(context)?, there.with_context(context)?);
    here.copy_to(&there, manifest, &image.tag).await.with_context(context)
}
