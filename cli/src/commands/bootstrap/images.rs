//! The images: built, where the nodes get them from, pinned, and in the manifests that are committed and pushed.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use tokio::task::spawn_blocking;

use super::site::Site;
use super::{Observed, waiting};
use crate::adapters::credentials;
use crate::adapters::registry::RemoteRepository;
use crate::commands::build::{self, Plan};
use crate::commands::push::{self, Delivered};
use crate::commands::render::{commit, pending};
use crate::error::Failure;
use crate::model::image::Registry;
use crate::model::lock::LockedImage;
use crate::model::name::ServiceName;
use crate::plan::build::PlannedImage;
use crate::printer::{Task, Tasks, short};

/// How an image stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// It is nowhere that nodes get it from.
    Nowhere,
    /// It is there, and the lock says something else.
    Unpinned,
    /// It is there, and pinned.
    Pinned,
}

pub(super) async fn observe(site: &mut Site) -> Result<Observed> {
    let plan = planned(site).await?;
    let places = places(site, &plan).await?;
    let how = match (&site.settings.push, &site.settings.load_with) {
        (Some(target), _) => format!("push to {}", target.registry),
        (None, Some(loader)) => format!("load by `{loader}`"),
        (None, None) => "load".to_owned(),
    };
    let mut told: Vec<String> = Vec::new();
    for (image, place) in plan.images.iter().zip(&places) {
        match place {
            Place::Nowhere => told.push(format!("build {} and {how}", image.reference())),
            Place::Unpinned => told.push(format!("pin {}", image.reference())),
            Place::Pinned => {}
        }
    }
    if told.is_empty() {
        told.extend(uncommitted(site).await?);
    } else {
        told.push("commit and push manifests of them".to_owned());
    }
    if told.is_empty() {
        return Ok(Observed::same(fact(site)));
    }
    Ok(Observed::differs(told))
}

pub(super) async fn act(site: &mut Site, task: &Task) -> Result<String> {
    let plan = planned(site).await?;
    let places = places(site, &plan).await?;
    let missing: Vec<PlannedImage> = plan
        .images
        .iter()
        .zip(&places)
        .filter(|(_, place)| **place == Place::Nowhere)
        .map(|(image, _)| image.clone())
        .collect();
    // What follows has live views of its own.
    task.hide();
    if places.iter().any(|place| *place != Place::Pinned) {
        build(site, &plan, missing.clone()).await?;
        let mut delivered = match &site.settings.push {
            Some(target) => {
                let targets = std::slice::from_ref(target);
                push::deliver(&site.project, site.engine()?, &plan.images, targets, site.printer).await?
            }
            None => load(site, &missing).await?,
        };
        push::pin(&site.project, &plan.images, &mut delivered)?;
    }
    let (project, spec, environment, printer) =
        (site.project.clone(), site.spec.clone(), site.settings.environment.clone(), site.printer);
    let settings = site.commit_settings();
    // Git blocks, and Ctrl-C must be heard.
    let committed = spawn_blocking(move || commit::commit(&project, &spec, &environment, &settings, printer));
    let committed = committed.await.context("the commit was lost")??;
    site.commit = Some(committed.tip);
    Ok(fact(site))
}

/// Returns what is there when nothing is missing.
fn fact(site: &Site) -> String {
    let commit = site.commit.map(|commit| commit.to_string()).unwrap_or_default();
    format!("{} pinned, commit {} is pushed", site.spec.services.len(), short(&commit))
}

async fn planned(site: &Site) -> Result<Plan> {
    let mut services: Vec<ServiceName> = site.spec.services.keys().cloned().collect();
    services.sort();
    let mut plan =
        build::planned(&site.project, &site.spec, &services, site.settings.compile, site.engine()?).await?;
    // An environment that does not follow builds runs what its lock says.
    if !site.spec.following_builds().contains(&site.settings.environment) {
        plan.images.clear();
    }
    Ok(plan)
}

