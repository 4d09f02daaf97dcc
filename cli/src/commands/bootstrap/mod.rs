//! `ecomctl bootstrap`: steps that each look at what is there, compare it with what should be, and change the difference.

mod applications;
mod argocd;
mod cluster;
mod images;
mod preflight;
mod repository;
mod secrets;
mod shop;
mod site;
mod waiting;

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use url::Url;

use super::interrupt::Interrupt;
use crate::adapters::workspace::{Hold, Project};
use crate::cli::BootstrapArgs;
use crate::error::{Exit, Failure};
use crate::printer::{Printer, Task, Tasks};
use crate::settings::{BootstrapSettings, Mode};

use site::Site;

/// The steps, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    Preflight,
    Cluster,
    Repository,
    Images,
    ArgoCd,
    Secrets,
    Applications,
    Shop,
}

const STEPS: [Step; 8] = [
    Step::Preflight,
    Step::Cluster,
    Step::Repository,
    Step::Images,
    Step::ArgoCd,
    Step::Secrets,
    Step::Applications,
    Step::Shop,
];

impl Step {
    fn name(self) -> &'static str {
        match self {
            Self::Preflight => "preflight",
            Self::Cluster => "cluster",
            Self::Repository => "repository",
            Self::Images => "images",
            Self::ArgoCd => "argocd",
            Self::Secrets => "secrets",
            Self::Applications => "applications",
            Self::Shop => "shop",
        }
    }
}

/// What a step has found.
#[derive(Debug, Default)]
struct Observed {
    /// What is there.
    fact: String,
    /// What would be changed; nothing when all is as it should be.
    differences: Vec<String>,
}

impl Observed {
    fn same(fact: impl Into<String>) -> Self {
        Self { fact: fact.into(), differences: Vec::new() }
    }

    fn differs(differences: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { fact: String::new(), differences: differences.into_iter().map(Into::into).collect() }
    }
}

#[derive(Serialize)]
struct StepReport {
    step: Step,
    changed: bool,
    differences: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    fact: String,
    seconds: f64,
}

#[derive(Serialize)]
struct Report<'a> {
    environment: &'a str,
    planned: bool,
    changed: bool,
    commit: Option<String>,
    url: Option<Url>,
    steps: Vec<StepReport>,
}

pub(super) async fn run(args: BootstrapArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let settings = BootstrapSettings::new(args, &spec)?;
    let mut interrupt = Interrupt::new()?;
    // Two at once would each undo what the other has not finished.
    let _alone = match settings.mode {
        Mode::Act => Some(alone(&project)?),
        Mode::Plan => None,
    };
    let work = async {
        let mut site = Site::new(project, spec, settings, printer);
        match site.settings.mode {
            Mode::Act => act(&mut site).await,
            Mode::Plan => plan(&mut site).await,
        }
    };
    interrupt.during(Box::pin(work), printer).await
}

/// Keeps others from changing the same cluster from this folder.
pub(super) fn alone(project: &Project) -> Result<Hold> {
    let hold = project.try_hold("bootstrap")?;
    let failure = || {
        Failure::new("another `ecomctl bootstrap` or `destroy` runs in this folder")
            .hint("wait for it, or stop it")
    };
    Ok(hold.ok_or_else(failure)?)
}

/// The width of the longest step's name.
const WIDTH: usize = 12;

async fn act(site: &mut Site) -> Result<Exit> {
    let tasks = Tasks::new(site.printer, WIDTH);
    let began = Instant::now();
    let mut steps = Vec::new();
    for step in STEPS {
        let started = Instant::now();
        // The first step may ask a question, which a live view would wipe out.
        let task = (step != Step::Preflight).then(|| tasks.start(step.name()));
        if let Some(task) = &task {
            task.detail("looking ...");
        }
        let observed = observe(site, step).await?;
        let task = task.unwrap_or_else(|| tasks.start(step.name()));
        let changed = !observed.differences.is_empty();
        let fact = if changed { change(site, step, &task, &observed).await? } else { observed.fact };
        site.has_changed |= changed;
        let seconds = started.elapsed().as_secs_f64();
        let took = if seconds >= 1.0 { format!(" ({seconds:.0} s)") } else { String::new() };
        task.done(&format!("{}{fact}{took}", if changed { "" } else { "unchanged: " }));
        steps.push(StepReport { step, changed, differences: observed.differences, fact, seconds });
    }
    report(site, steps, false)?;
    site.summary(began.elapsed());
    Ok(Exit::Done)
}

async fn plan(site: &mut Site) -> Result<Exit> {
    let mut steps = Vec::new();
    for step in STEPS {
        let started = Instant::now();
        let observed = observe(site, step).await?;
        let name = step.name();
        if !site.printer.is_json() {
            if observed.differences.is_empty() {
                site.printer.line(&format!("= {name:<WIDTH$} {}", observed.fact))?;
            }
            for (index, difference) in observed.differences.iter().enumerate() {
                let name = if index == 0 { name } else { "" };
                site.printer.line(&format!("~ {name:<WIDTH$} {difference}"))?;
            }
        }
        let changed = !observed.differences.is_empty();
        let Observed { fact, differences } = observed;
        steps.push(StepReport { step, changed, differences, fact, seconds: started.elapsed().as_secs_f64() });
    }
    let would_change = steps.iter().filter(|step| step.changed).count();
    report(site, steps, true)?;
    if would_change == 0 {
        site.printer.status("Nothing would change.");
        return Ok(Exit::Done);
    }
    site.printer.status(format!("{would_change} of {} steps would change something.", STEPS.len()));
    Ok(Exit::Difference)
}

fn report(site: &Site, steps: Vec<StepReport>, planned: bool) -> Result<()> {
    if site.printer.is_json() {
        let changed = steps.iter().any(|step| step.changed);
        let commit = site.commit.map(|commit| commit.to_string());
        let environment = site.settings.environment.as_str();
        let url = site.settings.url.clone();
        site.printer.json(&Report { environment, planned, changed, commit, url, steps })?;
    }
    Ok(())
}

async fn observe(site: &mut Site, step: Step) -> Result<Observed> {
    match step {
        Step::Preflight => preflight::observe(site).await,
        Step::Cluster => cluster::observe(site).await,
        Step::Repository => repository::observe(site).await,
        Step::Images => images::observe(site).await,
        Step::ArgoCd => argocd::observe(site).await,
        Step::Secrets => secrets::observe(site).await,
        Step::Applications => applications::observe(site).await,
        Step::Shop => shop::observe(site).await,
    }
}

/// Changes what differs, and returns what is there now.
async fn change(site: &mut Site, step: Step, task: &Task, observed: &Observed) -> Result<String> {
    match step {
        Step::Preflight => Ok(observed.fact.clone()),
        Step::Cluster => cluster::act(site, task).await,
        Step::Repository => repository::act(site, task).await,
        Step::Images => images::act(site, task).await,
        Step::ArgoCd => argocd::act(site, task).await,
        Step::Secrets => secrets::act(site, task).await,
        Step::Applications => applications::act(site, task).await,
        Step::Shop => shop::act(site, task).await,
    }
}
