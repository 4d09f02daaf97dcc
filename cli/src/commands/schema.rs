//! `ecomctl schema`.

use anyhow::Result;
use schemars::schema_for;

use crate::error::Exit;
use crate::model::spec::PlatformSpec;
use crate::printer::Printer;

/// Where a repository keeps it for editors; its `ecomctl.yaml` names it.
pub(super) const PATH: &str = "docs/ecomctl.schema.json";

pub(super) fn run(printer: Printer) -> Result<Exit> {
    printer.bytes(&text()?)?;
    Ok(Exit::Done)
}

/// Returns the schema as it is printed.
pub(super) fn text() -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(&schema_for!(PlatformSpec))?;
    text.push(b'\n');
    Ok(text)
}
