//! One file a command: load, decide, do, print.

mod bootstrap;
mod build;
mod completions;
mod destroy;
mod diff;
mod doctor;
mod gateway;
mod git_transport;
mod graph;
mod images;
mod in_cluster;
mod init;
mod interrupt;
mod lint;
mod logs;
mod open;
mod pinned;
mod promote;
mod push;
mod render;
mod rollback;
mod schema;
mod status;
mod up;
mod verify;

use std::path::Path;

use anyhow::{Context, Result};
use tokio::runtime;

use crate::cli::{Cli, Command};
use crate::error::Exit;
use crate::printer::Printer;

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli, printer: Printer) -> Result<Exit> {
    let directory: &Path = &cli.global.directory;
    match cli.command {
        Command::Init(args) => init::run(args.try_into()?, directory, printer),
        Command::Up(args) => in_runtime(up::run(args.into(), directory, printer)),
        Command::Logs(args) => in_runtime(logs::run(args, directory, printer)),
        Command::Build(args) => in_runtime(build::run(args, directory, printer)),
        Command::Push(args) => in_runtime(push::run(args, directory, printer)),
        Command::Images(args) => in_runtime(images::run(args, directory, printer)),
        Command::Doctor(args) => in_runtime(doctor::run(args, directory, printer)),
        Command::Render(args) => render::run(args, directory, printer),
        Command::Graph(args) => graph::run(args, directory, printer),
        Command::Diff(args) => diff::run(args, directory, printer),
        Command::Promote(args) => in_runtime(promote::run(args, directory, printer)),
        Command::Rollback(args) => rollback::run(args, directory, printer),
        Command::Lint(args) => lint::run(args, directory, printer),
        Command::Bootstrap(args) => in_runtime(bootstrap::run(*args, directory, printer)),
        Command::Status(args) => in_runtime(status::run(args, directory, printer)),
        Command::Open(args) => in_runtime(open::run(args, directory, printer)),
        Command::Destroy(args) => in_runtime(destroy::run(args, directory, printer)),
        Command::GitTransport(args) => in_runtime(git_transport::run(args, directory)),
        Command::Verify(args) => in_runtime(verify::run(args.try_into()?, directory, printer)),
        Command::Schema => schema::run(printer),
        Command::Completions(args) => completions::run(&args, printer),
    }
}

fn in_runtime(command: impl Future<Output = Result<Exit>>) -> Result<Exit> {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("failed to start the runtime")?;
    let outcome = runtime.block_on(command);
    // A thread that still reads standard input, or waits for git, is not waited for.
    runtime.shutdown_background();
    outcome
}
