//! `ecomctl graph`.

use std::path::Path;

use anyhow::Result;

use super::lint;
use super::render::resolve_in;
use crate::adapters::workspace::Project;
use crate::cli::{GraphArgs, Picture};
use crate::error::Exit;
use crate::plan::graph::Graph;
use crate::printer::Printer;

pub(super) fn run(args: GraphArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let (spec, lock) = (project.spec()?, project.lock()?);
    let environment = spec.declared(args.environment.unwrap_or_else(|| spec.default_environment()))?;
    let graph = Graph::of(&lint::sound(&resolve_in(&project, &spec, &lock, &environment)?)?);
    let picture = match args.format {
        Picture::Mermaid => graph.mermaid(),
        Picture::Dot => graph.dot(),
        Picture::Svg => graph.svg(),
    };
    printer.bytes(picture.as_bytes())?;
    Ok(Exit::Done)
}
