//! `ecomctl init`.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::{render, schema};
use crate::adapters::cargo;
use crate::adapters::git::{Identity, Repo};
use crate::adapters::workspace::{self, Project};
use crate::error::{Exit, Failure};
use crate::model::tree::RenderedTree;
use crate::plan::scaffold::{ScaffoldOptions, scaffold};
use crate::printer::Printer;
use crate::settings::{Existing, InitSettings};

const MESSAGE: &str = "A shop of three services, made by ecomctl\n";
const LOCK: &str = "Cargo.lock";

#[derive(Serialize)]
struct Report {
    folder: String,
    files: usize,
    overwritten: Vec<String>,
    commit: Option<String>,
}

pub(super) fn run(settings: InitSettings, directory: &Path, printer: Printer) -> Result<Exit> {
    let InitSettings { folder, scaffold: options, existing } = settings;
    let root = directory.join(&folder);
    let shown = folder.display();
    if existing == Existing::Refuse && !workspace::entries(&root)?.is_empty() {
        let failure = Failure::new(format!("`{shown}` has files already"));
        return Err(failure.hint("choose another folder, or `--force` to make the shop among them").into());
    }
    // Asked before anything is written: a shop without its first commit is half a shop.
    let identity = Identity::of_user()?;
    let mut files = files(&options)?;
    let overwritten = overwritten(&root, &files)?;
    let project = Project::at(&root);
    for (path, content) in &files {
        project.write(path, content)?;
    }
    cargo::settle_lock(&root).with_context(|| format!("failed to make `{LOCK}` fit the new shop"))?;
    files.extend(project.read([LOCK])?);
    files.extend(render::write(&project)?);

    let repo = Repo::open_or_init(&root)?;
    let commit = repo.commit(&files, MESSAGE, &identity)?;
    if let Some(url) = &options.git_url {
        repo.set_origin(url.as_str())?;
    }
    for path in &overwritten {
        printer.warn(format!("overwrote `{path}`, which differed"));
    }
    let report = Report { folder: shown.to_string(), files: files.len(), overwritten, commit };
    if printer.is_json() {
        printer.json(&report)?;
    }
    printer.status(summary(&report));
    Ok(Exit::Done)
}

fn files(options: &ScaffoldOptions) -> Result<RenderedTree> {
    let mut files = scaffold(options)?;
    files.insert(schema::PATH.to_owned(), schema::text()?);
    Ok(files)
}

/// Returns the files that exist with another content. `Cargo.lock` is not one: cargo has changed it since.
fn overwritten(root: &Path, files: &RenderedTree) -> Result<Vec<String>> {
    let existing = Project::at(root).read(files.keys().map(String::as_str))?;
    let differs = |(path, content): (String, Vec<u8>)| {
        (path != LOCK && files.get(&path) != Some(&content)).then_some(path)
    };
    Ok(existing.into_iter().filter_map(differs).collect())
}

fn summary(report: &Report) -> String {
    let Report { folder, files, commit, .. } = report;
    let commit = match commit {
        Some(commit) => format!("commit {}", &commit[..10]),
        None => "committed before".to_owned(),
    };
    let enter = if folder == "." { String::new() } else { format!("cd {folder} && ") };
    format!("Made a shop of {files} files in `{folder}` ({commit}).\nNext: {enter}ecomctl up")
}
