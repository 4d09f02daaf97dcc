//! What must be secret: how nodes pull, how Argo CD reads. Absent ones are made; none is ever printed or committed.

use std::collections::BTreeMap;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::Observed;
use super::site::{Endpoint, Site};
use crate::adapters::cluster::Cluster;
use crate::adapters::deploy_key::{DeployKey, public_half};
use crate::adapters::files::variable;
use crate::error::Failure;
use crate::model::argocd::NAMESPACE;
use crate::model::docker_config;
use crate::model::labels;
use crate::model::manifests::Object;
use crate::model::object::{AnyObject, ObjectKey};
use crate::printer::Task;
use crate::render;

/// How nodes log in to a private registry.
const PULL: [&str; 2] = ["ECOMCTL_PULL_USERNAME", "ECOMCTL_PULL_PASSWORD"];
/// How Argo CD logs in to a private repository.
const GIT: [&str; 2] = ["ECOMCTL_GIT_USERNAME", "ECOMCTL_GIT_TOKEN"];

/// A Secret that must be there.
enum Wanted {
    /// Of the user's own values: it follows them.
    Given(Box<Secret>),
    /// Of a key that is made when it is absent.
    DeployKey { name: String, url: String },
}

pub(super) async fn observe(site: &mut Site) -> Result<Observed> {
    let wanted = wanted(site)?;
    check_pull_secret(site, &wanted).await?;
    if wanted.is_empty() {
        return Ok(Observed::same("none is needed"));
    }
    let mut told = Vec::new();
    for secret in &wanted {
        let is_there = match &site.cluster {
            Some(cluster) => is_there(cluster, secret).await?,
            None => false,
        };
        if !is_there {
            told.push(format!("create {}", secret.key()));
        }
    }
    if told.is_empty() {
        Ok(Observed::same(format!("{} are there", wanted.len())))
    } else {
        Ok(Observed::differs(told))
    }
}

pub(super) async fn act(site: &mut Site, task: &Task) -> Result<String> {
    let wanted = wanted(site)?;
    let cluster = site.cluster()?;
    let mut keys = Vec::new();
    for secret in &wanted {
        if is_there(cluster, secret).await? {
            continue;
        }
        let key = secret.key();
        task.step(&format!("making {key} ..."));
        let object = match secret {
            Wanted::Given(secret) => AnyObject::of(secret)?,
            Wanted::DeployKey { name, url } => {
                let pair = DeployKey::new(&format!("ecomctl {}", site.name()))?;
                keys.push((url.clone(), pair.public.clone()));
                AnyObject::of(&repository(site, name, url, [("sshPrivateKey", pair.private.0.as_str())]))?
            }
        };
        if key.namespace.as_deref() != Some(NAMESPACE) {
            namespace(site, cluster).await?;
        }
        cluster.create(&object).await?;
    }
    for (url, public) in keys {
        // Said to who wants to hear nothing else, too.
        site.printer.warn(format!("Argo CD reads {url} with this key; let it read there: {public}"));
    }
    Ok(format!("{} are there", wanted.len()))
}

impl Wanted {
    fn key(&self) -> ObjectKey {
        match self {
            Self::Given(secret) => {
                let metadata = &secret.metadata;
                ObjectKey::new(
                    "v1",
                    "Secret",
                    metadata.namespace.as_deref(),
                    metadata.name.as_deref().unwrap_or_default(),
                )
            }
            Self::DeployKey { name, .. } => ObjectKey::new("v1", "Secret", Some(NAMESPACE), name),
        }
    }
}

fn wanted(site: &Site) -> Result<Vec<Wanted>> {
    let mut wanted = Vec::new();
    let platform = site.platform()?;
    if let (Some(name), Some((user, password))) = (&platform.pull_secret, pair(PULL)?) {
        let Some(target) = &site.settings.push else {
            let failure =
                Failure::new(format!("`pullSecret: {name}` needs a registry, and none is declared"));
            return Err(failure.usage().into());
        };
        let host = if target.registry.host() == "docker.io" {
            "https://index.docker.io/v1/"
        } else {
            target.registry.host()
        };
        let login = STANDARD.encode(format!("{user}:{}", password.0));
        let config =
            json!({"auths": {host: {"username": user, "password": password.0, "auth": login}}}).to_string();
        let mut secret =
            secret(site, name.as_str(), &site.namespace(), [(".dockerconfigjson", config.as_str())]);
        secret.type_ = Some("kubernetes.io/dockerconfigjson".to_owned());
        wanted.push(Wanted::Given(Box::new(secret)));
    }
    let Some(url) = site.spec.git.url.as_ref().filter(|_| site.endpoint != Endpoint::InCluster) else {
        return Ok(wanted);
    };
    let name = format!("ecomctl-repository-{}", site.namespace());
    if url.ssh_host().is_some() {
        wanted.push(Wanted::DeployKey { name, url: url.to_string() });
    } else if let Some(token) = variable(GIT[1]).filter(|_| url.as_str().starts_with("http")) {
        let user = variable(GIT[0]).unwrap_or_else(|| "git".to_owned());
        let login = [("username", user.as_str()), ("password", token.as_str())];
        wanted.push(Wanted::Given(Box::new(repository(site, &name, url.as_str(), login))));
    }
    Ok(wanted)
}

