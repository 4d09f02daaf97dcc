//! `ecomctl open`.

use std::path::Path;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use super::gateway;
use super::in_cluster::InCluster;
use super::interrupt::Interrupt;
use crate::adapters::cluster::{Cluster, ClusterError, Forward, Target};
use crate::adapters::workspace::Project;
use crate::cli::{OpenArgs, Opened};
use crate::error::{Exit, Failure};
use crate::model::argocd::NAMESPACE;
use crate::model::object::ObjectKey;
use crate::printer::Printer;
use crate::settings::{OpenSettings, Password};

#[derive(Serialize)]
struct Report {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

pub(super) async fn run(args: OpenArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let settings = OpenSettings::new(args, &spec)?;
    let mut interrupt = Interrupt::new()?;
    let found = interrupt.unless(InCluster::of(project, spec, &settings.cluster), printer).await?;
    let Some(site) = found else { return Ok(Exit::Interrupted) };
    tokio::select! {
        result = open(&site, &settings, printer) => result,
        () = interrupt.received() => Ok(Exit::Done),
    }
}

async fn open(site: &InCluster, settings: &OpenSettings, printer: Printer) -> Result<Exit> {
    let (target, usual, scheme) = match settings.what {
        Opened::Argocd => {
            let target = Target {
                namespace: NAMESPACE.to_owned(),
                service: "argocd-server".to_owned(),
                port: "https".to_owned(),
            };
            (target, 8080, "https")
        }
        Opened::Shop => {
            let Some(target) = gateway::proxy(&site.platform) else {
                // The cluster's own gateway has an address of its own.
                let reached = gateway::reach(&site.cluster, &site.platform, None).await?;
                print(&Report { url: reached.url.to_string(), user: None, password: None }, printer)?;
                return Ok(Exit::Done);
            };
            (target, 8000, "http")
        }
    };
    let forward = listen(&site.cluster, &target, settings.port.unwrap_or(usual)).await?;
    let url = format!("{scheme}://localhost:{}", forward.address.port());
    let is_argocd = settings.what == Opened::Argocd;
    let password = match settings.password {
        Password::Shown if is_argocd => Some(admin_password(&site.cluster).await?),
        _ => None,
    };
    let hides = is_argocd && password.is_none();
    print(&Report { url, user: is_argocd.then_some("admin"), password }, printer)?;
    if hides {
        printer.status("The password is told with `--show-password`.");
    }
    printer.status("Ctrl-C stops it.");
    // Until it is interrupted.
    std::future::pending().await
}

/// Listens on a port, or on a free one if it is taken.
async fn listen(cluster: &Cluster, target: &Target, port: u16) -> Result<Forward, ClusterError> {
    match cluster.forward(target, port).await {
        Err(ClusterError::Listen { .. }) => cluster.forward(target, 0).await,
        forward => forward,
    }
}

fn print(report: &Report, printer: Printer) -> Result<()> {
    if printer.is_json() {
        return Ok(printer.json(report)?);
    }
    printer.line(&report.url)?;
    if let Some(user) = report.user {
        printer.line(&format!("user: {user}"))?;
    }
    if let Some(password) = &report.password {
        printer.line(&format!("password: {password}"))?;
    }
    Ok(())
}

/// Returns the password that Argo CD has made at its first start
/// (<https://argo-cd.readthedocs.io/en/stable/getting_started/#4-login-using-the-cli>).
async fn admin_password(cluster: &Cluster) -> Result<String> {
    let key = ObjectKey::new("v1", "Secret", Some(NAMESPACE), "argocd-initial-admin-secret");
    let secret = cluster.get(&key).await?;
    let encoded =
        secret.as_ref().and_then(|secret| secret.data.pointer("/data/password").and_then(Value::as_str));
    let password =
        encoded.and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    let missing = || {
        Failure::new("the first password of Argo CD is not there any more")
            .hint("whoever changed it knows it")
    };
    Ok(password.ok_or_else(missing)?)
}
