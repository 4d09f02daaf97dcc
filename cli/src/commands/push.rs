//! `ecomctl push`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::task::JoinSet;

use super::build;
use super::interrupt::Interrupt;
use crate::adapters::credentials;
use crate::adapters::docker::Engine;
use crate::adapters::git::Repo;
use crate::adapters::registry::{RemoteImage, RemoteRepository};
use crate::adapters::workspace::{LOCK, Project};
use crate::cli::PushArgs;
use crate::error::{Exit, Failure};
use crate::model::lock::LockedImage;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::plan::build::{INPUTS_LABEL, PlannedImage};
use crate::printer::{Printer, Task, Tasks};
use crate::settings::{PushSettings, PushTarget};

/// An image that is where nodes get it from.
#[derive(Serialize)]
pub(super) struct Delivered {
    pub(super) environment: EnvironmentName,
    pub(super) service: ServiceName,
    /// Whether it was pushed now.
    pub(super) pushed: bool,
    #[serde(flatten)]
    pub(super) image: LockedImage,
}

pub(super) async fn run(args: PushArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let settings = PushSettings::new(args, &spec)?;
    let mut interrupt = Interrupt::new()?;
    let work = async {
        let engine = Engine::connect().await?;
        let plan = build::planned(&project, &spec, &settings.services, settings.compile, &engine).await?;
        push(&project, &engine, &plan.images, &settings.targets, printer).await?;
        Ok(Exit::Done)
    };
    interrupt.during(work, printer).await
}

/// Pushes images to each target, and pins them in the lock once all are there.
pub(super) async fn push(
    project: &Project,
    engine: &Engine,
    images: &[PlannedImage],
    targets: &[PushTarget],
    printer: Printer,
) -> Result<()> {
    let mut delivered = deliver(project, engine, images, targets, printer).await?;
    if pin(project, images, &mut delivered)? {
        let count = delivered.len();
        printer.status(format!("Pinned {count} images in `{LOCK}`. Next: ecomctl render --commit --push"));
    } else {
        printer.status(format!("`{LOCK}` is up to date."));
    }
    if printer.is_json() {
        printer.json(&delivered)?;
    }
    Ok(())
}

/// Pushes images to each target, and returns what is to be pinned.
pub(super) async fn deliver(
    project: &Project,
    engine: &Engine,
    images: &[PlannedImage],
    targets: &[PushTarget],
    printer: Printer,
) -> Result<Vec<Delivered>> {
    // A lock with a mistake is told of before anything is pushed.
    project.lock()?;
    refuse_one_login_for_many(targets)?;
    let label = |image: &PlannedImage, target: &PushTarget| match targets {
        [_] => image.service.to_string(),
        _ => format!("{} ({})", image.service, target.environment),
    };
    let names = targets.iter().flat_map(|target| images.iter().map(move |image| label(image, target)));
    let tasks = Tasks::new(printer, names.map(|name| name.len()).max().unwrap_or_default());
    let mut pushes = JoinSet::new();
    for target in targets {
        for image in images {
            let task = tasks.start(&label(image, target));
            task.detail(&format!("asking {}", target.registry));
            pushes.spawn(push_one(engine.clone(), image.clone(), target.clone(), task));
        }
    }
    let mut reports = Vec::new();
    while let Some(pushed) = pushes.join_next().await {
        reports.push(pushed.context("a push was lost")??);
    }
    reports.sort_by(|a, b| (&a.environment, &a.service).cmp(&(&b.environment, &b.service)));
    Ok(reports)
}

/// The variables hold a login for one registry: another one must not be shown it.
fn refuse_one_login_for_many(targets: &[PushTarget]) -> Result<()> {
    let hosts: BTreeSet<&str> = targets.iter().map(|target| target.registry.host()).collect();
    if hosts.len() < 2 || !credentials::are_in_variables() {
        return Ok(());
    }
    let hosts: Vec<&str> = hosts.into_iter().collect();
    let message = format!("`{}` would be shown to {}", credentials::VARIABLES[1], hosts.join(" and "));
    Err(Failure::new(message).usage().hint("push to one `--environment` at a time").into())
}

