//! What keeps a service there while nodes are drained, and as large as its load.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec,
    MetricTarget, ResourceMetricSource,
};
use k8s_openapi::api::core::v1::TopologySpreadConstraint;
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::metadata;
use crate::model::resolve::{ResolvedPlatform, ResolvedService};

/// Returns the budget of a service that has several replicas: a drain takes one of them at a time
/// (<https://kubernetes.io/docs/tasks/run-application/configure-pdb/>).
pub(super) fn budget(platform: &ResolvedPlatform, service: &ResolvedService) -> Option<PodDisruptionBudget> {
    let name = service.name.as_str();
    (most(service) > 1).then(|| PodDisruptionBudget {
        metadata: metadata::namespaced(platform, name, name),
        spec: Some(PodDisruptionBudgetSpec {
            selector: Some(selector(platform, name)),
            max_unavailable: Some(IntOrString::Int(1)),
            // A pod that is not ready serves nobody, and would hold up the drain for ever.
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    })
}

/// Returns how the pods of a service that has several replicas are spread over nodes: evenly, as far as there are nodes; those
/// of a version among each other.
pub(super) fn spread(
    platform: &ResolvedPlatform,
    service: &ResolvedService,
) -> Option<Vec<TopologySpreadConstraint>> {
    (most(service) > 1).then(|| {
        vec![TopologySpreadConstraint {
            max_skew: 1,
            topology_key: "kubernetes.io/hostname".to_owned(),
            when_unsatisfiable: "ScheduleAnyway".to_owned(),
            label_selector: Some(selector(platform, service.name.as_str())),
            match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
            ..TopologySpreadConstraint::default()
        }]
    })
}

/// Returns what changes the number of replicas, where that is declared
/// (<https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/>).
pub(super) fn autoscaler(
    platform: &ResolvedPlatform,
    service: &ResolvedService,
) -> Option<HorizontalPodAutoscaler> {
    let autoscaling = service.autoscaling.as_ref()?;
    let name = service.name.as_str();
    let cpu = ResourceMetricSource {
        name: "cpu".to_owned(),
        target: MetricTarget {
            type_: "Utilization".to_owned(),
            average_utilization: Some(autoscaling.cpu.into()),
            ..MetricTarget::default()
        },
    };
    Some(HorizontalPodAutoscaler {
        metadata: metadata::namespaced(platform, name, name),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name: name.to_owned(),
            },
            min_replicas: Some(service.replicas.into()),
            max_replicas: autoscaling.max.into(),
            metrics: Some(vec![MetricSpec {
                type_: "Resource".to_owned(),
                resource: Some(cpu),
                ..MetricSpec::default()
            }]),
            behavior: None,
        }),
        status: None,
    })
}

/// Returns how many replicas run at most.
fn most(service: &ResolvedService) -> u16 {
    service.autoscaling.as_ref().map_or(service.replicas, |autoscaling| autoscaling.max)
}

fn selector(platform: &ResolvedPlatform, name: &str) -> LabelSelector {
    LabelSelector { match_labels: Some(metadata::selector(platform, name)), match_expressions: None }
}
