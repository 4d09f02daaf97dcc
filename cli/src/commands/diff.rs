//! `ecomctl diff`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use similar::TextDiff;

use super::lint;
use super::render::resolve_in;
use crate::adapters::git::Branch;
use crate::adapters::workspace::Project;
use crate::cli::DiffArgs;
use crate::error::Exit;
use crate::model::name::EnvironmentName;
use crate::model::tree::{RenderedTree, TreeDiff};
use crate::printer::Printer;
use crate::render;

#[derive(Serialize)]
struct Report<'a> {
    environment: &'a EnvironmentName,
    /// What it is compared with: a commit, or an environment.
    with: &'a str,
    #[serde(flatten)]
    diff: &'a TreeDiff,
}

pub(super) fn run(args: DiffArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let (spec, lock) = (project.spec()?, project.lock()?);
    let environment = match args.of {
        Some(environment) => spec.declared(environment)?,
        None => spec.default_environment(),
    };
    let platform = resolve_in(&project, &spec, &lock, &environment)?;
    let ours = render::render_tree(&lint::sound(&platform)?, &environment)?;
    let (name, with, theirs) = if let Some(other) = args.environment {
        let other = spec.declared(other)?;
        let mut other_platform = resolve_in(&project, &spec, &lock, &other)?;
        // Under the names of the first one, so that what is left are differences.
        other_platform.environment = environment.clone();
        other_platform.suffix.clone_from(&platform.suffix);
        (
            other.to_string(),
            format!("`{other}`"),
            render::render_tree(&lint::sound(&other_platform)?, &environment)?,
        )
    } else {
        let branch = Branch::open(project.root(), None)?;
        let (folder, file) = (format!("generated/{environment}/"), format!("argocd/{environment}.yaml"));
        let mut committed = branch.manifests(branch.tip())?;
        committed.retain(|path, _| path.starts_with(&folder) || *path == file);
        (branch.tip().to_string(), format!("the last commit of `{}`", branch.name()), committed)
    };
    let diff = TreeDiff::between(&ours, &theirs)?;
    if printer.is_json() {
        printer.json(&Report { environment: &environment, with: &name, diff: &diff })?;
    } else {
        print(&diff, (&theirs, &ours), printer)?;
    }
    if diff.is_empty() {
        printer.status(format!("`{environment}` is the same as {with}."));
        return Ok(Exit::Done);
    }
    let (added, changed, deleted) = (diff.added.len(), diff.changed.len(), diff.deleted.len());
    printer.status(format!(
        "`{environment}` differs from {with}: {added} files more, {changed} changed, {deleted} fewer."
    ));
    Ok(Exit::Difference)
}

/// Prints the lines that differ, as `diff -u` does.
fn print(diff: &TreeDiff, (old, new): (&RenderedTree, &RenderedTree), printer: Printer) -> Result<()> {
    let paths: BTreeSet<&String> = diff.added.iter().chain(&diff.changed).chain(&diff.deleted).collect();
    for path in paths {
        let text = |tree: &RenderedTree| {
            tree.get(path).map(|content| String::from_utf8_lossy(content).into_owned()).unwrap_or_default()
        };
        let name = |tree: &RenderedTree, side: &str| {
            if tree.contains_key(path) { format!("{side}/{path}") } else { "/dev/null".to_owned() }
        };
        let (old_text, new_text) = (text(old), text(new));
        let lines = TextDiff::from_lines(&old_text, &new_text);
        let mut unified = lines.unified_diff();
        let unified = unified.header(&name(old, "a"), &name(new, "b")).to_string();
        for line in unified.lines() {
            printer.diff_line(line)?;
        }
    }
    Ok(())
}
