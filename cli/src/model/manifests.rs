//! The objects of an environment, typed, by component.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use super::argocd::{AppProject, Application};

/// Everything that the cluster gets.
#[derive(Clone, Debug)]
pub struct Manifests {
    /// What Argo CD syncs, in the order in which it does.
    pub components: Vec<Component>,
    /// What is applied by hand: AppProjects, then the root Application.
    pub entry: Vec<Object>,
}

/// A folder of objects that one Application syncs.
#[derive(Clone, Debug)]
pub struct Component {
    /// The name of the folder.
    pub name: String,
    /// Its objects, in the order of applying.
    pub objects: Vec<Object>,
}

/// An object of a kind that ecomctl renders.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
#[expect(missing_docs, reason = "each variant is the kind of its name")]
pub enum Object {
    Namespace(Box<Namespace>),
    NetworkPolicy(Box<NetworkPolicy>),
    ServiceAccount(Box<ServiceAccount>),
    PersistentVolumeClaim(Box<PersistentVolumeClaim>),
    Service(Box<Service>),
    Deployment(Box<Deployment>),
    PodDisruptionBudget(Box<PodDisruptionBudget>),
    HorizontalPodAutoscaler(Box<HorizontalPodAutoscaler>),
    Ingress(Box<Ingress>),
    AppProject(Box<AppProject>),
    Application(Box<Application>),
}

impl Object {
    /// Returns the kind in lowercase, as file names have it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Namespace(_) => "namespace",
            Self::NetworkPolicy(_) => "networkpolicy",
            Self::ServiceAccount(_) => "serviceaccount",
            Self::PersistentVolumeClaim(_) => "persistentvolumeclaim",
            Self::Service(_) => "service",
            Self::Deployment(_) => "deployment",
            Self::PodDisruptionBudget(_) => "poddisruptionbudget",
            Self::HorizontalPodAutoscaler(_) => "horizontalpodautoscaler",
            Self::Ingress(_) => "ingress",
            Self::AppProject(_) => "appproject",
            Self::Application(_) => "application",
        }
    }

    /// Returns the metadata.
    #[must_use]
    pub fn metadata(&self) -> &ObjectMeta {
        match self {
            Self::Namespace(object) => &object.metadata,
            Self::NetworkPolicy(object) => &object.metadata,
            Self::ServiceAccount(object) => &object.metadata,
            Self::PersistentVolumeClaim(object) => &object.metadata,
            Self::Service(object) => &object.metadata,
            Self::Deployment(object) => &object.metadata,
            Self::PodDisruptionBudget(object) => &object.metadata,
            Self::HorizontalPodAutoscaler(object) => &object.metadata,
            Self::Ingress(object) => &object.metadata,
            Self::AppProject(object) => &object.metadata,
            Self::Application(object) => &object.metadata,
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.metadata().name.as_deref().unwrap_or_default()
    }
}

impl Manifests {
    /// Returns all objects of the components.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.components.iter().flat_map(|component| &component.objects)
    }
}