async fn places(site: &Site, plan: &Plan) -> Result<Vec<Place>> {
    let lock = site.project.lock()?;
    let environment = &site.settings.environment;
    let on_nodes = match (&site.settings.push, &site.cluster) {
        (None, Some(cluster)) => waiting::images_on_nodes(cluster, &site.namespace()).await?,
        _ => BTreeSet::new(),
    };
    let mut places = Vec::with_capacity(plan.images.len());
    for image in &plan.images {
        let locked = lock.locked(environment, &image.service).filter(|locked| locked.inputs == image.digest);
        let place = match &site.settings.push {
            Some(target) => in_registry(&target.registry, image, locked).await?,
            None => on_node(image, locked, &on_nodes),
        };
        places.push(place);
    }
    Ok(places)
}

async fn in_registry(
    registry: &Registry,
    image: &PlannedImage,
    locked: Option<&LockedImage>,
) -> Result<Place> {
    let repository = registry.repository(&image.service);
    let credential = credentials::find(&repository).await?;
    let remote = RemoteRepository::open(&repository, credential.as_ref()).await?;
    let Some(found) = remote.image(&image.tag).await? else { return Ok(Place::Nowhere) };
    let is_pinned = locked.is_some_and(|locked| {
        locked.repository == repository && locked.manifest.as_ref() == Some(&found.manifest)
    });
    Ok(if is_pinned { Place::Pinned } else { Place::Unpinned })
}

fn on_node(image: &PlannedImage, locked: Option<&LockedImage>, on_nodes: &BTreeSet<String>) -> Place {
    let is_loaded = locked.is_some_and(|locked| locked.manifest.is_none());
    if is_loaded && on_nodes.contains(&image.reference()) { Place::Pinned } else { Place::Nowhere }
}

async fn build(site: &Site, plan: &Plan, missing: Vec<PlannedImage>) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let engine = site.engine()?;
    let mut plan = plan.clone();
    plan.images = missing;
    let services: Vec<ServiceName> = plan.images.iter().map(|image| image.service.clone()).collect();
    let again = || build::planned(&site.project, &site.spec, &services, site.settings.compile, engine);
    build::build(&site.project, &plan, engine, again, site.printer).await?;
    Ok(())
}

/// Takes images of the engine into the nodes, and returns what is to be pinned.
async fn load(site: &Site, missing: &[PlannedImage]) -> Result<Vec<Delivered>> {
    let loader = site.settings.load_with.as_ref().context("nothing loads images")?;
    let width = missing.iter().map(|image| image.service.as_str().len()).max().unwrap_or_default();
    let tasks = Tasks::new(site.printer, width);
    let mut delivered = Vec::new();
    for image in missing {
        let found = site.engine()?.image(&image.reference()).await?;
        let found =
            found.ok_or_else(|| Failure::new(format!("the engine has lost {}", image.reference())))?;
        let task = tasks.start(image.service.as_str());
        task.step(&format!("loading by `{loader}` ..."));
        loader.load(&image.reference(), |line| task.detail(line)).await?;
        task.done(&format!("Loaded {}", image.reference()));
        delivered.push(Delivered {
            environment: site.settings.environment.clone(),
            service: image.service.clone(),
            pushed: false,
            image: LockedImage {
                repository: Registry::loaded().repository(&image.service),
                tag: image.tag.clone(),
                manifest: None,
                config: found.id,
                inputs: image.digest.clone(),
                source: None,
            },
        });
    }
    Ok(delivered)
}

/// Returns what the commit that is deployed lacks, and remembers it when it lacks nothing.
async fn uncommitted(site: &mut Site) -> Result<Vec<String>> {
    if !site.has_repository {
        return Ok(vec!["commit and push manifests".to_owned()]);
    }
    let (project, environment, settings) =
        (site.project.clone(), site.settings.environment.clone(), site.commit_settings());
    let found = spawn_blocking(move || pending::pending(&project, &environment, &settings));
    let found = found.await.context("git was lost")??;
    site.commit = Some(found.tip);
    let mut told: Vec<String> = found.files.iter().map(|file| format!("commit {file}")).collect();
    if told.len() > 5 {
        told = vec![format!("commit {} files", told.len())];
    }
    if !found.is_pushed {
        told.push("push the commit".to_owned());
    }
    Ok(told)
}
