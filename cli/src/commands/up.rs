//! `ecomctl up`.

use std::net::TcpListener;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};
use tokio::sync::mpsc::Receiver;
use url::Url;

use super::interrupt::Interrupt;
use super::{render, verify};
use crate::adapters::cargo::{self, Target};
use crate::adapters::local::gateway;
use crate::adapters::local::ports::{self, PortError};
use crate::adapters::local::services::{LogLine, Services, ServicesError};
use crate::adapters::workspace::Project;
use crate::error::{Exit, Failure};
use crate::model::local::LocalPlan;
use crate::model::network::Port;
use crate::model::resolve::local;
use crate::model::spec::PlatformSpec;
use crate::plan;
use crate::printer::Printer;
use crate::render::manifests;
use crate::settings::{Ports, Scope, Until, UpSettings};

pub(super) async fn run(settings: UpSettings, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let (mut spec, images) = (project.spec()?, project.lock()?);
    let mut interrupt = Interrupt::new()?;
    let mut lock = project.lock_up()?.map_err(second)?;
    let listener = take_ports(&mut spec, settings.ports)?;
    let url = format!("http://localhost:{}", listener.local_addr()?.port());
    lock.announce(&format!("process {}, {url}", std::process::id()))?;
    let url = Url::parse(&url)?;
    let platform = render::resolve_in(&project, &spec, &images, &local())?;
    let plan = plan::local::plan(&manifests(&platform))?;

    let (mut services, lines) = Services::new();
    let outcome = tokio::select! {
        started = start(&project, &plan, listener, &url, &mut services, printer) => started.map(|()| Exit::Done),
        () = interrupt.received() => Ok(Exit::Interrupted),
    };
    let outcome = match outcome {
        Ok(Exit::Done) if settings.until == Until::Interrupted => {
            printer.status(try_next(&url));
            tokio::select! {
                ended = follow(&mut services, lines, printer) => Err(ended.into()),
                () = interrupt.received() => Ok(Exit::Done),
            }
        }
        outcome => outcome,
    };
    if matches!(outcome, Ok(Exit::Interrupted)) {
        printer.status("Interrupted.");
    }
    tokio::select! {
        stopped = services.stop() => if stopped > 0 { printer.status("Stopped.") },
        // Asked twice: do not wait for requests that are being answered.
        () = interrupt.received() => {}
    }
    outcome
}

fn second(holder: String) -> Failure {
    let holder = if holder.is_empty() { "it is just starting".to_owned() } else { holder };
    Failure::new(format!("another `ecomctl up` runs in this folder ({holder})")).hint(
        "stop it with Ctrl-C in its terminal; another folder's shop can run beside it with `--free-ports`",
    )
}

/// Returns the gateway's listener, and makes sure that the services will have their ports.
fn take_ports(spec: &mut PlatformSpec, ports: Ports) -> Result<TcpListener> {
    let gateway = match ports {
        Ports::Free => 0,
        Ports::Declared(port) => port,
    };
    if let Some((name, _)) = spec.services.iter().find(|(_, service)| {
        ports == Ports::Declared(service.port.get()) || ports == Ports::Declared(service.port.admin())
    }) {
        let message = format!("port {gateway} (gateway) is that of {name} in `ecomctl.yaml`");
        return Err(Failure::new(message).usage().hint("choose another with `--port`").into());
    }
    let listener = ports::listen(gateway, "gateway").map_err(|error| {
        let other = format!("`--port {}`", gateway.checked_add(1).unwrap_or(8000));
        with_hint(error, &format!("{other} chooses another port, `--free-ports` any"))
    })?;
    if ports == Ports::Free {
        let free = ports::free(spec.services.len()).context("failed to find free ports")?;
        for (service, port) in spec.services.values_mut().zip(free) {
            service.port = Port::try_from(u64::from(port)).map_err(Failure::new)?;
        }
        return Ok(listener);
    }
    for (name, service) in &spec.services {
        let port = service.port;
        for (port, purpose) in [(port.get(), name.to_string()), (port.admin(), format!("admin of {name}"))] {
            ports::listen(port, &purpose)
                .map_err(|error| with_hint(error, "stop that program, or use `--free-ports`"))?;
        }
    }
    Ok(listener)
}

fn with_hint(error: PortError, hint: &str) -> anyhow::Error {
    match &error {
        PortError::Taken { .. } => Failure::new(error.to_string()).hint(hint).into(),
        PortError::Refused { .. } => error.into(),
    }
}

/// Compiles, starts and checks the shop.
async fn start(
    project: &Project,
    plan: &LocalPlan,
    listener: TcpListener,
    url: &Url,
    services: &mut Services,
    printer: Printer,
) -> Result<()> {
    let names: Vec<String> = plan.processes.iter().map(|process| process.name.clone()).collect();
    printer.status(format!("Compiling {} ...", names.join(", ")));
    let began = Instant::now();
    let programs = cargo::build(project.root(), &names, &Target::Here, printer.is_quiet()).await?;
    printer.status(format!("Compiled {} services in {:.1} s.", names.len(), began.elapsed().as_secs_f64()));
    for process in &plan.processes {
        let folder = project.private_folder(&format!("local/{}", process.name))?;
        services.start(process, &programs[&process.name], &folder, &project.private_folder("logs")?)?;
    }
    services.ready().await?;
    for process in &plan.processes {
        let ports: Vec<String> =
            process.ports.iter().map(|(name, port)| format!("{name} http://localhost:{port}")).collect();
        printer.status(format!("Started {}: {}", process.name, ports.join(", ")));
    }
    tokio::spawn(gateway::serve(listener, plan.routes.clone()));
    let paths: Vec<&str> = plan.routes.iter().map(|route| route.prefix.as_str()).collect();
    tokio::select! {
        verified = verify::check(url, Scope::Everything, &paths, printer) => verified,
        ended = services.ended() => Err(ended.into()),
    }
}

/// Prints the services' logs until one of them ends.
async fn follow(services: &mut Services, mut lines: Receiver<LogLine>, printer: Printer) -> ServicesError {
    let width = services.names().map(str::len).max().unwrap_or_default();
    let print = async {
        while let Some(LogLine { name, line }) = lines.recv().await {
            printer.log_line(&name, width, &line);
        }
    };
    tokio::select! {
        ended = services.ended() => ended,
        () = print => std::future::pending().await,
    }
}

fn try_next(url: &Url) -> String {
    let url = url.as_str().trim_end_matches('/');
    format!(
        "\nThe shop answers at {url}. Try:\n\
         \n  curl {url}/products\
         \n  curl -X POST {url}/cart/user123/add -H 'Content-Type: application/json' \\\
         \n    -d '{{\"product_id\": 1, \"quantity\": 2}}'\
         \n  curl -X POST {url}/orders -H 'Content-Type: application/json' \\\
         \n    -d '{{\"user_id\": \"user123\", \"items\": [{{\"product_id\": 1, \"quantity\": 2}}], \"total\": 199.98}}'\
         \n\nThe total of that order is the tutorial's mistake: the answer has the true one.\n\nCtrl-C stops it. The data stays in `.ecomctl/local`.\n"
    )
}
