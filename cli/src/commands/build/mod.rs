//! `ecomctl build`.

mod planned;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Serialize;
use tokio::task::JoinSet;

use super::interrupt::Interrupt;
use super::push;
use crate::adapters::cargo;
use crate::adapters::docker::{self, BuildRequest, Engine, Excluded};
use crate::adapters::workspace::Project;
use crate::cli::BuildArgs;
use crate::error::{Exit, Failure};
use crate::model::image::Digest;
use crate::model::inputs::{Change, Inputs};
use crate::model::name::ServiceName;
use crate::plan::build::{Compile, INPUTS_LABEL, PlannedImage};
use crate::printer::{Printer, Task, Tasks};
use crate::settings::{BuildSettings, Explain};

pub(super) use planned::{Plan, planned};

/// An image that the engine has.
#[derive(Clone, Debug)]
pub(super) struct BuiltImage {
    /// What it is built from.
    pub(super) planned: PlannedImage,
    /// Its id.
    pub(super) id: Digest,
    /// Whether it was built now.
    pub(super) is_new: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    service: &'a ServiceName,
    image: String,
    id: &'a Digest,
    inputs: &'a Digest,
    built: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<&'a Vec<Change>>,
}

pub(super) async fn run(args: BuildArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let settings = BuildSettings::new(args, &spec)?;
    let mut interrupt = Interrupt::new()?;
    let work = async {
        let engine = Engine::connect().await?;
        let plan = planned(&project, &spec, &settings.services, settings.compile, &engine).await?;
        let changes = changes(&project, &plan.images)?;
        if settings.explain == Explain::Changes {
            explain(&changes, printer)?;
        }
        let again = || planned(&project, &spec, &settings.services, settings.compile, &engine);
        let built = build(&project, &plan, &engine, again, printer).await?;
        if printer.is_json() && settings.push.is_none() {
            let reports = built.iter().map(|image| Report {
                service: &image.planned.service,
                image: image.planned.reference(),
                id: &image.id,
                inputs: &image.planned.digest,
                built: image.is_new,
                changes: changes[&image.planned.service].as_ref(),
            });
            printer.json(&reports.collect::<Vec<_>>())?;
        }
        if let Some(targets) = &settings.push {
            push::push(&project, &engine, &plan.images, targets, printer).await?;
        }
        Ok(Exit::Done)
    };
    interrupt.during(work, printer).await
}

/// Builds those of the planned images that the engine does not have. `again` makes the plan anew once all that goes into the
/// images has been read.
pub(super) async fn build<F: Future<Output = Result<Plan>>>(
    project: &Project,
    plan: &Plan,
    engine: &Engine,
    again: impl FnOnce() -> F,
    printer: Printer,
) -> Result<Vec<BuiltImage>> {
    let (mut built, mut missing) = (Vec::new(), Vec::new());
    for image in &plan.images {
        match present(engine, image).await? {
            Some(id) => {
                remember(project, image)?;
                built.push(BuiltImage { planned: image.clone(), id, is_new: false });
            }
            None => missing.push(image.clone()),
        }
    }
    if missing.is_empty() {
        for image in &built {
            printer.status(format!("{} is up to date.", image.planned.reference()));
        }
        return Ok(built);
    }
    // What would be missing after minutes of compiling is told of now.
    for image in &missing {
        dockerfile(project, &image.service)?;
    }
    let requests = match &plan.sources.compile {
        Compile::Here { target } => prebuilt(project, plan, &missing, target, engine, printer).await?,
        Compile::InContainer { platform } => from_source(project, &missing, platform)?,
    };
    // What goes into the images is what was planned, or their tags would lie.
    let digests = |plan: &Plan| plan.images.iter().map(|image| image.digest.clone()).collect::<Vec<_>>();
    if digests(&again().await?) != digests(plan) {
        let failure = Failure::new("the source changed while it was compiled");
        return Err(failure.hint("run `ecomctl build` again").into());
    }
    let width = plan.images.iter().map(|image| image.service.as_str().len()).max().unwrap_or_default();
    let tasks = Tasks::new(printer, width);
    // What one compiles in the engine, the next one finds in its cache.
    let at_once = if matches!(plan.sources.compile, Compile::InContainer { .. }) { 1 } else { missing.len() };
    let mut waiting = missing.into_iter().zip(requests);
    let mut builds = JoinSet::new();
    loop {
        while builds.len() < at_once
            && let Some((image, request)) = waiting.next()
        {
            let task = tasks.start(image.service.as_str());
            task.step("building the image ...");
            builds.spawn(build_one(engine.clone(), image, request, task));
        }
        let Some(image) = builds.join_next().await else { break };
        let image = image.context("a build was lost")??;
        remember(project, &image.planned)?;
        built.push(image);
    }
    built.sort_by(|a, b| a.planned.service.cmp(&b.planned.service));
    Ok(built)
}

async fn build_one(
    engine: Engine,
    image: PlannedImage,
    request: BuildRequest,
    task: Task,
) -> Result<BuiltImage> {
    let began = Instant::now();
    // What is compiled in the engine takes minutes, and is told line by line; what is only put together is not.
    let compiles = request.stage.is_none();
    let told = |line: &str| {
        if compiles {
            task.step(line);
        }
    };
    let id = engine.build(request, told).await;
    let id = id.with_context(|| format!("failed to build the image of {}", image.service))?;
    task.done(&format!("Built {} in {:.1} s.", image.reference(), began.elapsed().as_secs_f64()));
    Ok(BuiltImage { planned: image, id, is_new: true })
}

