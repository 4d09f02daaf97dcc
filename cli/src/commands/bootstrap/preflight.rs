//! What is made sure of before anything is written.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::task::spawn_blocking;

use super::site::{ArgoCd, Endpoint, Site};
use super::{Observed, repository};
use crate::adapters::argocd::manifest;
use crate::adapters::cluster::{Cluster, DynamicObject, Node, ResourceExt, Right};
use crate::adapters::credentials;
use crate::adapters::deploy_key;
use crate::adapters::docker::Engine;
use crate::adapters::git::Identity;
use crate::adapters::loader::Loader;
use crate::adapters::minikube::MachineState;
use crate::adapters::process;
use crate::adapters::registry::{RegistryError, RemoteRepository};
use crate::commands::render::commit;
use crate::error::Failure;
use crate::model::argocd::NAMESPACE;
use crate::model::git_url::GitUrl;
use crate::model::image::{Digest, Tag};
use crate::model::labels;
use crate::model::object::ObjectKey;
use crate::model::quantity::{cpu_in_milli, memory_in_bytes};
use crate::model::resolve::Gateway;
use crate::model::sync::TRACKING;
use crate::plan::argocd::{MANIFEST, VERSION};
use crate::printer::ask;
use crate::render;
use crate::settings::{AfterCommit, ClusterChoice, CommitSettings, Consent, Foreign, Mode};

/// The oldest version whose pods can sleep before they end (`preStop.sleep`).
const OLDEST: (u32, u32) = (1, 30);

/// Argo CD's kind of projects.
/// How a cluster says that it measures its pods.
const METRICS: (&str, &str, &str) = ("apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io");
const PROJECT: (&str, &str) = ("argoproj.io/v1alpha1", "AppProject");
/// How long the git remote may take to answer.
const REMOTE: Duration = Duration::from_secs(25);

/// What the user must be allowed to do: Argo CD's own roles may do everything, and nobody can give what they do not have
/// (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping>).
const RIGHTS: [Right; 8] = [
    Right { verb: "*", group: "*", resource: "*", namespace: None },
    Right { verb: "create", group: "", resource: "namespaces", namespace: None },
    Right {
        verb: "create",
        group: "apiextensions.k8s.io",
        resource: "customresourcedefinitions",
        namespace: None,
    },
    Right { verb: "create", group: "rbac.authorization.k8s.io", resource: "clusterroles", namespace: None },
    Right {
        verb: "create",
        group: "rbac.authorization.k8s.io",
        resource: "clusterrolebindings",
        namespace: None,
    },
    Right { verb: "create", group: "apps", resource: "deployments", namespace: Some(NAMESPACE) },
    Right { verb: "create", group: "", resource: "secrets", namespace: Some(NAMESPACE) },
    Right { verb: "create", group: "", resource: "pods/exec", namespace: Some(NAMESPACE) },
];

pub(super) async fn observe(site: &mut Site) -> Result<Observed> {
    // What is on this machine, then what answers at once, then what may be far away.
    check_programs(site)?;
    Identity::for_commits_in(site.project.root())?;
    site.branch()?;
    site.project.lock()?;
    let here = CommitSettings { then: AfterCommit::Stay, ..site.commit_settings() };
    commit::refuse(&site.project, &site.settings.environment, &here, site.printer)?;
    connect(site).await?;
    site.engine = Some(Engine::connect().await?);
    let mut facts = Vec::new();
    if let Some(cluster) = site.cluster.clone() {
        check_version(&cluster)?;
        ask_about(site, &cluster).await?;
        check_rights(&cluster).await?;
        site.argocd = who_has_installed(site, &cluster).await?;
        refuse_taken_names(site, &cluster).await?;
        site.endpoint = repository::endpoint(site, &cluster).await?;
        check_capacity(site, &cluster).await?;
        check_metrics(site, &cluster).await?;
        facts.push(format!("cluster {} at {}", cluster.version, cluster.url));
    } else {
        site.endpoint = repository::endpoint_without_cluster(site)?;
    }
    if let Endpoint::Origin(url) = &site.endpoint {
        site.spec.git.url = Some(url.clone());
    }
    check_loader(site)?;
    check_manifest(site).await?;
    check_registry(site).await?;
    check_remote(site).await?;
    check_known_hosts(site)?;
    let engine = site.engine()?;
    facts.insert(0, format!("Docker {}", engine.version));
    Ok(Observed::same(facts.join(", ")))
}

