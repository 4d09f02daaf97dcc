//! What is wrong with objects before any cluster sees them: things that name each other must be there, and meet.

mod network;
mod pods;
mod references;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, PodSpec, Service};
use serde::Serialize;

use crate::model::manifests::{Manifests, Object};

/// Something that is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule that it breaks.
    pub rule: Rule,
    /// The object, such as ``service `cart-service` ``.
    pub object: String,
    /// The field.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
    /// What to do.
    pub fix: String,
}

/// What objects are held to. The name is what findings are known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Every object is there once.
    DuplicateObject,
    /// A Deployment selects its own pods.
    SelectorMeetsOwnPods,
    /// What selects pods finds some.
    SelectorMeetsPods,
    /// A Service leads to a port that its pods have.
    ServiceMeetsPort,
    /// An Ingress leads to Services that are there.
    IngressMeetsService,
    /// Every container has its three probes, each on a port that it has.
    ProbeMeetsListener,
    /// Every container says what it needs, and what it gets at most.
    ResourcesAreSaid,
    /// Pods keep to the Pod Security Standard `restricted`, with a root file system that cannot be written to.
    PodIsRestricted,
    /// An image has a digest, or a tag that says more than `latest`.
    ImageIsPinned,
    /// Accounts, claims and Secrets that are named are made by somebody.
    ReferenceIsMade,
    /// One pod at a time uses a volume.
    VolumeHasOnePod,
    /// Policies let through the calls that services make.
    PolicyCoversCalls,
    /// An autoscaler has a target, whose number of replicas nobody else says.
    AutoscalerRules,
    /// Argo CD may make every kind that it is given.
    ProjectPermitsKind,
    /// Every Application has a project and a folder.
    ApplicationHasSource,
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// Returns all that is wrong with the objects. `secrets` are the names of those that `bootstrap` makes.
#[must_use]
pub fn lint(manifests: &Manifests, secrets: &[&str]) -> Vec<Finding> {
    let objects = Objects::of(manifests);
    let mut findings = Findings::default();
    check_duplicates(manifests, &mut findings);
    for deployment in &objects.deployments {
        pods::check(deployment, &mut findings);
        references::check_pod(&objects, deployment, secrets, &mut findings);
    }
    references::check_selectors(&objects, &mut findings);
    references::check_autoscalers(&objects, &mut findings);
    references::check_applications(manifests, &mut findings);
    network::check(&objects, &mut findings);
    findings.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(
        &mut self,
        rule: Rule,
        (kind, name): (&str, &str),
        field: impl Into<String>,
        problem: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.0.push(Finding {
            rule,
            object: format!("{kind} `{name}`"),
            field: field.into(),
            problem: problem.into(),
            fix: fix.into(),
        });
    }
}

/// Objects by kind.
#[derive(Default)]
struct Objects<'a> {
    deployments: Vec<&'a Deployment>,
    services: Vec<&'a Service>,
    all: Vec<&'a Object>,
}

impl<'a> Objects<'a> {
    fn of(manifests: &'a Manifests) -> Self {
        let mut objects = Self::default();
        for object in manifests.objects() {
            match object {
                Object::Deployment(deployment) => objects.deployments.push(deployment),
                Object::Service(service) => objects.services.push(service),
                _ => {}
            }
            objects.all.push(object);
        }
        objects
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        self.all.iter().any(|object| object.kind() == kind && object.name() == name)
    }

    fn service(&self, name: &str) -> Option<&'a Service> {
        self.services.iter().find(|service| service.metadata.name.as_deref() == Some(name)).copied()
    }

    /// Returns the Deployments whose pods have all these labels.
    fn selected(&self, selector: &BTreeMap<String, String>) -> Vec<&'a Deployment> {
        let meets = |deployment: &&&Deployment| meets(selector, labels_of_pods(deployment));
        self.deployments.iter().filter(meets).copied().collect()
    }
}

fn check_duplicates(manifests: &Manifests, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for object in manifests.objects().chain(&manifests.entry) {
        let (kind, name) = (object.kind(), object.name());
        if !seen.insert((kind, object.metadata().namespace.as_deref(), name)) {
            findings.add(
                Rule::DuplicateObject,
                (kind, name),
                "metadata.name",
                "another one has the same name",
                "rename the service",
            );
        }
    }
}

fn name(deployment: &Deployment) -> &str {
    deployment.metadata.name.as_deref().unwrap_or_default()
}

fn pod(deployment: &Deployment) -> Option<&PodSpec> {
    deployment.spec.as_ref()?.template.spec.as_ref()
}

fn containers(deployment: &Deployment) -> impl Iterator<Item = &Container> {
    pod(deployment).into_iter().flat_map(|pod| &pod.containers)
}

fn labels_of_pods(deployment: &Deployment) -> Option<&BTreeMap<String, String>> {
    deployment.spec.as_ref()?.template.metadata.as_ref()?.labels.as_ref()
}

/// Returns whether labels have all that a selector wants. One that wants nothing meets everything.
fn meets(selector: &BTreeMap<String, String>, labels: Option<&BTreeMap<String, String>>) -> bool {
    selector.iter().all(|(name, value)| labels.and_then(|labels| labels.get(name)) == Some(value))
}
