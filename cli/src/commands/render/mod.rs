//! `ecomctl render`.

pub(super) mod candidate;
pub(super) mod commit;
mod committed;
pub(super) mod pending;

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::adapters::workspace::Project;
use crate::cli::RenderArgs;
use crate::commands::lint;
use crate::error::Exit;
use crate::model::lock::ImageLock;
use crate::model::manifests::Manifests;
use crate::model::name::EnvironmentName;
use crate::model::resolve::{ResolvedPlatform, resolve};
use crate::model::spec::PlatformSpec;
use crate::model::tree::{RenderedTree, TreeDiff};
use crate::printer::Printer;
use crate::render;
use crate::settings::{RenderMode, RenderSettings};

pub(super) fn run(args: RenderArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let (spec, lock) = (project.spec()?, project.lock()?);
    let RenderSettings { environment, mode } = RenderSettings::new(args, &spec)?;
    if let RenderMode::Commit(settings) = &mode {
        return commit::run(&project, &spec, &environment, settings, printer);
    }
    let platform = resolve_in(&project, &spec, &lock, &environment)?;
    let manifests = lint::sound(&platform)?;
    warn_of_unlocked(&names_of_unlocked(&spec, &lock, &environment), printer);
    if mode == RenderMode::Stdout {
        printer.bytes(&render::stream(&manifests)?)?;
        return Ok(Exit::Done);
    }
    let (tree, mut diff) = compare(&project, &manifests, &environment)?;
    for orphan in project.rendered_environments()? {
        if spec.declared(orphan.clone()).is_err() {
            diff.delete_owned(&project.rendered(&orphan)?);
        }
    }
    if mode == RenderMode::Write {
        project.apply(&diff, &tree)?;
    }
    report(&environment, &mode, tree.len(), &diff, printer)?;
    Ok(if mode == RenderMode::Check && !diff.is_empty() { Exit::Difference } else { Exit::Done })
}

/// Writes the files of the default environment, and returns all of them and what differed.
pub(super) fn write(project: &Project) -> Result<(RenderedTree, TreeDiff)> {
    let (spec, lock) = (project.spec()?, project.lock()?);
    let environment = spec.default_environment();
    let manifests = lint::sound(&resolve_in(project, &spec, &lock, &environment)?)?;
    let (tree, diff) = compare(project, &manifests, &environment)?;
    project.apply(&diff, &tree)?;
    Ok((tree, diff))
}

/// Returns the platform in an environment; versions are those of the project's packages.
pub(super) fn resolve_in(
    project: &Project,
    spec: &PlatformSpec,
    lock: &ImageLock,
    environment: &EnvironmentName,
) -> Result<ResolvedPlatform> {
    Ok(resolve(spec, environment, lock, |service| project.version(service))?)
}

fn compare(
    project: &Project,
    manifests: &Manifests,
    environment: &EnvironmentName,
) -> Result<(RenderedTree, TreeDiff)> {
    let tree = render::render_tree(manifests, environment)?;
    let diff = TreeDiff::between(&tree, &project.rendered(environment)?)?;
    Ok((tree, diff))
}

/// Returns the services that the lock has no image of.
fn names_of_unlocked(spec: &PlatformSpec, lock: &ImageLock, environment: &EnvironmentName) -> Vec<String> {
    let unlocked = spec.services.keys().filter(|service| lock.locked(environment, service).is_none());
    let mut names: Vec<String> = unlocked.map(ToString::to_string).collect();
    names.sort();
    names
}

fn warn_of_unlocked(names: &[String], printer: Printer) {
    if !names.is_empty() {
        let names = names.join(", ");
        printer.warn(format!("`ecomctl.lock` has no image of {names}: the package's version is the tag"));
    }
}

#[derive(Serialize)]
struct Report<'a> {
    environment: &'a EnvironmentName,
    files: usize,
    #[serde(flatten)]
    diff: &'a TreeDiff,
}

fn report(
    environment: &EnvironmentName,
    mode: &RenderMode,
    files: usize,
    diff: &TreeDiff,
    printer: Printer,
) -> Result<()> {
    if printer.is_json() {
        printer.json(&Report { environment, files, diff })?;
    }
    let place = format!("`generated/{environment}` and `argocd/{environment}.yaml`");
    if diff.is_empty() {
        printer.status(format!("{place} are up to date ({files} files)."));
        return Ok(());
    }
    if *mode == RenderMode::Check {
        for (what, paths) in
            [("missing", &diff.added), ("different", &diff.changed), ("no longer declared", &diff.deleted)]
        {
            for path in paths {
                if !printer.is_json() {
                    printer.line(&format!("{path}: {what}"))?;
                }
            }
        }
        printer.status(format!(
            "{place} are not what `ecomctl.yaml` and `ecomctl.lock` say: run `ecomctl render`."
        ));
        return Ok(());
    }
    let (added, changed, deleted) = (diff.added.len(), diff.changed.len(), diff.deleted.len());
    printer.status(format!(
        "Rendered {files} files to {place}: {added} new, {changed} changed, {deleted} deleted."
    ));
    Ok(())
}
