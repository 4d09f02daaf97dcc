//! What `lint` finds. No spec renders to such objects, so they are spoilt here.

use ecomctl::model::image::Tag;
use ecomctl::model::lock::ImageLock;
use ecomctl::model::manifests::{Manifests, Object};
use ecomctl::model::parse::parse_spec;
use ecomctl::model::resolve::resolve;
use ecomctl::plan::lint::{Finding, Rule, lint};
use ecomctl::render;
use insta::assert_snapshot;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::PodSpec;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::context::TestContext;

const SPEC: &str = "
services:
  product-service: {port: 5003, path: /products}
  cart-service: {port: 5001, path: /cart, store: none, calls: [product-service], autoscaling: {max: 5}}
environments:
  minikube: {pullSecret: registry}
";

fn manifests() -> Manifests {
    let spec = parse_spec("ecomctl.yaml", SPEC).unwrap();
    let version = |_: &_| Tag::of_version("1.0.0");
    render::manifests(&resolve(&spec, &"minikube".parse().unwrap(), &ImageLock::default(), version).unwrap())
}

fn found(manifests: &Manifests) -> String {
    let line = |finding: &Finding| {
        let Finding { rule, object, field, problem, .. } = finding;
        format!("{rule} | {object} | {field} | {problem}")
    };
    lint(manifests, &["registry"]).iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Returns what is found once one thing is spoilt, which must be one rule's.
fn spoilt(rule: Rule, spoil: impl Fn(&mut Object)) -> String {
    let mut manifests = manifests();
    for object in manifests.components.iter_mut().flat_map(|component| &mut component.objects) {
        spoil(object);
    }
    manifests.entry.iter_mut().for_each(&spoil);
    let findings = lint(&manifests, &["registry"]);
    assert!(findings.iter().any(|finding| finding.rule == rule), "{rule}: {findings:?}");
    found(&manifests)
}

fn in_deployment(change: impl Fn(&mut Deployment)) -> impl Fn(&mut Object) {
    move |object| {
        if let Object::Deployment(deployment) = object {
            change(deployment);
        }
    }
}

fn in_pod(change: impl Fn(&mut PodSpec)) -> impl Fn(&mut Object) {
    in_deployment(move |deployment| {
        change(deployment.spec.as_mut().unwrap().template.spec.as_mut().unwrap());
    })
}

#[test]
fn nothing_in_what_is_rendered() {
    assert_eq!(found(&manifests()), "");
    let context = TestContext::with_spec(SPEC);
    assert_snapshot!(context.run(&["lint"]), @"
    exit: 0
    --- stdout
    --- stderr
    23 objects of `minikube`: nothing found.
    ");
    assert_snapshot!(context.run(&["lint", "--output", "json", "--environment", "staging"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is no environment `staging`
    hint: `ecomctl.yaml` declares minikube
    ");
}

#[test]
fn a_secret_that_nobody_makes() {
    let findings = lint(&manifests(), &[]);
    assert_eq!(findings.len(), 2);
    assert!(findings.iter().all(|finding| finding.rule == Rule::ReferenceIsMade), "{findings:?}");
}

#[test]
fn objects_that_do_not_meet() {
    assert_snapshot!(spoilt(Rule::SelectorMeetsPods, |object| if let Object::Service(service) = object {
        service.spec.as_mut().unwrap().selector.as_mut().unwrap().insert("tier".to_owned(), "x".to_owned());
    }), @"
    selector-meets-pods | service `cart-service` | spec.selector | no pod has these labels
    selector-meets-pods | service `product-service` | spec.selector | no pod has these labels
    ");
    assert_snapshot!(spoilt(Rule::ServiceMeetsPort, |object| if let Object::Service(service) = object {
        service.spec.as_mut().unwrap().ports.as_mut().unwrap()[0].target_port = None;
    }), @"
    service-meets-port | service `cart-service` | spec.ports[0].targetPort | the pods have no port `80`
    service-meets-port | service `product-service` | spec.ports[0].targetPort | the pods have no port `80`
    ");
    assert_snapshot!(spoilt(Rule::IngressMeetsService, |object| if let Object::Service(service) = object {
        service.spec.as_mut().unwrap().ports.as_mut().unwrap()[0].name = Some("web".to_owned());
    }), @"
    ingress-meets-service | ingress `ecommerce-ingress` | spec.rules[].http.paths[/cart].backend | there is no Service `cart-service` with this port
    ingress-meets-service | ingress `ecommerce-ingress` | spec.rules[].http.paths[/products].backend | there is no Service `product-service` with this port
    ");
    assert_snapshot!(spoilt(Rule::SelectorMeetsOwnPods, in_deployment(|deployment| {
        let labels = deployment.spec.as_mut().unwrap().selector.match_labels.as_mut().unwrap();
        labels.insert("tier".to_owned(), "x".to_owned());
    })), @"
    selector-meets-own-pods | deployment `cart-service` | spec.selector.matchLabels | the pods of its template do not have these labels
    selector-meets-own-pods | deployment `product-service` | spec.selector.matchLabels | the pods of its template do not have these labels
    ");
    assert_snapshot!(spoilt(Rule::AutoscalerRules, in_deployment(|deployment| {
        deployment.spec.as_mut().unwrap().replicas = Some(1);
    })), @"autoscaler-rules | horizontalpodautoscaler `cart-service` | spec.scaleTargetRef.name | the Deployment `cart-service` says `replicas` itself");
}

#[test]
fn pods_that_may_do_too_much_or_say_too_little() {
    assert_snapshot!(spoilt(Rule::PodIsRestricted, in_pod(|pod| {
        pod.security_context = None;
        pod.automount_service_account_token = None;
        pod.containers[0].security_context = None;
    })), @"
    pod-is-restricted | deployment `cart-service` | spec.template.spec.securityContext.runAsNonRoot | the pod may do more than it has to
    pod-is-restricted | deployment `cart-service` | spec.template.spec.securityContext.seccompProfile.type | the pod may do more than it has to
    pod-is-restricted | deployment `cart-service` | spec.template.spec.automountServiceAccountToken | the pod may do more than it has to
    pod-is-restricted | deployment `cart-service` | spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation | the pod may do more than it has to
    pod-is-restricted | deployment `cart-service` | spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem | the pod may do more than it has to
    pod-is-restricted | deployment `cart-service` | spec.template.spec.containers[0].securityContext.capabilities.drop | the pod may do more than it has to
    pod-is-restricted | deployment `product-service` | spec.template.spec.securityContext.runAsNonRoot | the pod may do more than it has to
    pod-is-restricted | deployment `product-service` | spec.template.spec.securityContext.seccompProfile.type | the pod may do more than it has to
    pod-is-restricted | deployment `product-service` | spec.template.spec.automountServiceAccountToken | the pod may do more than it has to
    pod-is-restricted | deployment `product-service` | spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation | the pod may do more than it has to
    pod-is-restricted | deployment `product-service` | spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem | the pod may do more than it has to
    pod-is-restricted | deployment `product-service` | spec.template.spec.containers[0].securityContext.capabilities.drop | the pod may do more than it has to
    ");
    assert_snapshot!(spoilt(Rule::ImageIsPinned, in_pod(|pod| {
        pod.containers[0].image = Some("localhost:5000/shop".to_owned());
    })), @"
    image-is-pinned | deployment `cart-service` | spec.template.spec.containers[0].image | `localhost:5000/shop` may be another image tomorrow
    image-is-pinned | deployment `product-service` | spec.template.spec.containers[0].image | `localhost:5000/shop` may be another image tomorrow
    ");
    spoilt(Rule::ImageIsPinned, in_pod(|pod| pod.containers[0].image = Some("shop:latest".to_owned())));
    assert_snapshot!(spoilt(Rule::ResourcesAreSaid, in_pod(|pod| {
        pod.containers[0].resources.as_mut().unwrap().limits.as_mut().unwrap().remove("memory");
    })), @"
    resources-are-said | deployment `cart-service` | spec.template.spec.containers[0].resources.limits.memory | it is missing
    resources-are-said | deployment `product-service` | spec.template.spec.containers[0].resources.limits.memory | it is missing
    ");
    assert_snapshot!(spoilt(Rule::ProbeMeetsListener, in_pod(|pod| {
        pod.containers[0].startup_probe = None;
        pod.containers[0].ports.as_mut().unwrap().retain(|port| port.name.as_deref() != Some("admin"));
    })), @"
    probe-meets-listener | deployment `cart-service` | spec.template.spec.containers[0].startupProbe | it is missing
    probe-meets-listener | deployment `cart-service` | spec.template.spec.containers[0].livenessProbe | the container has no port `admin`
    probe-meets-listener | deployment `cart-service` | spec.template.spec.containers[0].readinessProbe | the container has no port `admin`
    probe-meets-listener | deployment `product-service` | spec.template.spec.containers[0].startupProbe | it is missing
    probe-meets-listener | deployment `product-service` | spec.template.spec.containers[0].livenessProbe | the container has no port `admin`
    probe-meets-listener | deployment `product-service` | spec.template.spec.containers[0].readinessProbe | the container has no port `admin`
    ");
}

#[test]
fn what_is_named_and_not_there() {
    assert_snapshot!(spoilt(Rule::ReferenceIsMade, in_pod(|pod| {
        pod.service_account_name = Some("robot".to_owned());
    })), @"
    reference-is-made | deployment `cart-service` | spec.template.spec.serviceAccountName | nobody makes the serviceaccount `robot`
    reference-is-made | deployment `product-service` | spec.template.spec.serviceAccountName | nobody makes the serviceaccount `robot`
    ");
    assert_snapshot!(spoilt(Rule::VolumeHasOnePod, in_deployment(|deployment| {
        deployment.spec.as_mut().unwrap().strategy = None;
    })), @"volume-has-one-pod | deployment `product-service` | spec.replicas | several pods would share the volume `product-service-data`");
    assert_snapshot!(spoilt(Rule::ApplicationHasSource, |object| if let Object::Application(application) = object {
        application.spec.project = "default".to_owned();
    }), @"
    application-has-source | application `ecommerce-kong` | spec.project | there is no AppProject `default`
    application-has-source | application `ecommerce-base` | spec.project | there is no AppProject `default`
    application-has-source | application `ecommerce-cart-service` | spec.project | there is no AppProject `default`
    application-has-source | application `ecommerce-product-service` | spec.project | there is no AppProject `default`
    application-has-source | application `ecommerce-gateway` | spec.project | there is no AppProject `default`
    application-has-source | application `ecommerce-platform` | spec.project | there is no AppProject `default`
    ");
    assert_snapshot!(spoilt(Rule::ProjectPermitsKind, |object| if let Object::AppProject(project) = object {
        project.spec.namespace_resource_whitelist.retain(|kind| kind.kind != "NetworkPolicy");
    }), @"project-permits-kind | networkpolicy `default-deny` | kind | the AppProject `ecommerce` does not permit `NetworkPolicy`");
    let mut twice = manifests();
    let first = twice.components[0].objects[0].clone();
    twice.components[0].objects.push(first);
    assert_snapshot!(found(&twice), @"duplicate-object | namespace `ecommerce` | metadata.name | another one has the same name");
}

#[test]
fn calls_that_no_policy_lets_through() {
    assert_snapshot!(spoilt(Rule::PolicyCoversCalls, |object| if let Object::NetworkPolicy(policy) = object {
        // That which lets names be found stays.
        if policy.metadata.name.as_deref() == Some("cart-service") {
            policy.spec.as_mut().unwrap().egress = None;
        }
    }), @"policy-covers-calls | deployment `cart-service` | env.PRODUCT_SERVICE_URL | no NetworkPolicy lets it out to `product-service`");
    spoilt(Rule::PolicyCoversCalls, |object| {
        if let Object::NetworkPolicy(policy) = object {
            for rule in policy.spec.as_mut().unwrap().egress.iter_mut().flatten() {
                rule.ports.as_mut().unwrap()[0].port = Some(IntOrString::Int(6003));
            }
        }
    });
    let context = TestContext::with_spec(
        "
services:
  product-service: {port: 5003}
  cart-service: {port: 5001, path: /cart, env: {PRODUCTS: 'http://product-service/products'}}
",
    );
    assert_snapshot!(context.run(&["render"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: the objects of `minikube` are not sound
      deployment `cart-service`, env.PRODUCTS: no NetworkPolicy lets it out to `product-service` (name `product-service` in `calls`) [policy-covers-calls]
    hint: `ecomctl lint` shows the same; nothing was written
    ");
    assert!(context.files().iter().all(|file| !file.starts_with("generated")));
}
