//! What holds for every valid spec.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ecomctl::model::image::Tag;
use ecomctl::model::lock::ImageLock;
use ecomctl::model::manifests::{Manifests, Object};
use ecomctl::model::parse::parse_spec;
use ecomctl::model::resolve::resolve;
use ecomctl::model::tree::{HEADER, RenderedTree};
use ecomctl::{plan, render, yaml};
use proptest::prelude::*;
use serde_json::json;

#[derive(Clone, Debug)]
struct Service {
    path: bool,
    none: bool,
    replicas: u16,
    calls: Vec<prop::sample::Index>,
    env: BTreeMap<String, String>,
    cpu: Option<(u32, u32)>,
    overlay: Option<(u16, bool)>,
}

/// Returns any text, and often one that YAML could take for something else.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[-+.0-9_:eExo ]{1,8}",
        "(?i)(y|n|yes|no|on|off|true|null|~|<<|=)",
        "[ #:'\"\n-]{1,6}"
    ]
}

fn service() -> impl Strategy<Value = Service> {
    (
        any::<bool>(),
        any::<bool>(),
        1..9_u16,
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        prop::collection::btree_map("[A-Z]{3,8}", value(), 0..3),
        prop::option::of((1..100_u32, 100..1000_u32)),
        prop::option::of((1..9_u16, any::<bool>())),
    )
        .prop_map(|(path, none, replicas, calls, env, cpu, overlay)| Service {
            path,
            none,
            replicas,
            calls,
            env,
            cpu,
            overlay,
        })
}

/// Returns the text of a valid spec.
fn spec() -> impl Strategy<Value = String> {
    let services = prop::collection::btree_map("s[a-z0-9]{0,12}(-[a-z0-9]{1,8})?", service(), 1..12);
    let name = prop::option::of("[a-z][a-z0-9]{0,10}");
    let host = prop::option::of("[a-z]{1,9}\\.example\\.com");
    (services, name, host, any::<bool>(), any::<bool>()).prop_map(|(services, name, host, registry, git)| {
        let mut text = String::new();
        if let Some(name) = name {
            let _ = writeln!(text, "name: {name}");
        }
        if registry {
            text.push_str("registry: localhost:5000/shop\n");
        }
        if git {
            text.push_str("git: {url: 'https://example.com/shop.git', branch: release/1.x}\n");
        }
        if let Some(host) = host {
            let _ = writeln!(text, "gateway: {{class: nginx, host: {host}}}");
        }
        text.push_str("environments:\n  minikube:\n  production:\n    services: {");
        for (name, service) in &services {
            let Some((replicas, scaled)) = service.overlay.filter(|_| service.none) else { continue };
            let overlay = if scaled {
                format!("{{autoscaling: {{min: {replicas}, max: 9, cpu: 50}}}}")
            } else {
                format!("{{replicas: {replicas}, env: {{SEVERAL: '1'}}}}")
            };
            let _ = write!(text, "{name}: {overlay}, ");
        }
        text.push_str("}\nservices:\n");
        let names: Vec<&String> = services.keys().collect();
        for (number, (name, service)) in services.iter().enumerate() {
            let _ = writeln!(text, "  {name}:\n    port: {}", 2000 + number);
            if service.path {
                let _ = writeln!(text, "    path: /{name}");
            }
            if service.none {
                let _ = writeln!(text, "    store: none\n    replicas: {}", service.replicas);
            }
            let mut calls: Vec<&str> = service.calls.iter().map(|index| index.get(&names).as_str()).collect();
            calls.sort_unstable();
            calls.dedup();
            calls.retain(|called| called != name);
            let _ = writeln!(text, "    calls: {calls:?}");
            let _ = writeln!(text, "    env: {}", serde_json::json!(service.env));
            if let Some((request, limit)) = service.cpu {
                let _ = writeln!(
                    text,
                    "    resources: {{requests: {{cpu: {request}m}}, limits: {{cpu: {limit}m}}}}"
                );
            }
        }
        text
    })
}

fn manifests(text: &str, environment: &str) -> Manifests {
    let spec = parse_spec("ecomctl.yaml", text).map_err(|error| format!("{error}\n{text}")).unwrap();
    let version = |_: &_| Tag::of_version("1.0.0");
    render::manifests(&resolve(&spec, &environment.parse().unwrap(), &ImageLock::default(), version).unwrap())
}

