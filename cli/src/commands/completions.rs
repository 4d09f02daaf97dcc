//! `ecomctl completions`.

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::error::Exit;
use crate::printer::Printer;

pub(super) fn run(args: &CompletionsArgs, printer: Printer) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ecomctl", &mut script);
    printer.bytes(&script)?;
    Ok(Exit::Done)
}
