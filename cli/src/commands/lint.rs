//! `ecomctl lint`.

use std::path::Path;

use anyhow::Result;

use super::render::resolve_in;
use crate::adapters::workspace::Project;
use crate::cli::LintArgs;
use crate::error::{Exit, Failure};
use crate::model::manifests::Manifests;
use crate::model::name::ServiceName;
use crate::model::resolve::ResolvedPlatform;
use crate::plan::lint::{Finding, lint};
use crate::printer::{Mark, Printer};
use crate::render;

pub(super) fn run(args: LintArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let (spec, lock) = (project.spec()?, project.lock()?);
    let environment = spec.declared(args.environment.unwrap_or_else(|| spec.default_environment()))?;
    let platform = resolve_in(&project, &spec, &lock, &environment)?;
    let manifests = render::manifests(&platform);
    let findings = findings(&platform, &manifests);
    if printer.is_json() {
        printer.json(&findings)?;
    } else {
        for finding in &findings {
            printer.check(Mark::Failed, &told(finding))?;
        }
    }
    let objects = manifests.objects().count() + manifests.entry.len();
    if findings.is_empty() {
        printer.status(format!("{objects} objects of `{environment}`: nothing found."));
        return Ok(Exit::Done);
    }
    printer.status(format!("{objects} objects of `{environment}`: {} found.", findings.len()));
    Ok(Exit::Difference)
}

/// Returns the objects of a platform.
///
/// # Errors
/// Something is wrong with them: no cluster should be given these.
pub(super) fn sound(platform: &ResolvedPlatform) -> Result<Manifests> {
    let manifests = render::manifests(platform);
    let findings = findings(platform, &manifests);
    if findings.is_empty() {
        return Ok(manifests);
    }
    let told: Vec<String> = findings.iter().map(|finding| format!("\n  {}", told(finding))).collect();
    let message = format!("the objects of `{}` are not sound{}", platform.environment, told.concat());
    Err(Failure::new(message).hint("`ecomctl lint` shows the same; nothing was written").into())
}

fn findings(platform: &ResolvedPlatform, manifests: &Manifests) -> Vec<Finding> {
    let secrets: Vec<&str> = platform.pull_secret.iter().map(ServiceName::as_str).collect();
    lint(manifests, &secrets)
}

fn told(finding: &Finding) -> String {
    let Finding { rule, object, field, problem, fix } = finding;
    format!("{object}, {field}: {problem} ({fix}) [{rule}]")
}
