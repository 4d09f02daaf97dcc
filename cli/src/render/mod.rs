//! From a resolved platform to typed objects to files. Pure: same input, same bytes.

mod account;
mod applications;
mod availability;
mod gateway;
mod git_server;
mod kong;
mod metadata;
mod namespace;
mod network;
mod service;
mod tree;
mod volume;
mod workload;

use crate::model::manifests::{Component, Manifests, Object};
use crate::model::resolve::{ResolvedPlatform, ResolvedService, ResolvedStore};

pub use git_server::git_objects;
pub use kong::{CHARTS as GATEWAY_CHARTS, NAMESPACE as GATEWAY_NAMESPACE, PROXY as GATEWAY_PROXY};
pub use tree::{RenderError, render_tree, stream};

/// The component whose folder has the child Applications.
const APPLICATIONS: &str = "applications";

/// Returns all objects of a platform.
#[must_use]
pub fn manifests(platform: &ResolvedPlatform) -> Manifests {
    let mut base = vec![Object::Namespace(Box::new(namespace::namespace(platform)))];
    base.extend(network::for_all(platform).map(|policy| Object::NetworkPolicy(Box::new(policy))));
    let mut components = vec![Component { name: "base".to_owned(), objects: base }];
    components.extend(platform.services.iter().map(|service| service_component(platform, service)));
    if let Some(ingress) = gateway::ingress(platform) {
        let objects = vec![Object::Ingress(Box::new(ingress))];
        components.push(Component { name: gateway::COMPONENT.to_owned(), objects });
    }
    let children = applications::children(platform, &components);
    components.push(Component { name: APPLICATIONS.to_owned(), objects: children });
    Manifests { components, entry: applications::entry(platform) }
}

fn service_component(platform: &ResolvedPlatform, service: &ResolvedService) -> Component {
    let mut objects = vec![
        Object::ServiceAccount(Box::new(account::account(platform, service))),
        Object::NetworkPolicy(Box::new(network::of_service(platform, service))),
    ];
    if let ResolvedStore::Embedded { size } = &service.store {
        let claim = volume::claim(platform, service, size);
        objects.push(Object::PersistentVolumeClaim(Box::new(claim)));
    }
    objects.push(Object::Service(Box::new(service::service(platform, service))));
    objects.push(Object::Deployment(Box::new(workload::deployment(platform, service))));
    if let Some(budget) = availability::budget(platform, service) {
        objects.push(Object::PodDisruptionBudget(Box::new(budget)));
    }
    if let Some(autoscaler) = availability::autoscaler(platform, service) {
        objects.push(Object::HorizontalPodAutoscaler(Box::new(autoscaler)));
    }
    Component { name: service.name.to_string(), objects }
}
