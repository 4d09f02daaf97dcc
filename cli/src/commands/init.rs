//! `ecomctl init`.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::{render, schema};
use crate::adapters::cargo;
use crate::adapters::git::{self, Identity, Repo};
use crate::adapters::workspace::{self, Project, SPEC};
use crate::error::{Exit, Failure};
use crate::model::parse::parse_spec;
use crate::model::tree::{RenderedTree, TreeDiff};
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
    if !directory.is_dir() {
        return Err(Failure::new(format!("there is no folder `{}`", directory.display())).usage().into());
    }
    let root = directory.join(&folder);
    // As the user can type it from where they are.
    let shown = if directory == Path::new(".") { folder } else { root.clone() };
    let shown = shown.display();
    if existing == Existing::Refuse && !workspace::entries(&root)?.is_empty() {
        let failure = Failure::new(format!("`{shown}` has files already"));
        return Err(failure.hint("choose another folder, or `--force` to make the shop among them").into());
    }
    // Asked before anything is written: a shop without its first commit is half a shop.
    let identity = Identity::for_commits_in(&root)?;
    cargo::version()?;
    if let Some(outer) = git::enclosing(&root) {
        printer.warn(format!(
            "`{shown}` is inside the repository `{}`, and becomes one of its own",
            outer.display()
        ));
    }
    let (files, overwritten) = write(&root, &options, printer)?;
    let repo = Repo::open_or_init(&root)?;
    let commit = repo.commit(&files, MESSAGE, &identity)?;
    if let Some(url) = &options.git_url
        && let Some(before) = repo.set_origin(url.as_str())?
    {
        printer.warn(format!("the remote `origin` was `{before}`"));
    }
    let report = Report { folder: shown.to_string(), files: files.len(), overwritten, commit };
    if printer.is_json() {
        printer.json(&report)?;
    }
    printer.status(summary(&report));
    if options.git_url.is_some() {
        printer.status("When the repository exists there: git push --set-upstream origin main");
    }
    Ok(Exit::Done)
}

/// Writes the shop and its manifests, and returns all of its files, and those that had another content. Each of these
/// is named.
fn write(root: &Path, options: &ScaffoldOptions, printer: Printer) -> Result<(RenderedTree, Vec<String>)> {
    let project = Project::at(root);
    let mut files = files(options)?;
    // Manifests of somebody else would be deployed with the shop's.
    let environment = parse_spec(SPEC, &String::from_utf8_lossy(&files[SPEC]))?.default_environment();
    TreeDiff::between(&RenderedTree::new(), &project.rendered(&environment)?)?;
    let lock_before = project.read([LOCK])?;
    let mut overwritten = overwritten(&project, &files)?;
    for path in &overwritten {
        printer.warn(format!("overwriting `{path}`, which differs"));
    }
    for (path, content) in &files {
        project.write(path, content)?;
    }
    if let Err(error) = cargo::settle_lock(root) {
        let failure = Failure::new(format!("failed to make `{LOCK}` fit the new shop: {error}"));
        return Err(failure.hint("when cargo can do it, run the same again with `--force`").into());
    }
    let lock = project.read([LOCK])?;
    if !lock_before.is_empty() && lock_before != lock {
        printer.warn(format!("overwrote `{LOCK}`, which differed"));
        overwritten.push(LOCK.to_owned());
    }
    files.extend(lock);
    let (manifests, diff) = render::write(&project)?;
    for path in diff.changed.into_iter().chain(diff.deleted) {
        printer.warn(format!("replaced `{path}`, which was rendered from another spec"));
        overwritten.push(path);
    }
    files.extend(manifests);
    Ok((files, overwritten))
}

fn files(options: &ScaffoldOptions) -> Result<RenderedTree> {
    let mut files = scaffold(options)?;
    files.insert(schema::PATH.to_owned(), schema::text()?);
    Ok(files)
}

/// Returns the files that exist with another content. `Cargo.lock` is looked at once cargo has made it fit.
fn overwritten(project: &Project, files: &RenderedTree) -> Result<Vec<String>> {
    let existing = project.read(files.keys().map(String::as_str))?;
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
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-".contains(&b);
    let enter = match folder.as_str() {
        "." => String::new(),
        name if name.bytes().all(plain) && !name.starts_with('-') => format!("cd {name} && "),
        name => format!("cd -- '{}' && ", name.replace('\'', r"'\''")),
    };
    format!("Made a shop of {files} files in `{folder}` ({commit}).\nNext: {enter}ecomctl up")
}
