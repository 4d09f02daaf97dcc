//! Which services a workload calls.

use k8s_openapi::api::apps::v1::Deployment;

/// Returns the hosts that the variables of a Deployment's pods have URLs of, each with the name of the variable.
pub(super) fn calls(deployment: &Deployment) -> impl Iterator<Item = (&str, &str)> {
    let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let containers = pod.into_iter().flat_map(|pod| &pod.containers);
    let variables = containers.flat_map(|container| container.env.iter().flatten());
    variables.filter_map(|variable| {
        let host = variable.value.as_deref()?.strip_prefix("http://")?;
        Some((variable.name.as_str(), host.split([':', '/']).next().unwrap_or(host)))
    })
}
