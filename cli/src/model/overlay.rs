//! What an environment changes.

use super::image::Registry;
use super::name::{EnvironmentName, ServiceName};
use super::spec::{AmountsSpec, PlatformSpec, ServiceOverlay, ServiceSpec};

impl PlatformSpec {
    /// Returns where the images of an environment are pushed to.
    #[must_use]
    pub fn registry_of(&self, environment: &EnvironmentName) -> Option<Registry> {
        let overlay = self.environments.get(environment).and_then(Option::as_ref);
        overlay.and_then(|overlay| overlay.registry.clone()).or_else(|| self.registry.clone())
    }

    /// Returns the kubeconfig's context that is declared for an environment.
    #[must_use]
    pub fn context_of(&self, environment: &EnvironmentName) -> Option<String> {
        self.environments.get(environment).and_then(Option::as_ref)?.context.clone()
    }

    /// Returns a service as it is in an environment.
    #[must_use]
    pub fn service_in(
        &self,
        environment: &EnvironmentName,
        name: &ServiceName,
        service: &ServiceSpec,
    ) -> ServiceSpec {
        let overlay = self.environments.get(environment).and_then(Option::as_ref);
        overlay
            .and_then(|overlay| overlay.services.get(name))
            .map_or_else(|| service.clone(), |overlay| service.with(overlay))
    }
}

impl ServiceSpec {
    /// Returns the service with what an overlay changes.
    #[must_use]
    pub fn with(&self, overlay: &ServiceOverlay) -> Self {
        let mut service = self.clone();
        if overlay.replicas.is_some() || overlay.autoscaling.is_some() {
            service.replicas = overlay.replicas;
            service.autoscaling.clone_from(&overlay.autoscaling);
        }
        if overlay.storage.is_some() {
            service.storage.clone_from(&overlay.storage);
        }
        service.env.extend(overlay.env.iter().map(|(name, value)| (name.clone(), value.clone())));
        change(&mut service.resources.requests, &overlay.resources.requests);
        change(&mut service.resources.limits, &overlay.resources.limits);
        service
    }
}

fn change(amounts: &mut AmountsSpec, overlay: &AmountsSpec) {
    for (amount, overlay) in [(&mut amounts.cpu, &overlay.cpu), (&mut amounts.memory, &overlay.memory)] {
        if overlay.is_some() {
            amount.clone_from(overlay);
        }
    }
}