/// Programs that later steps run.
fn check_programs(site: &Site) -> Result<()> {
    let mut programs = vec!["git"];
    if let ClusterChoice::Minikube(_) = &site.settings.cluster {
        programs.push("minikube");
    }
    programs.iter().try_for_each(|program| process::require(program)).map_err(Into::into)
}

/// Connects to the cluster, unless it is a minikube that does not run yet.
async fn connect(site: &mut Site) -> Result<()> {
    if let ClusterChoice::Minikube(machine) = &site.settings.cluster {
        let state = machine.state().await;
        if state.context("the cluster is to be made by minikube")? != MachineState::Running {
            return Ok(());
        }
    }
    site.cluster = Some(Cluster::connect(site.context()).await?);
    Ok(())
}

fn check_version(cluster: &Cluster) -> Result<()> {
    let mut numbers = cluster.version.trim_start_matches('v').split('.').map(|number| {
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u32>().unwrap_or_default()
    });
    let found = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    if found < OLDEST {
        let message =
            format!("the cluster is Kubernetes {}; ecomctl needs 1.{} or later", cluster.version, OLDEST.1);
        return Err(Failure::new(message).into());
    }
    Ok(())
}

/// A cluster that is not of this machine may be somebody's production.
async fn ask_about(site: &Site, cluster: &Cluster) -> Result<()> {
    let is_ours = matches!(site.settings.cluster, ClusterChoice::Minikube(_)) || cluster.is_local();
    if site.settings.mode == Mode::Plan || site.settings.consent == Consent::Given || is_ours {
        return Ok(());
    }
    let question = format!("Write to the cluster of context `{}` at {}?", cluster.context, cluster.url);
    if !std::io::stdin().is_terminal() {
        let message =
            format!("the cluster of context `{}` at {} is not of this machine", cluster.context, cluster.url);
        return Err(Failure::new(message).usage().hint("if it is the right one, say `--yes`").into());
    }
    // Ctrl-C must be heard meanwhile.
    let agreed = spawn_blocking(move || ask(&question)).await.context("the question was lost")??;
    if agreed { Ok(()) } else { Err(Failure::new("nothing was changed").into()) }
}

async fn check_rights(cluster: &Cluster) -> Result<()> {
    let missing = cluster.missing_rights(&RIGHTS[..1]).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let missing = cluster.missing_rights(&RIGHTS).await?;
    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let message =
        format!("you may not do this in the cluster of `{}`: {}", cluster.context, missing.join(", "));
    Err(Failure::new(message)
        .hint("use a context of a cluster administrator: Argo CD's own roles need all rights")
        .into())
}

fn is_made(object: &DynamicObject) -> bool {
    let labels = object.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(labels::MANAGED_BY)).is_some_and(|by| by == labels::ECOMCTL)
}

/// What somebody else has made under a name that ecomctl would use is not taken over: `destroy` would delete it.
async fn refuse_taken_names(site: &Site, cluster: &Cluster) -> Result<()> {
    let platform = site.platform()?;
    let mut names = vec![ObjectKey::new("v1", "Namespace", None, &platform.namespace())];
    if site.argocd == ArgoCd::Own {
        names.push(ObjectKey::new("v1", "Namespace", None, NAMESPACE));
    }
    for project in [platform.namespace(), platform.addons_project()] {
        names.push(ObjectKey::new(PROJECT.0, PROJECT.1, Some(NAMESPACE), &project));
    }
    if platform.gateway != Gateway::Existing {
        names.push(ObjectKey::new("v1", "Namespace", None, render::GATEWAY_NAMESPACE));
    }
    for key in names {
        let Some(found) = cluster.get(&key).await? else { continue };
        // Argo CD has made the namespace, and labels it in the same sync.
        let is_deployed = found.annotations().contains_key(TRACKING);
        if !is_made(&found) && !is_deployed {
            let failure = Failure::new(format!("{key} is there, and ecomctl has not made it"));
            let namespace = key.namespace.as_ref().map(|name| format!(" -n {name}")).unwrap_or_default();
            let label = format!("{}={}", labels::MANAGED_BY, labels::ECOMCTL);
            let hint = format!(
                "choose another `name`, or give it to ecomctl, which deletes it with `destroy`: kubectl label {} {}{namespace} {label}",
                key.kind.to_lowercase(),
                key.name
            );
            return Err(failure.hint(hint).into());
        }
    }
    Ok(())
}