fn pair([user, password]: [&'static str; 2]) -> Result<Option<(String, docker_config::Secret)>> {
    match (variable(user), variable(password)) {
        (Some(user), Some(password)) => Ok(Some((user, docker_config::Secret(password)))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(Failure::new(format!("`{user}` is set without `{password}`")).usage().into()),
        (None, Some(_)) => Err(Failure::new(format!("`{password}` is set without `{user}`")).usage().into()),
    }
}

/// Pods whose Secret is missing could not pull.
async fn check_pull_secret(site: &Site, wanted: &[Wanted]) -> Result<()> {
    let (Some(name), Some(cluster)) = (site.platform()?.pull_secret, &site.cluster) else {
        if pair(PULL)?.is_some() {
            site.printer.warn(format!("`{}` is set, and the environment names no `pullSecret`", PULL[1]));
        }
        return Ok(());
    };
    let key = ObjectKey::new("v1", "Secret", Some(&site.namespace()), name.as_str());
    if wanted.iter().any(|wanted| wanted.key() == key) {
        return Ok(());
    }
    if cluster.get(&key).await?.is_some() {
        return Ok(());
    }
    let failure = Failure::new(format!("`pullSecret` names {key}, which is not there"));
    Err(failure.hint(format!("set {} and {}, and it is made", PULL[0], PULL[1])).into())
}

/// A Secret that Argo CD finds by its label
/// (<https://argo-cd.readthedocs.io/en/stable/operator-manual/declarative-setup/#repositories>).
fn repository<'a>(
    site: &Site,
    name: &str,
    url: &'a str,
    login: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Secret {
    let fields = [("type", "git"), ("url", url)].into_iter().chain(login);
    let mut secret = secret(site, name, NAMESPACE, fields);
    let labels = secret.metadata.labels.get_or_insert_default();
    labels.insert("argocd.argoproj.io/secret-type".to_owned(), "repository".to_owned());
    secret
}

fn secret<'a>(
    site: &Site,
    name: &str,
    namespace: &str,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Secret {
    let bytes = |(name, value): (&str, &str)| (name.to_owned(), ByteString(value.as_bytes().to_vec()));
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some(BTreeMap::from([
                (labels::MANAGED_BY.to_owned(), labels::ECOMCTL.to_owned()),
                (labels::PART_OF.to_owned(), site.name().to_string()),
            ])),
            ..ObjectMeta::default()
        },
        data: Some(fields.into_iter().map(bytes).collect()),
        ..Secret::default()
    }
}

/// Whether a Secret is there; of given values, whether it has them, unless it is the user's own.
async fn is_there(cluster: &Cluster, wanted: &Wanted) -> Result<bool> {
    let Some(live) = cluster.get(&wanted.key()).await? else { return Ok(false) };
    let Wanted::Given(secret) = wanted else {
        let private = live.data.pointer("/data/sshPrivateKey").and_then(serde_json::Value::as_str);
        let private = private.and_then(|text| STANDARD.decode(text).ok());
        let url = live.data.pointer("/data/url").and_then(serde_json::Value::as_str);
        let is_of = matches!(wanted, Wanted::DeployKey { url: wanted, .. } if url == Some(STANDARD.encode(wanted).as_str()));
        return Ok(is_of && private.is_some_and(|key| public_half(&String::from_utf8_lossy(&key)).is_ok()));
    };
    let by = live.metadata.labels.as_ref().and_then(|labels| labels.get(labels::MANAGED_BY));
    if by.map(String::as_str) != Some(labels::ECOMCTL) {
        return Ok(true);
    }
    let wanted = serde_json::to_value(&secret.data)?;
    Ok(live.data.get("data") == Some(&wanted))
}

/// The namespace is that which is rendered, so Argo CD finds it as it should be.
async fn namespace(site: &Site, cluster: &Cluster) -> Result<()> {
    let manifests = render::manifests(&site.platform()?);
    for object in manifests.objects() {
        if let Object::Namespace(namespace) = object {
            let object = AnyObject::of(namespace)?;
            cluster.apply(&cluster.differences(&[object]).await?).await?;
        }
    }
    Ok(())
}
