//! What is rendered, as a real API server takes it: every field known, nothing warned of, pods admitted as `restricted`.

use std::fs;
use std::process::Command;

use ecomctl::yaml;
use serde_json::{Value, json};

use super::cluster::{Cluster, eventually, kubeconfig, kubectl, program};
use crate::context::TestContext;
use crate::docker::shop::printed;

/// All that can be declared.
const SPEC: &str = "
services:
  product-service: {port: 5003, path: /products}
  cart-service: {port: 5001, path: /cart, store: none, replicas: 3, calls: [product-service]}
  order-service: {port: 5002, path: /orders, store: none, calls: [product-service, cart-service], env: {A: b}}
environments:
  minikube: {host: shop.example.com, pullSecret: registry}
  production:
    services:
      cart-service: {autoscaling: {max: 4, cpu: 60}, resources: {requests: {cpu: 10m}}}
      order-service: {replicas: 1}
";

/// Applies a file, which must succeed without a warning.
fn apply(file: &str, args: &[&str]) -> String {
    let mut command = Command::new(program());
    command.args(["kubectl", "--kubeconfig"]).arg(kubeconfig());
    let output =
        command.args(["apply", "--server-side", "--validate=strict", "-f", file]).args(args).output();
    let output = output.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.is_empty(), "{file}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// The kinds that Argo CD defines, and its namespace.
fn with_kinds_of_argocd(context: &TestContext) {
    let manifest = printed(&program().display().to_string(), &["argocd"]);
    let documents: Vec<Value> = yaml::documents(&fs::read_to_string(manifest.trim()).unwrap()).unwrap();
    let mut items: Vec<Value> =
        documents.into_iter().filter(|object| object["kind"] == "CustomResourceDefinition").collect();
    items.push(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}}));
    context.write("kinds.json", &json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
    apply(&context.path("kinds.json").display().to_string(), &[]);
    eventually("the API server serves its kinds", || {
        kubectl(&["api-resources", "--api-group=argoproj.io", "-o", "name"]).lines().count() == 3
    });
}

#[test]
#[ignore = "needs kubernetes"]
fn every_object_is_taken_without_a_warning_and_again_without_a_change() {
    let _cluster = Cluster::take();
    let context = TestContext::with_spec(SPEC);
    with_kinds_of_argocd(&context);
    for (environment, namespace, pods) in
        [("minikube", "ecommerce", 1 + 3 + 2), ("production", "ecommerce-production", 1 + 1 + 1)]
    {
        let rendered = context.output(&["render", "--stdout", "--environment", environment]);
        let objects: Vec<Value> = yaml::documents(std::str::from_utf8(&rendered.stdout).unwrap()).unwrap();
        let (own, argocds): (Vec<Value>, Vec<Value>) =
            objects.into_iter().partition(|object| object["apiVersion"] != "argoproj.io/v1alpha1");
        for (name, items) in [("own.json", own), ("argocds.json", argocds)] {
            context.write(name, &json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
        }
        let file = |name: &str| context.path(name).display().to_string();
        apply(&file("own.json"), &[]);
        let text = apply(&file("argocds.json"), &["--dry-run=server"]);
        assert!(
            text.contains(&format!("ecommerce-platform{}", namespace.trim_start_matches("ecommerce"))),
            "{text}"
        );

        // No pod is refused by the namespace's standard. There are no images.
        eventually("there are as many pods as are declared", || {
            kubectl(&["-n", namespace, "get", "pods", "-o", "name"]).lines().count() == pods
        });

        let generations = || {
            let template = "{range .items[*]}{.kind}/{.metadata.name} {.metadata.generation}{\"\\n\"}{end}";
            let kinds = "deployments,networkpolicies,poddisruptionbudgets,ingresses";
            kubectl(&["-n", namespace, "get", kinds, "-o", &format!("jsonpath={template}")])
        };
        let before = generations();
        apply(&file("own.json"), &[]);
        assert_eq!(generations(), before);
        // Nothing that was rendered is written in another way.
        kubectl(&["diff", "--server-side", "-f", &file("own.json")]);
    }
}