/// Returns who has installed the Argo CD that is there, if there is one.
async fn who_has_installed(site: &Site, cluster: &Cluster) -> Result<ArgoCd> {
    let crd = ObjectKey::new(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        None,
        "applications.argoproj.io",
    );
    let server = ObjectKey::new("apps/v1", "Deployment", Some(NAMESPACE), "argocd-server");
    for key in [&server, &crd] {
        let Some(found) = cluster.get(key).await? else { continue };
        if is_made(&found) {
            return Ok(ArgoCd::Own);
        }
        let adopted = site.settings.foreign == Foreign::Adopt || was_adopted(site, cluster).await?;
        if !adopted {
            let message = format!("there is an Argo CD that ecomctl has not installed: {key}");
            return Err(Failure::new(message).hint("`--adopt` uses it as it is").into());
        }
        if cluster.get(&server).await?.is_none() {
            let message = format!("the Argo CD that is there does not run in namespace `{NAMESPACE}`");
            return Err(Failure::new(message).hint("ecomctl can use one that does").into());
        }
        return Ok(ArgoCd::Adopted);
    }
    Ok(ArgoCd::Own)
}

/// One that has our project was adopted before.
async fn was_adopted(site: &Site, cluster: &Cluster) -> Result<bool> {
    let key = ObjectKey::new(PROJECT.0, PROJECT.1, Some(NAMESPACE), &site.namespace());
    Ok(cluster.get(&key).await?.is_some_and(|project| is_made(&project)))
}

/// What the services ask for must fit into what the nodes have beside everybody else.
async fn check_capacity(site: &Site, cluster: &Cluster) -> Result<()> {
    const MI: u64 = 1024 * 1024;
    let namespace = site.namespace();
    let nodes = cluster.nodes(&[&namespace, NAMESPACE]).await?;
    let platform = site.platform()?;
    let (mut cpu, mut memory, mut largest) = (0, 0, (String::new(), 0, 0));
    for service in &platform.services {
        let (one_cpu, one_memory) =
            (cpu_in_milli(&service.requests.cpu), memory_in_bytes(&service.requests.memory));
        cpu += one_cpu * u64::from(service.replicas);
        memory += one_memory * u64::from(service.replicas);
        if one_memory > largest.2 {
            largest = (service.name.to_string(), one_cpu, one_memory);
        }
    }
    let ready: Vec<_> = nodes.iter().filter(|node| node.is_ready).collect();
    let free_cpu: u64 = ready.iter().map(|node| node.free.cpu).sum();
    let free_memory: u64 = ready.iter().map(|node| node.free.memory).sum();
    let too_much = cpu > free_cpu || memory > free_memory;
    let fits = |node: &&&Node| node.free.cpu >= largest.1 && node.free.memory >= largest.2;
    if ready.is_empty() {
        // They may be starting: the next step waits for them.
        return Ok(());
    }
    if too_much || !ready.iter().any(|node| fits(&node)) {
        let message = format!(
            "the services ask for {cpu}m CPU and {}Mi memory, and the nodes have {free_cpu}m and {}Mi free",
            memory / MI,
            free_memory / MI
        );
        return Err(Failure::new(message)
            .hint("ask for less with `resources.requests`, or use a larger cluster")
            .into());
    }
    Ok(())
}

/// Who scales by load must measure it.
async fn check_metrics(site: &Site, cluster: &Cluster) -> Result<()> {
    let platform = site.platform()?;
    let Some(scaled) = platform.services.iter().find(|service| service.autoscaling.is_some()) else {
        return Ok(());
    };
    let (version, kind, name) = METRICS;
    if cluster.get(&ObjectKey::new(version, kind, None, name)).await?.is_some() {
        return Ok(());
    }
    let message =
        format!("service `{}` has `autoscaling`, and the cluster has no metrics-server", scaled.name);
    let hint = "install it (`minikube addons enable metrics-server`), or say `replicas` in the environment";
    Err(Failure::new(message).hint(hint).into())
}