async fn push_one(engine: Engine, image: PlannedImage, target: PushTarget, task: Task) -> Result<Delivered> {
    let repository = target.registry.repository(&image.service);
    let context = || format!("failed to push {repository}:{}", image.tag);
    let credential = credentials::find(&repository).await.with_context(context)?;
    let remote = RemoteRepository::open(&repository, credential.as_ref()).await.with_context(context)?;
    let (found, pushed) = if let Some(found) = remote.image(&image.tag).await.with_context(context)? {
        (found, false)
    } else {
        if engine.image(&image.reference()).await?.is_none() {
            let failure = Failure::new(format!("there is no image of {} of this source", image.service));
            return Err(failure.hint(format!("run `ecomctl build {}` first", image.service)).into());
        }
        task.step("pushing ...");
        engine.tag(&image.reference(), &repository, &image.tag).await.with_context(context)?;
        let told = |done: u64, all: u64| {
            if let Some(percent) = (done * 100).checked_div(all) {
                task.detail(&format!("pushing {} %", percent.min(100)));
            }
        };
        engine.push(&repository, &image.tag, credential.as_ref(), told).await.with_context(context)?;
        // A login may not last as long as a push.
        let remote = RemoteRepository::open(&repository, credential.as_ref()).await.with_context(context)?;
        let missing = || Failure::new(format!("registry `{}` has not kept the image", repository.host()));
        let kept = remote.image(&image.tag).await.with_context(context)?;
        (kept.ok_or_else(missing).with_context(context)?, true)
    };
    check_inputs(&image, &found).with_context(context)?;
    let RemoteImage { manifest, config, .. } = found;
    task.done(&format!("{} {repository}:{}@{manifest}", if pushed { "Pushed" } else { "Found" }, image.tag));
    let PlannedImage { service, tag, digest: inputs, .. } = image;
    let image = LockedImage { repository, tag, manifest: Some(manifest), config, inputs, source: None };
    Ok(Delivered { environment: target.environment, service, pushed, image })
}

/// A tag is never overwritten: what it names in the registry must be built from the same inputs.
fn check_inputs(image: &PlannedImage, found: &RemoteImage) -> Result<()> {
    let theirs = found.labels.get(INPUTS_LABEL);
    if theirs.is_some_and(|inputs| *inputs == image.digest.to_string()) {
        return Ok(());
    }
    let theirs = theirs.map_or("none that are known".to_owned(), |inputs| format!("`{inputs}`"));
    let message = format!("the registry has another image of this tag, with inputs {theirs}");
    Err(Failure::new(message).hint("a tag is never overwritten: delete it there if nobody uses it").into())
}

/// Pins what was delivered in the lock, which is written whole or not at all; returns whether it has changed.
pub(super) fn pin(project: &Project, images: &[PlannedImage], reports: &mut [Delivered]) -> Result<bool> {
    let _alone = project.hold("lock")?;
    let before = project.lock()?;
    let mut lock = before.clone();
    for report in reports.iter_mut() {
        let known = before.locked(&report.environment, &report.service);
        if known.is_none_or(|known| known.inputs != report.image.inputs) {
            let planned = images.iter().find(|image| image.service == report.service);
            let folders = planned.map(|image| image.folders.clone()).unwrap_or_default();
            report.image.source = Repo::source_of(project.root(), &folders)?;
        }
        lock.pin(&report.environment, &report.service, report.image.clone());
        report.image.source =
            lock.locked(&report.environment, &report.service).and_then(|image| image.source.clone());
    }
    if lock == before {
        return Ok(false);
    }
    project.write(LOCK, &lock.text().context("failed to write the lock")?)?;
    Ok(true)
}
