//! `ecomctl logs`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use tokio::sync::mpsc;

use super::in_cluster::InCluster;
use super::interrupt::Interrupt;
use crate::adapters::cluster::PodLog;
use crate::adapters::local::logs::LogFile;
use crate::adapters::workspace::Project;
use crate::cli::LogsArgs;
use crate::error::{Exit, Failure};
use crate::model::labels;
use crate::model::name::ServiceName;
use crate::printer::Printer;
use crate::settings::{AfterLogs, LogsOf, LogsSettings};

/// Pause between two looks at what is new.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn run(args: LogsArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let settings = LogsSettings::new(args, &spec)?;
    let mut interrupt = Interrupt::new()?;
    if let LogsOf::Pods(cluster) = &settings.of {
        let found = interrupt.unless(InCluster::of(project, spec, cluster), printer).await?;
        let Some(site) = found else { return Ok(Exit::Interrupted) };
        return tokio::select! {
            result = of_pods(&site, &settings, printer) => result,
            () = interrupt.received() => Ok(Exit::Done),
        };
    }
    let LogsSettings { services, tail, then, .. } = settings;
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

/// Prints what pods of the services have logged, each line with its pod.
async fn of_pods(site: &InCluster, settings: &LogsSettings, printer: Printer) -> Result<Exit> {
    let names: Vec<&str> = settings.services.iter().map(ServiceName::as_str).collect();
    let labels = format!("{} in ({})", labels::NAME, names.join(","));
    let (namespace, tail) = (site.platform.namespace(), i64::try_from(settings.tail).ok());
    let (sender, mut lines) = mpsc::channel::<PodLog>(1024);
    let read = async {
        let sender = sender;
        match settings.then {
            AfterLogs::Follow => {
                site.cluster.follow_logs(&namespace, &labels, tail, &sender).await.map(|()| 1)
            }
            AfterLogs::End => site.cluster.logs(&namespace, &labels, tail, &sender).await,
        }
    };
    let write = async {
        while let Some(PodLog { service, pod, line }) = lines.recv().await {
            if printer.is_json() {
                let line = serde_json::json!({"service": service, "pod": pod, "line": line});
                printer.line(&line.to_string())?;
            } else {
                printer.line(&format!("{pod} | {line}"))?;
            }
        }
        anyhow::Ok(())
    };
    let (pods, written) = tokio::join!(read, write);
    written?;
    if pods? == 0 {
        let failure = Failure::new(format!("no pod of {} is in `{namespace}`", names.join(", ")));
        return Err(failure.hint("`ecomctl status` shows what runs").into());
    }
    Ok(Exit::Done)
}

fn print(name: &str, width: usize, line: &str, printer: Printer) -> Result<()> {
    if printer.is_json() {
        return Ok(printer.line(&serde_json::json!({"service": name, "line": line}).to_string())?);
    }
    Ok(printer.line(&format!("{name:<width$} | {line}"))?)
}