/// Images that are not pushed must get into the nodes in another way.
fn check_loader(site: &mut Site) -> Result<()> {
    if site.settings.push.is_some() || site.settings.load_with.is_some() {
        return Ok(());
    }
    let loader = match (&site.settings.cluster, &site.cluster) {
        (ClusterChoice::Minikube(machine), _) => Some(Loader::Minikube(machine.profile.clone())),
        (_, Some(cluster)) => Loader::for_context(&cluster.context),
        _ => None,
    };
    let Some(loader) = loader else {
        let failure = Failure::new("images have no way into the cluster: no registry is declared");
        return Err(failure
            .usage()
            .hint(
                "declare `registry: docker.io/you`, or give `--load-with COMMAND` that takes an image's name",
            )
            .into());
    };
    process::require(loader.program())?;
    site.settings.load_with = Some(loader);
    Ok(())
}

/// The credentials must be right. A repository that is not there yet is made by a push.
async fn check_registry(site: &Site) -> Result<()> {
    let (Some(target), Some(service)) = (&site.settings.push, site.spec.services.keys().next()) else {
        return Ok(());
    };
    let repository = target.registry.repository(service);
    let credential = credentials::find(&repository).await?;
    let remote = RemoteRepository::open(&repository, credential.as_ref()).await?;
    remote.image(&Tag::of_inputs(&Digest::of(b"preflight"))).await?;
    if remote.is_anonymous() {
        return Err(RegistryError::NoCredentials(repository.host().to_owned()).into());
    }
    Ok(())
}

/// What is to be installed must be there; where there is no cluster yet, a plan says it without.
async fn check_manifest(site: &Site) -> Result<()> {
    let is_needed = site.argocd == ArgoCd::Own && (site.cluster.is_some() || site.settings.mode == Mode::Act);
    if is_needed {
        manifest(VERSION, MANIFEST, site.settings.argocd_manifest.as_deref()).await?;
    }
    Ok(())
}

/// What is committed must be able to get to where Argo CD reads; the repository inside the cluster comes later.
async fn check_remote(site: &Site) -> Result<()> {
    if site.endpoint == Endpoint::InCluster {
        return Ok(());
    }
    let branch = site.branch()?;
    let remote = site.remote(&branch)?;
    if remote.branch != site.spec.branch() {
        let (name, there, deployed) = (branch.name(), &remote.branch, site.spec.branch());
        let message =
            format!("`{name}` is pushed to `{}/{there}`, and Argo CD deploys `{deployed}`", remote.name);
        return Err(Failure::new(message).into());
    }
    let pushed = branch.url_of(&remote).and_then(|url| GitUrl::for_cluster(&url, false));
    let read = site.spec.git.url.as_ref().and_then(|url| GitUrl::for_cluster(url.as_str(), false));
    if let (Some(pushed), Some(read)) = (pushed, read)
        && pushed.as_str().trim_end_matches(".git") != read.as_str().trim_end_matches(".git")
    {
        site.printer.warn(format!("commits are pushed to {pushed}, and Argo CD reads {read}"));
    }
    let (project, environment, settings, printer) =
        (site.project.clone(), site.settings.environment.clone(), site.commit_settings(), site.printer);
    // Git may wait for somebody far away, and Ctrl-C must be heard meanwhile.
    let asked = spawn_blocking(move || commit::refuse(&project, &environment, &settings, printer));
    tokio::time::timeout(REMOTE, asked)
        .await
        .map_err(|_| Failure::new(format!("the git remote did not answer within {} s", REMOTE.as_secs())))?
        .context("git was lost")?
}

/// Argo CD asks only ssh hosts that it knows: those of the great forges, and those that the user's ssh knows.
fn check_known_hosts(site: &mut Site) -> Result<()> {
    const KNOWN: [&str; 5] =
        ["github.com", "gitlab.com", "bitbucket.org", "ssh.dev.azure.com", "vs-ssh.visualstudio.com"];
    let host = site.spec.git.url.as_ref().and_then(GitUrl::ssh_host);
    let Some(host) = host.filter(|host| !KNOWN.contains(&host.as_str())) else { return Ok(()) };
    site.known_hosts = deploy_key::known_hosts(&host)?;
    if site.known_hosts.is_empty() {
        let failure =
            Failure::new(format!("your ssh does not know the key of `{host}`, so Argo CD cannot be told"));
        return Err(failure
            .hint(format!("connect once with `ssh git@{host}`, and compare its fingerprint"))
            .into());
    }
    Ok(())
}
