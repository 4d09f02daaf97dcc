//! What holds for every valid spec.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ecomctl::model::image::Tag;
use ecomctl::model::lock::ImageLock;
use ecomctl::model::manifests::Manifests;
use ecomctl::model::parse::parse_spec;
use ecomctl::model::resolve::resolve;
use ecomctl::model::tree::{HEADER, RenderedTree};
use ecomctl::plan;
use ecomctl::render;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Service {
    path: bool,
    none: bool,
    replicas: u16,
    calls: Vec<prop::sample::Index>,
    env: BTreeMap<String, String>,
    cpu: Option<(u32, u32)>,
}

fn service() -> impl Strategy<Value = Service> {
    (
        any::<bool>(),
        any::<bool>(),
        1..9_u16,
        prop::collection::vec(any::<prop::sample::Index>(), 0..3),
        prop::collection::btree_map("[A-Z]{3,8}", "\\PC{0,12}", 0..3),
        prop::option::of((1..100_u32, 100..1000_u32)),
    )
        .prop_map(|(path, none, replicas, calls, env, cpu)| Service {
            path,
            none,
            replicas,
            calls,
            env,
            cpu,
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
        text.push_str("environments: {minikube: , production: }\nservices:\n");
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
    fn what_is_rendered_is_what_was_meant(text in spec()) {
        for content in rendered(&text, "minikube").values() {
            for document in std::str::from_utf8(content).unwrap().split("\n---\n") {
                let object: serde_json::Value = ecomctl::yaml::parse(document).unwrap();
                prop_assert!(object["kind"].is_string() && object["metadata"]["name"].is_string());
                no_nulls(&object)?;
            }
        }
    }

    #[test]
    fn the_environments_share_no_file(text in spec()) {
        let first = rendered(&text, "minikube");
        prop_assert!(rendered(&text, "production").keys().all(|path| !first.contains_key(path)));
    }

    #[test]
    fn any_valid_spec_has_a_local_plan(text in spec()) {
        let manifests = manifests(&text, "local");
        let plan = plan::local::plan(&manifests).unwrap();
        prop_assert_eq!(plan.processes.len(), text.matches("    port: ").count());
        prop_assert_eq!(plan.routes.len(), text.matches("    path: ").count());
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
            fields.values().try_for_each(no_nulls)?;
        }
        _ => {}
    }
    Ok(())
}
