//! Takes a shop of microservices from source to a verified, Git-synced deployment on Kubernetes.
//!
//! Imports run one way: `commands` -> `plan`, `render`, `adapters` -> `model`. See `docs/ARCHITECTURE.md`.

pub mod adapters;
pub mod cli;
mod commands;
pub mod error;
pub mod model;
pub mod plan;
pub mod printer;
pub mod render;
pub mod settings;
pub mod yaml;

use std::ffi::OsString;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::Parser;

use crate::cli::Cli;
use crate::error::{Exit, advice};
use crate::printer::Printer;

/// Does what `args` say (the first is the program's name), and returns how it ended. Errors are reported here, once.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(Exit::Usage as u8));
        }
    };
    match cli.global.color {
        clap::ColorChoice::Auto => {}
        clap::ColorChoice::Always => ColorChoice::Always.write_global(),
        clap::ColorChoice::Never => ColorChoice::Never.write_global(),
    }
    let printer = Printer::new(cli.global.output, cli.global.quiet);
    match commands::run(cli, printer) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let (exit, hint) = advice(&error);
            printer.error(&error, hint.as_deref());
            exit.into()
        }
    }
}
