//! Which services a workload calls.

use k8s_openapi::api::apps::v1::Deployment;

/// Returns the hosts that the variables of a Deployment's pods have URLs of, each with the name of the variable.
pub(super) fn calls(deployment: &Deployment) -> impl Iterator<Item = (&str, &str)> {
    let namespace = deployment.metadata.namespace.as_deref();
    let pod = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let containers = pod.into_iter().flat_map(|pod| &pod.containers);
    let variables = containers.flat_map(|container| container.env.iter().flatten());
    variables.filter_map(move |variable| {
        let url = variable.value.as_deref()?;
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"))?;
        let mut parts = rest.split([':', '/', '?']).next().unwrap_or(rest).split('.');
        let host = parts.next()?;
        // The full name has the namespace next (https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/).
        let is_here = parts.next().is_none_or(|name| Some(name) == namespace);
        is_here.then_some((variable.name.as_str(), host))
    })
}