/// Returns the id of the image that the engine has of the same inputs.
async fn present(engine: &Engine, image: &PlannedImage) -> Result<Option<Digest>> {
    let Some(found) = engine.image(&image.reference()).await? else { return Ok(None) };
    let same = found.labels.get(INPUTS_LABEL).is_some_and(|inputs| *inputs == image.digest.to_string());
    Ok(same.then_some(found.id))
}

/// Compiles all services on this machine, and returns how the images are made of them.
async fn prebuilt(
    project: &Project,
    plan: &Plan,
    missing: &[PlannedImage],
    target: &str,
    engine: &Engine,
    printer: Printer,
) -> Result<Vec<BuildRequest>> {
    let names: Vec<String> = plan.every.iter().map(ToString::to_string).collect();
    printer.status(format!("Compiling {} for {target} ...", names.join(", ")));
    let began = Instant::now();
    let kind = cargo::Target::Container { triple: target.to_owned(), rustflags: plan.rustflags.clone() };
    let programs = cargo::build(project.root(), &names, &kind, printer.is_quiet()).await?;
    printer.status(format!("Compiled {} services in {:.1} s.", names.len(), began.elapsed().as_secs_f64()));
    missing.iter().map(|image| request(project, image, &programs, engine)).collect()
}

fn request(
    project: &Project,
    image: &PlannedImage,
    programs: &BTreeMap<String, PathBuf>,
    engine: &Engine,
) -> Result<BuildRequest> {
    let name = image.service.as_str();
    let dockerfile = dockerfile(project, &image.service)?;
    let program = project.program(&programs[name])?;
    Ok(BuildRequest {
        reference: image.reference(),
        context: docker::prebuilt(&dockerfile, name, &program)?,
        dockerfile: "Dockerfile".to_owned(),
        stage: Some("prebuilt".to_owned()),
        labels: image.labels.clone(),
        platform: engine.platform.clone(),
    })
}

fn path_of_dockerfile(service: &ServiceName) -> String {
    format!("services/{service}/Dockerfile")
}

fn dockerfile(project: &Project, service: &ServiceName) -> Result<Vec<u8>> {
    let path = path_of_dockerfile(service);
    let found = project.read([path.as_str()])?.into_values().next();
    let missing =
        || Failure::new(format!("there is no `{path}`")).hint("it says how the image of the service is made");
    found.ok_or_else(|| missing().into())
}

/// Returns how the images are made of the sources, in the engine.
fn from_source(project: &Project, missing: &[PlannedImage], platform: &str) -> Result<Vec<BuildRequest>> {
    let ignore = project.read([".dockerignore"])?.into_values().next().unwrap_or_default();
    let excluded = Excluded::parse(&String::from_utf8_lossy(&ignore));
    let context = docker::compiled(&project.sources(|path| excluded.matches(path))?)?;
    let request = |image: &PlannedImage| BuildRequest {
        reference: image.reference(),
        context: context.clone(),
        dockerfile: path_of_dockerfile(&image.service),
        stage: None,
        labels: image.labels.clone(),
        platform: platform.to_owned(),
    };
    Ok(missing.iter().map(request).collect())
}

fn record(service: &ServiceName) -> String {
    format!("builds/{service}.json")
}

const HISTORY: &str = "builds/history.json";

/// Returns the digests of the inputs of all images that were built in this folder.
pub(super) fn history(project: &Project) -> Result<BTreeSet<String>> {
    let text = project.read_private(HISTORY)?;
    Ok(text.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default())
}

/// Keeps what an image was built from, for `--explain`, and that it was built here, for `images`.
fn remember(project: &Project, image: &PlannedImage) -> Result<()> {
    let text =
        serde_json::to_vec_pretty(&image.inputs).context("failed to write what an image was built from")?;
    if project.read_private(&record(&image.service))?.as_ref() != Some(&text) {
        project.write_private(&record(&image.service), &text)?;
    }
    let mut known = history(project)?;
    if known.insert(image.digest.to_string()) {
        let text = serde_json::to_vec(&known).context("failed to write which images were built")?;
        project.write_private(HISTORY, &text)?;
    }
    Ok(())
}

/// Returns what differs from the last build of each image; nothing is known of one that was never built here.
fn changes(project: &Project, images: &[PlannedImage]) -> Result<BTreeMap<ServiceName, Option<Vec<Change>>>> {
    let change = |image: &PlannedImage| {
        let before = project.read_private(&record(&image.service))?;
        let before: Option<Inputs> = before.and_then(|text| serde_json::from_slice(&text).ok());
        let changes = before.map(|before| image.inputs.changes_since(&before));
        Ok((image.service.clone(), changes))
    };
    images.iter().map(change).collect()
}

fn explain(changes: &BTreeMap<ServiceName, Option<Vec<Change>>>, printer: Printer) -> Result<()> {
    for (service, changes) in changes {
        let lines = match changes {
            None => vec!["no earlier build is known in this folder".to_owned()],
            Some(changes) if changes.is_empty() => vec!["nothing changed since the last build".to_owned()],
            Some(changes) => changes.iter().map(ToString::to_string).collect(),
        };
        for line in lines.iter().filter(|_| !printer.is_json()) {
            printer.line(&format!("{service}: {line}"))?;
        }
    }
    Ok(())
}
