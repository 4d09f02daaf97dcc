//! `ecomctl doctor`.

use std::path::Path;

use anyhow::{Error, Result};
use serde::Serialize;

use crate::adapters::cluster::Cluster;
use crate::adapters::docker::Engine;
use crate::adapters::git::{Branch, Identity};
use crate::adapters::registry::{RegistryError, RemoteRepository};
use crate::adapters::workspace::Project;
use crate::adapters::{cargo, credentials, toolchain};
use crate::cli::{DoctorArgs, Need};
use crate::error::{Exit, Failure, advice};
use crate::model::image::{Digest, Tag};
use crate::model::spec::PlatformSpec;
use crate::plan::build::Compile;
use crate::printer::{Mark, Printer};

#[derive(Serialize)]
struct Finding {
    what: String,
    status: Mark,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

/// What was found, told as it is found.
struct Findings {
    printer: Printer,
    all: Vec<Finding>,
}

impl Findings {
    /// Adds what is there, or why it is not.
    fn add(&mut self, what: &str, found: Result<String>, otherwise: &str) -> Result<()> {
        let finding = match found {
            Ok(detail) => {
                Finding { what: what.to_owned(), status: Mark::Ok, detail: Some(detail), fix: None }
            }
            Err(error) => {
                let (_, hint) = advice(&error);
                let fix = hint.unwrap_or_else(|| otherwise.to_owned());
                Finding {
                    what: what.to_owned(),
                    status: Mark::Failed,
                    detail: Some(chain(&error)),
                    fix: Some(fix),
                }
            }
        };
        self.tell(finding)
    }

    fn skip(&mut self, what: &str, detail: &str) -> Result<()> {
        let detail = Some(detail.to_owned());
        self.tell(Finding { what: what.to_owned(), status: Mark::Skipped, detail, fix: None })
    }

    fn tell(&mut self, finding: Finding) -> Result<()> {
        let mut line = finding.what.clone();
        for (separator, text) in [(": ", &finding.detail), (" -> ", &finding.fix)] {
            line.extend(text.iter().map(|text| format!("{separator}{}", text.replace('\n', " "))));
        }
        self.printer.check(finding.status, &line)?;
        self.all.push(finding);
        Ok(())
    }
}

fn chain(error: &Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

pub(super) async fn run(args: DoctorArgs, directory: &Path, printer: Printer) -> Result<Exit> {
    let project = Project::find(directory)?;
    let spec = project.spec()?;
    let needs = |need: Need| args.commands.is_empty() || args.commands.contains(&need);
    let mut findings = Findings { printer, all: Vec::new() };
    let work = async {
        if needs(Need::Up) || needs(Need::Build) {
            findings.add("cargo", cargo::version().map_err(Error::from), "install Rust with rustup")?;
        }
        let engine =
            if needs(Need::Build) || needs(Need::Push) { engine(&mut findings).await? } else { None };
        if needs(Need::Build) {
            compiler(&project, engine.as_ref(), &mut findings).await?;
        }
        if needs(Need::Push) {
            registries(&spec, &mut findings).await?;
        }
        if needs(Need::Render) {
            repository(&project, &mut findings)?;
        }
        if needs(Need::Deploy) {
            let version = Cluster::connect(None).await;
            let version =
                version.map(|found| format!("{} at {}", found.version, found.url)).map_err(Error::from);
            let fix =
                "start one (`minikube start`), or name one with KUBECONFIG and `kubectl config use-context`";
            findings.add("cluster", version, fix)?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        result = work => result?,
        _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
    }
    if printer.is_json() {
        printer.json(&findings.all)?;
    }
    let missing = findings.all.iter().filter(|finding| finding.status == Mark::Failed).count();
    if missing > 0 {
        printer.status(format!("{missing} of {} checks failed.", findings.all.len()));
        return Ok(Exit::Failed);
    }
    printer.status("Nothing is missing.");
    Ok(Exit::Done)
}

async fn engine(findings: &mut Findings) -> Result<Option<Engine>> {
    let engine = Engine::connect().await;
    let told = engine.as_ref().map(|engine| {
        let Engine { version, platform, endpoint, .. } = engine;
        format!("Docker {version}, {platform}, at {} ({})", endpoint.host, endpoint.origin)
    });
    let found = engine.as_ref().ok().cloned();
    match told {
        Ok(told) => findings.add("engine", Ok(told), "")?,
        Err(_) => {
            findings.add("engine", engine.map(|_| String::new()).map_err(Error::from), "start Docker")?;
        }
    }
    Ok(found)
}

async fn compiler(project: &Project, engine: Option<&Engine>, findings: &mut Findings) -> Result<()> {
    let toolchain = match toolchain::find(project.root()).await {
        Ok(toolchain) => toolchain,
        Err(error) => {
            let fix =
                "install Rust with rustup and a C compiler (gcc), or use `ecomctl build --in-container`";
            return findings.add("compiler", Err(error.into()), fix);
        }
    };
    let version = toolchain.settings.get("rustc").cloned().unwrap_or_default();
    findings.add("compiler", Ok(format!("{version}, for {}", toolchain.host)), "")?;
    let platform = engine.map_or("linux/amd64", |engine| &engine.platform);
    if !matches!(Compile::choose(&toolchain.host, platform), Compile::Here { .. }) {
        return findings
            .skip("static C library", &format!("services are compiled in a container for {platform}"));
    }
    let found = toolchain.settings.get("libc.a").map(|_| "libc.a".to_owned());
    let found = found.ok_or_else(|| Failure::new("there is no `libc.a` to link").into());
    findings.add("static C library", found, "install libc6-dev (Debian) or glibc-static (Fedora)")
}

async fn registries(spec: &PlatformSpec, findings: &mut Findings) -> Result<()> {
    for environment in spec.following_builds() {
        let what = format!("registry of `{environment}`");
        let Some(registry) = spec.registry_of(&environment) else {
            findings.skip(&what, "none is declared: images are loaded into the cluster's node")?;
            continue;
        };
        let Some(service) = spec.services.keys().next() else { continue };
        let repository = registry.repository(service);
        let opened = async {
            let credential = credentials::find(&repository).await?;
            let remote = RemoteRepository::open(&repository, credential.as_ref()).await?;
            // Any tag will do: whether the credentials are right is known once something is asked for.
            remote.image(&Tag::of_inputs(&Digest::of(b"doctor"))).await?;
            if remote.is_anonymous() {
                return Err(RegistryError::NoCredentials(repository.host().to_owned()).into());
            }
            anyhow::Ok(if credential.is_some() {
                format!("{registry}, logged in")
            } else {
                registry.to_string()
            })
        };
        findings.add(&what, opened.await, "is it the right one?")?;
    }
    Ok(())
}

fn repository(project: &Project, findings: &mut Findings) -> Result<()> {
    let identity = Identity::for_commits_in(project.root()).map(|identity| identity.to_string());
    findings.add("git identity", identity.map_err(Error::from), "")?;
    let branch = Branch::open(project.root(), None);
    let remote = if let Ok(branch) = &branch {
        findings.add("git branch", Ok(branch.name().to_owned()), "")?;
        let remote = branch.remote();
        remote.and_then(|remote| {
            branch.remote_tip(&remote).map(|_| format!("{}/{}", remote.name, remote.branch))
        })
    } else {
        findings.add("git branch", branch.map(|_| String::new()).map_err(Error::from), "")?;
        return findings.skip("git remote", "there is no branch to push");
    };
    findings.add("git remote", remote.map_err(Error::from), "")
}
