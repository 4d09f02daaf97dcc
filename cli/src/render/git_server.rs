//! The repository inside the cluster, for who has none elsewhere: git of Argo CD's own image, read by anyone in the
//! cluster that Argo CD's repository server is, and written through the Kubernetes API alone.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvVar, PersistentVolumeClaim,
    PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, PodSecurityContext, PodSpec,
    PodTemplateSpec, Probe, ResourceRequirements, SeccompProfile, SecurityContext, Service, ServicePort,
    ServiceSpec, TCPSocketAction, Volume, VolumeMount, VolumeResourceRequirements,
};
use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::model::argocd::NAMESPACE;
use crate::model::labels;
use crate::model::name::PlatformName;
use crate::model::object::{AnyObject, NoObject};
use crate::model::resolve::{GIT_FOLDER, git_server};

/// The port of the git protocol (<https://git-scm.com/docs/git-daemon>).
const PORT: i32 = 9418;
const PORT_NAME: &str = "git";
/// The user of Argo CD's image.
const USER: i64 = 999;
/// Makes the repository if it is not there, and serves it. A push follows what is there, or is refused.
const SERVE: &str = "set -e; git init --quiet --bare --initial-branch=main \"$0\"; \
    git -C \"$0\" config receive.fsckObjects true; git -C \"$0\" config receive.denyNonFastForwards true; \
    exec git daemon --reuseaddr --export-all --base-path=/srv/git --timeout=30 /srv/git";

/// Returns the objects of the server: a volume, a Deployment of `image`, a Service, and who may read.
///
/// # Errors
/// None that can be met.
pub fn git_objects(platform: &PlatformName, image: &str) -> Result<Vec<AnyObject>, NoObject> {
    Ok(vec![
        AnyObject::of(&claim(platform))?,
        AnyObject::of(&policy(platform))?,
        AnyObject::of(&service(platform))?,
        AnyObject::of(&deployment(platform, image))?,
    ])
}

fn selector(platform: &PlatformName) -> BTreeMap<String, String> {
    BTreeMap::from([(labels::NAME.to_owned(), git_server(platform))])
}

fn metadata(platform: &PlatformName) -> ObjectMeta {
    let mut all = selector(platform);
    all.insert(labels::PART_OF.to_owned(), platform.to_string());
    all.insert(labels::MANAGED_BY.to_owned(), labels::ECOMCTL.to_owned());
    ObjectMeta {
        name: Some(git_server(platform)),
        namespace: Some(NAMESPACE.to_owned()),
        labels: Some(all),
        ..ObjectMeta::default()
    }
}

fn claim(platform: &PlatformName) -> PersistentVolumeClaim {
    let size = BTreeMap::from([("storage".to_owned(), Quantity("1Gi".to_owned()))]);
    PersistentVolumeClaim {
        metadata: metadata(platform),
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements { requests: Some(size), limits: None }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}

/// Argo CD's repository server alone may read.
fn policy(platform: &PlatformName) -> NetworkPolicy {
    let reader = BTreeMap::from([(labels::NAME.to_owned(), "argocd-repo-server".to_owned())]);
    let selector = |labels| LabelSelector { match_labels: Some(labels), match_expressions: None };
    NetworkPolicy {
        metadata: metadata(platform),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(selector(self::selector(platform))),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule {
                from: Some(vec![NetworkPolicyPeer {
                    pod_selector: Some(selector(reader)),
                    ..NetworkPolicyPeer::default()
                }]),
                ports: Some(vec![NetworkPolicyPort {
                    port: Some(IntOrString::Int(PORT)),
                    protocol: Some("TCP".to_owned()),
                    end_port: None,
                }]),
            }]),
            egress: None,
        }),
    }
}

fn service(platform: &PlatformName) -> Service {
    Service {
        metadata: metadata(platform),
        spec: Some(ServiceSpec {
            selector: Some(selector(platform)),
            ports: Some(vec![ServicePort {
                name: Some(PORT_NAME.to_owned()),
                port: PORT,
                protocol: Some("TCP".to_owned()),
                target_port: Some(IntOrString::String(PORT_NAME.to_owned())),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        status: None,
    }
}

fn deployment(platform: &PlatformName, image: &str) -> Deployment {
    Deployment {
        metadata: metadata(platform),
        spec: Some(DeploymentSpec {
            replicas: Some(1),
            // Its volume is for one pod.
            strategy: Some(DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None }),
            selector: LabelSelector { match_labels: Some(selector(platform)), match_expressions: None },
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(selector(platform)), ..ObjectMeta::default() }),
                spec: Some(pod(platform, image)),
            },
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}

fn pod(platform: &PlatformName, image: &str) -> PodSpec {
    let volume = |name: &str| Volume { name: name.to_owned(), ..Volume::default() };
    PodSpec {
        automount_service_account_token: Some(false),
        containers: vec![container(platform, image)],
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }),
        volumes: Some(vec![
            Volume {
                persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                    claim_name: git_server(platform),
                    read_only: None,
                }),
                ..volume("repositories")
            },
            Volume { empty_dir: Some(EmptyDirVolumeSource::default()), ..volume("tmp") },
        ]),
        ..PodSpec::default()
    }
}

fn container(platform: &PlatformName, image: &str) -> Container {
    let amounts = |cpu: &str, memory: &str| {
        let amounts = [("cpu", cpu), ("memory", memory)];
        Some(amounts.map(|(name, amount)| (name.to_owned(), Quantity(amount.to_owned()))).into())
    };
    let mount = |name: &str, path: &str| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        ..VolumeMount::default()
    };
    let environment = |name: &str, value: &str| EnvVar {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        value_from: None,
    };
    let listens = Probe {
        tcp_socket: Some(TCPSocketAction { host: None, port: IntOrString::String(PORT_NAME.to_owned()) }),
        period_seconds: Some(2),
        ..Probe::default()
    };
    Container {
        name: PORT_NAME.to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: Some(vec!["sh".to_owned(), "-c".to_owned(), SERVE.to_owned()]),
        args: Some(vec![format!("{GIT_FOLDER}/{platform}.git")]),
        env: Some(vec![environment("HOME", "/tmp")]),
        ports: Some(vec![ContainerPort {
            name: Some(PORT_NAME.to_owned()),
            container_port: PORT,
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        readiness_probe: Some(listens),
        resources: Some(ResourceRequirements {
            requests: amounts("10m", "32Mi"),
            limits: amounts("500m", "256Mi"),
            ..ResourceRequirements::default()
        }),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            ..SecurityContext::default()
        }),
        volume_mounts: Some(vec![mount("repositories", GIT_FOLDER), mount("tmp", "/tmp")]),
        ..Container::default()
    }
}
