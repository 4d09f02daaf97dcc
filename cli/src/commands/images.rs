//! `ecomctl images`.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::build;
use crate::adapters::docker::{Engine, LocalImage};
use crate::adapters::workspace::Project;
use crate::cli::{ImagesArgs, ImagesCommand};
use crate::error::Exit;
use crate::model::image::{Digest, Tag};
use crate::plan::build::INPUTS_LABEL;
use crate::printer::Printer;
use crate::settings::CompileWhere;

#[derive(Serialize)]
struct Listed {
    name: String,
    id: Digest,
    /// In bytes.
    size: u64,
    inputs: Digest,
}

pub(super) async fn run(args: ImagesArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let engine = Engine::connect().await?;
    let services: BTreeSet<&str> =
        spec.services.keys().map(super::super::model::name::ServiceName::as_str).collect();
    let images = engine.images(INPUTS_LABEL).await?;
    // Another shop on this engine may have services of the same names.
    let here = build::history(&project)?;
    let listed = images.iter().flat_map(|image| listed(image, &services));
    let listed: Vec<Listed> = listed.filter(|image| here.contains(&image.inputs.to_string())).collect();
    let Some(ImagesCommand::Prune { all }) = args.command else {
        print(&listed, printer)?;
        return Ok(Exit::Done);
    };
    let mut kept = BTreeSet::new();
    if !all {
        let names: Vec<_> = spec.services.keys().cloned().collect();
        for compile in [CompileWhere::WherePossible, CompileWhere::InContainer] {
            let plan = build::planned(&project, &spec, &names, compile, &engine).await?;
            kept.extend(plan.images.iter().map(|image| image.digest.to_string()));
        }
    }
    let mut removed = Vec::new();
    for image in listed.into_iter().filter(|image| !kept.contains(&image.inputs.to_string())) {
        match engine.remove(&image.name).await {
            Ok(()) => removed.push(image),
            Err(error) => printer.warn(format!("`{}` stays: {error}", image.name)),
        }
    }
    print(&removed, printer)?;
    printer.status(format!("Removed {} images.", removed.len()));
    Ok(Exit::Done)
}

/// Returns the names of an image that ecomctl gave it: the repository ends with a service, the tag follows from the
/// inputs. Others that happen to have such a label are not ours.
fn listed(image: &LocalImage, services: &BTreeSet<&str>) -> Vec<Listed> {
    let Some(inputs) = image.labels.get(INPUTS_LABEL).and_then(|text| Digest::try_from(text.clone()).ok())
    else {
        return Vec::new();
    };
    let ours = |name: &&String| {
        let named = name.rsplit_once(':');
        named.is_some_and(|(repository, tag)| {
            let service = repository.rsplit('/').next().unwrap_or_default();
            services.contains(service) && tag == Tag::of_inputs(&inputs).to_string()
        })
    };
    let names = image.names.iter().filter(ours);
    let listed = |name: &String| Listed {
        name: name.clone(),
        id: image.id.clone(),
        size: image.size,
        inputs: inputs.clone(),
    };
    names.map(listed).collect()
}

fn print(images: &[Listed], printer: Printer) -> Result<()> {
    if printer.is_json() {
        printer.json(&images)?;
        return Ok(());
    }
    let width = images.iter().map(|image| image.name.len()).max().unwrap_or_default();
    for Listed { name, id, size, .. } in images {
        let id: String = id.hex().chars().take(12).collect();
        // In tenths of a million bytes, as `docker images` has it.
        let tenths = size / 100_000;
        printer.line(&format!("{name:<width$}  {id}  {}.{} MB", tenths / 10, tenths % 10))?;
    }
    Ok(())
}
