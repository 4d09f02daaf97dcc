//! `ecomctl logs`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use super::interrupt::Interrupt;
use crate::adapters::local::logs::LogFile;
use crate::adapters::workspace::Project;
use crate::cli::LogsArgs;
use crate::error::{Exit, Failure};
use crate::printer::Printer;
use crate::settings::{AfterLogs, LogsSettings};

/// Pause between two looks at what is new.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn run(args: LogsArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let LogsSettings { services, tail, then } = LogsSettings::new(args, &project.spec()?)?;
    let mut interrupt = Interrupt::new()?;
    let width = services.iter().map(|name| name.as_str().len()).max().unwrap_or_default();
    let folder = project.private_folder("logs")?;
    let mut logs: Vec<(String, LogFile)> =
        services.iter().map(|name| (name.to_string(), LogFile::of(&folder, name.as_str()))).collect();
    if then == AfterLogs::End && logs.iter().all(|(_, log)| !log.exists()) {
        let failure = Failure::new("no service has logged anything in this folder");
        return Err(failure.hint("`ecomctl up` runs them").into());
    }
    for (name, log) in &mut logs {
        for line in log.last(tail)? {
            print(name, width, &line, printer)?;
        }
    }
    if then == AfterLogs::End {
        return Ok(Exit::Done);
    }
    loop {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = interrupt.received() => return Ok(Exit::Done),
        }
        for (name, log) in &mut logs {
            for line in log.more()? {
                print(name, width, &line, printer)?;
            }
        }
    }
}

fn print(name: &str, width: usize, line: &str, printer: Printer) -> Result<()> {
    if printer.is_json() {
        return Ok(printer.line(&serde_json::json!({"service": name, "line": line}).to_string())?);
    }
    Ok(printer.line(&format!("{name:<width$} | {line}"))?)
}
