//! From a resolved platform to typed objects to files. Pure: same input, same bytes.

mod applications;
mod gateway;
mod git_server;
mod kong;
mod metadata;
mod namespace;
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
    let namespace = Object::Namespace(Box::new(namespace::namespace(platform)));
    let mut components = vec![Component { name: "base".to_owned(), objects: vec![namespace] }];
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
    let mut objects = Vec::with_capacity(3);
    if let ResolvedStore::Embedded { size } = &service.store {
        let claim = volume::claim(platform, service, size);
        objects.push(Object::PersistentVolumeClaim(Box::new(claim)));
    }
    objects.push(Object::Service(Box::new(service::service(platform, service))));
    objects.push(Object::Deployment(Box::new(workload::deployment(platform, service))));
    Component { name: service.name.to_string(), objects }
}
