//! From the rendered objects of environment `local` to processes and routes on this machine.
//!
//! What a cluster does by DNS, Services and Ingress, is decided here: `http://product-service` becomes the address
//! of the process that the Service of that name selects.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Container, Service};
use k8s_openapi::api::networking::v1::{Ingress, ServiceBackendPort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::model::local::{LocalPlan, LocalProcess, Route};
use crate::model::manifests::{Manifests, Object};

/// Objects that do not fit together: a defect of what rendered them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object} {reason}")]
pub struct LocalPlanError {
    object: String,
    reason: String,
}

fn misfit(object: impl Into<String>, reason: impl Into<String>) -> LocalPlanError {
    LocalPlanError { object: object.into(), reason: reason.into() }
}

/// Returns what runs the objects on this machine.
///
/// # Errors
/// A Service selects no container's port, or an Ingress names no Service.
pub fn plan(manifests: &Manifests) -> Result<LocalPlan, LocalPlanError> {
    let mut deployments: Vec<&Deployment> = Vec::new();
    let mut services: Vec<&Service> = Vec::new();
    let mut ingresses: Vec<&Ingress> = Vec::new();
    for object in manifests.objects() {
        match object {
            Object::Deployment(deployment) => deployments.push(deployment),
            Object::Service(service) => services.push(service),
            Object::Ingress(ingress) => ingresses.push(ingress),
            _ => {}
        }
    }
    let mut addresses = Addresses::new();
    for service in services {
        addresses.extend(addresses_of(service, &deployments)?);
    }
    let processes =
        deployments.iter().map(|deployment| process(deployment, &addresses)).collect::<Result<_, _>>()?;
    let mut routes = Vec::new();
    for ingress in ingresses {
        routes.extend(routes_of(ingress, &addresses)?);
    }
    // A rule with a host wins over one without, then the longest prefix.
    routes.sort_by_key(|route| (route.host.is_none(), Reverse(route.prefix.len()), route.prefix.clone()));
    Ok(LocalPlan { processes, routes })
}

/// Service name and port (name and number) to the port on this machine.
type Addresses = BTreeMap<(String, i32), Address>;

struct Address {
    port_name: Option<String>,
    port: u16,
}

fn addresses_of(service: &Service, deployments: &[&Deployment]) -> Result<Addresses, LocalPlanError> {
    let name = service.metadata.name.clone().unwrap_or_default();
    let object = format!("Service `{name}`");
    let spec = service.spec.as_ref().ok_or_else(|| misfit(&object, "has no spec"))?;
    let selector = spec.selector.clone().unwrap_or_default();
    let selected = deployments
        .iter()
        .find(|deployment| {
            let labels =
                deployment.spec.as_ref().and_then(|spec| spec.template.metadata.as_ref()?.labels.as_ref());
            labels.is_some_and(|labels| selector.iter().all(|(key, value)| labels.get(key) == Some(value)))
        })
        .ok_or_else(|| misfit(&object, "selects no Deployment"))?;
    let ports = ports(container(selected)?);
    let mut addresses = Addresses::new();
    for port in spec.ports.iter().flatten() {
        let target = match &port.target_port {
            Some(IntOrString::String(name)) => ports.get(name).copied(),
            Some(IntOrString::Int(number)) => u16::try_from(*number).ok(),
            None => u16::try_from(port.port).ok(),
        };
        let target = target.ok_or_else(|| misfit(&object, "names a port that no container has"))?;
        addresses.insert((name.clone(), port.port), Address { port_name: port.name.clone(), port: target });
    }
    Ok(addresses)
}

fn container(deployment: &Deployment) -> Result<&Container, LocalPlanError> {
    let name = deployment.metadata.name.as_deref().unwrap_or_default();
    let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    pod.and_then(|pod| pod.containers.first())
        .ok_or_else(|| misfit(format!("Deployment `{name}`"), "has no container"))
}

fn ports(container: &Container) -> BTreeMap<String, u16> {
    let named = container
        .ports
        .iter()
        .flatten()
        .filter_map(|port| Some((port.name.clone()?, u16::try_from(port.container_port).ok()?)));
    named.collect()
}

fn process(deployment: &Deployment, addresses: &Addresses) -> Result<LocalProcess, LocalPlanError> {
    let container = container(deployment)?;
    let object = format!("Deployment `{}`", container.name);
    let ports = ports(container);
    let probe = container.readiness_probe.as_ref().and_then(|probe| probe.http_get.as_ref());
    let probe = probe.ok_or_else(|| misfit(&object, "has no readiness probe"))?;
    let probe_port = match &probe.port {
        IntOrString::String(name) => ports.get(name).copied(),
        IntOrString::Int(number) => u16::try_from(*number).ok(),
    };
    let probe_port = probe_port.ok_or_else(|| misfit(&object, "probes a port that it does not have"))?;
    let mut env: BTreeMap<String, String> = container
        .env
        .iter()
        .flatten()
        .map(|variable| {
            let value = variable.value.clone().unwrap_or_default();
            (variable.name.clone(), on_this_machine(&value, addresses).unwrap_or(value))
        })
        .collect();
    env.insert("LISTEN_ADDRESS".to_owned(), "127.0.0.1".to_owned());
    env.insert("EXIT_WITH_STDIN".to_owned(), "true".to_owned());
    let path = probe.path.as_deref().unwrap_or("/");
    Ok(LocalProcess {
        name: container.name.clone(),
        env,
        ports,
        ready_url: format!("http://127.0.0.1:{probe_port}{path}"),
    })
}

/// Returns the URL of a Service as the URL of its process.
fn on_this_machine(value: &str, addresses: &Addresses) -> Option<String> {
    let rest = value.strip_prefix("http://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, 80),
    };
    let address = addresses.get(&(host.to_owned(), port))?;
    Some(format!("http://127.0.0.1:{}{path}", address.port))
}

fn routes_of(ingress: &Ingress, addresses: &Addresses) -> Result<Vec<Route>, LocalPlanError> {
    let object = format!("Ingress `{}`", ingress.metadata.name.as_deref().unwrap_or_default());
    let mut routes = Vec::new();
    for rule in ingress.spec.iter().flat_map(|spec| spec.rules.iter().flatten()) {
        for path in rule.http.iter().flat_map(|http| &http.paths) {
            let backend = path.backend.service.as_ref();
            let backend = backend.ok_or_else(|| misfit(&object, "has a backend that is no Service"))?;
            let address = addresses.iter().find(|((name, number), address)| {
                *name == backend.name && is_port(backend.port.as_ref(), *number, address)
            });
            let (_, address) = address.ok_or_else(|| {
                misfit(&object, format!("names a port of Service `{}` that it does not have", backend.name))
            })?;
            routes.push(Route {
                host: rule.host.clone(),
                prefix: path.path.clone().unwrap_or_else(|| "/".to_owned()),
                port: address.port,
            });
        }
    }
    Ok(routes)
}

fn is_port(wanted: Option<&ServiceBackendPort>, number: i32, address: &Address) -> bool {
    wanted.is_some_and(|wanted| match &wanted.name {
        Some(name) => address.port_name.as_ref() == Some(name),
        None => wanted.number == Some(number),
    })
}