fn rendered(text: &str, environment: &str) -> RenderedTree {
    render::render_tree(&manifests(text, environment), &environment.parse().unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_valid_spec_renders_twice_to_the_same_bytes(text in spec()) {
        for environment in ["minikube", "production"] {
            let tree = rendered(&text, environment);
            prop_assert_eq!(&tree, &rendered(&text, environment));
            prop_assert!(tree.len() >= 6);
            for (path, content) in &tree {
                prop_assert!(content.starts_with(HEADER.as_bytes()), "{}", path);
            }
        }
    }

    #[test]
    fn any_valid_spec_renders_to_objects_without_a_finding(text in spec()) {
        for environment in ["minikube", "production", "local"] {
            prop_assert_eq!(plan::lint::lint(&manifests(&text, environment), &[]), vec![]);
        }
    }

    #[test]
    fn what_is_rendered_reads_back_as_the_same_objects(text in spec()) {
        let manifests = manifests(&text, "minikube");
        let tree = render::render_tree(&manifests, &"minikube".parse().unwrap()).unwrap();
        for object in manifests.objects() {
            let suffix = format!("/{}-{}.yaml", object.kind(), object.name());
            let (_, content) = tree.iter().find(|(path, _)| path.ends_with(&suffix)).unwrap();
            let read: serde_json::Value = yaml::parse(std::str::from_utf8(content).unwrap()).unwrap();
            prop_assert_eq!(&read, &serde_json::to_value(object).unwrap());
            no_nulls(&read)?;
        }
    }

    #[test]
    fn a_deployment_says_what_the_spec_says(text in spec()) {
        let declared: serde_json::Value = yaml::parse(&text).unwrap();
        for object in manifests(&text, "minikube").objects() {
            let Object::Deployment(deployment) = object else { continue };
            let service = &declared["services"][object.name()];
            let pod = deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap();
            let container = &pod.containers[0];
            let ports: Vec<i32> = container.ports.iter().flatten().map(|port| port.container_port).collect();
            let port = i32::try_from(service["port"].as_i64().unwrap()).unwrap();
            prop_assert_eq!(ports, vec![port, port + 1000]);
            let env: BTreeMap<&str, &str> = container
                .env
                .iter()
                .flatten()
                .map(|variable| (variable.name.as_str(), variable.value.as_deref().unwrap()))
                .collect();
            for (name, value) in service["env"].as_object().unwrap() {
                prop_assert_eq!(env.get(name.as_str()), Some(&value.as_str().unwrap()));
            }
            prop_assert_eq!(env["HTTP_PORT"], port.to_string());
        }
    }

    #[test]
    fn the_environments_share_no_object(text in spec()) {
        let names = |environment| {
            let manifests = manifests(&text, environment);
            let objects: Vec<Object> = manifests.objects().chain(&manifests.entry).cloned().collect();
            objects
                .iter()
                .map(|object| (object.kind(), object.metadata().namespace.clone(), object.name().to_owned()))
                .collect::<BTreeSet<_>>()
        };
        let shared: Vec<_> = names("minikube").intersection(&names("production")).cloned().collect();
        prop_assert!(shared.is_empty(), "{:?}", shared);
    }

    #[test]
    fn any_valid_spec_has_a_local_plan(text in spec()) {
        let manifests = manifests(&text, "local");
        let plan = plan::local::plan(&manifests).unwrap();
        prop_assert_eq!(plan.processes.len(), text.matches("    port: ").count());
        prop_assert_eq!(plan.routes.len(), text.matches("    path: ").count());
        prop_assert!(plan.routes.iter().all(|route| route.matches("localhost", &route.prefix)));
        let addresses = plan.processes.iter().flat_map(|process| &process.env);
        for (name, value) in addresses.filter(|(name, _)| name.ends_with("_URL") && *name != "STORE_URL") {
            prop_assert!(value.starts_with("http://127.0.0.1:"), "{} is {}", name, value);
        }
    }

    #[test]
    fn any_text_is_a_spec_or_a_mistake(text in "\\PC{0,200}") {
        let _ = parse_spec("ecomctl.yaml", &text);
    }
}

/// What is rendered has no value that an API server would leave out.
fn no_nulls(value: &serde_json::Value) -> Result<(), TestCaseError> {
    match value {
        serde_json::Value::Null => prop_assert!(false, "a null is rendered"),
        serde_json::Value::Array(items) => {
            prop_assert!(!items.is_empty(), "an empty list is rendered");
            items.iter().try_for_each(no_nulls)?;
        }
        serde_json::Value::Object(fields) => {
            prop_assert!(!fields.is_empty(), "an empty map is rendered");
            // An empty selector of pods is one of all pods.
            let fields = fields.iter().filter(|(name, value)| *name != "podSelector" || *value != &json!({}));
            fields.map(|(_, value)| value).try_for_each(no_nulls)?;
        }
        _ => {}
    }
    Ok(())
}
