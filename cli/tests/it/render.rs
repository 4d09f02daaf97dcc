//! `ecomctl render`: which files it writes, and which it leaves alone.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Stdio;

use insta::assert_snapshot;

use crate::context::{SPEC, TestContext};

const DEPLOYMENT: &str = "generated/minikube/cart-service/deployment-cart-service.yaml";

#[test]
fn writes_a_file_an_object() {
    let context = TestContext::with_spec(SPEC);
    assert_snapshot!(context.run(&["render"]), @"
    exit: 0
    --- stdout
    --- stderr
    warning: `ecomctl.lock` has no image of cart-service, order-service, product-service: the package's version is the tag
    Rendered 26 files to `generated/minikube` and `argocd/minikube.yaml`: 26 new, 0 changed, 0 deleted.
    ");
    let files: Vec<String> =
        context.files().into_iter().filter(|path| !path.starts_with("services")).collect();
    assert_snapshot!(files.join("\n"), @"
    argocd/minikube.yaml
    ecomctl.yaml
    generated/minikube/applications/application-ecommerce-base.yaml
    generated/minikube/applications/application-ecommerce-cart-service.yaml
    generated/minikube/applications/application-ecommerce-gateway.yaml
    generated/minikube/applications/application-ecommerce-kong.yaml
    generated/minikube/applications/application-ecommerce-order-service.yaml
    generated/minikube/applications/application-ecommerce-product-service.yaml
    generated/minikube/base/namespace-ecommerce.yaml
    generated/minikube/base/networkpolicy-allow-dns.yaml
    generated/minikube/base/networkpolicy-default-deny.yaml
    generated/minikube/cart-service/deployment-cart-service.yaml
    generated/minikube/cart-service/networkpolicy-cart-service.yaml
    generated/minikube/cart-service/persistentvolumeclaim-cart-service-data.yaml
    generated/minikube/cart-service/service-cart-service.yaml
    generated/minikube/cart-service/serviceaccount-cart-service.yaml
    generated/minikube/gateway/ingress-ecommerce-ingress.yaml
    generated/minikube/order-service/deployment-order-service.yaml
    generated/minikube/order-service/networkpolicy-order-service.yaml
    generated/minikube/order-service/persistentvolumeclaim-order-service-data.yaml
    generated/minikube/order-service/service-order-service.yaml
    generated/minikube/order-service/serviceaccount-order-service.yaml
    generated/minikube/product-service/deployment-product-service.yaml
    generated/minikube/product-service/networkpolicy-product-service.yaml
    generated/minikube/product-service/persistentvolumeclaim-product-service-data.yaml
    generated/minikube/product-service/service-product-service.yaml
    generated/minikube/product-service/serviceaccount-product-service.yaml
    ");
    assert_eq!(fs::metadata(context.path(DEPLOYMENT)).unwrap().permissions().mode() & 0o777, 0o644);
}

#[test]
fn an_unchanged_tree_is_not_touched() {
    let context = TestContext::with_spec(SPEC);
    context.output(&["render"]);
    let inode = |path| fs::metadata(context.path(path)).unwrap().ino();
    let before = inode(DEPLOYMENT);
    assert_snapshot!(context.run(&["render"]), @"
    exit: 0
    --- stdout
    --- stderr
    warning: `ecomctl.lock` has no image of cart-service, order-service, product-service: the package's version is the tag
    `generated/minikube` and `argocd/minikube.yaml` are up to date (26 files).
    ");
    assert_eq!(inode(DEPLOYMENT), before);
}

#[test]
fn only_what_differs_is_written() {
    let context = TestContext::with_spec(SPEC);
    context.output(&["render"]);
    let service = "generated/minikube/cart-service/service-cart-service.yaml";
    let inode = |path| fs::metadata(context.path(path)).unwrap().ino();
    let (deployment, unchanged) = (inode(DEPLOYMENT), inode(service));
    context.write("ecomctl.yaml", &SPEC.replace("5001", "5011"));
    assert_snapshot!(context.run(&["render"]), @"
    exit: 0
    --- stdout
    --- stderr
    warning: `ecomctl.lock` has no image of cart-service, order-service, product-service: the package's version is the tag
    Rendered 26 files to `generated/minikube` and `argocd/minikube.yaml`: 0 new, 1 changed, 0 deleted.
    ");
    assert_ne!(inode(DEPLOYMENT), deployment);
    assert_eq!(inode(service), unchanged);
}

#[test]
fn the_port_is_said_once() {
    let context = TestContext::with_spec(&SPEC.replace("5001", "7654"));
    let stream = String::from_utf8(context.output(&["render", "--stdout"]).stdout).unwrap();
    assert!(!stream.contains("5001") && !stream.contains("6001"));
    assert_eq!(stream.matches("7654").count(), 2, "container port and HTTP_PORT: {stream}");
    assert_eq!(stream.matches("8654").count(), 2, "admin port and ADMIN_PORT: {stream}");
}

#[test]
fn what_is_no_longer_declared_is_deleted() {
    let context = TestContext::with_spec(SPEC);
    context.output(&["render"]);
    let without: Vec<&str> = SPEC.lines().filter(|line| !line.contains("order-service")).collect();
    context.write("ecomctl.yaml", &without.join("\n"));
    assert_snapshot!(context.run(&["render", "--check"]), @"
    exit: 3
    --- stdout
    generated/minikube/gateway/ingress-ecommerce-ingress.yaml: different
    generated/minikube/product-service/networkpolicy-product-service.yaml: different
    generated/minikube/applications/application-ecommerce-order-service.yaml: no longer declared
    generated/minikube/order-service/deployment-order-service.yaml: no longer declared
    generated/minikube/order-service/networkpolicy-order-service.yaml: no longer declared
    generated/minikube/order-service/persistentvolumeclaim-order-service-data.yaml: no longer declared
    generated/minikube/order-service/service-order-service.yaml: no longer declared
    generated/minikube/order-service/serviceaccount-order-service.yaml: no longer declared
    --- stderr
    warning: `ecomctl.lock` has no image of cart-service, product-service: the package's version is the tag
    `generated/minikube` and `argocd/minikube.yaml` are not what `ecomctl.yaml` and `ecomctl.lock` say: run `ecomctl render`.
    ");
    assert_snapshot!(context.run(&["render"]), @"
    exit: 0
    --- stdout
    --- stderr
    warning: `ecomctl.lock` has no image of cart-service, product-service: the package's version is the tag
    Rendered 20 files to `generated/minikube` and `argocd/minikube.yaml`: 0 new, 2 changed, 6 deleted.
    ");
    assert!(!context.path("generated/minikube/order-service").exists());
}

#[test]
fn check_writes_nothing_and_tells_by_its_exit_code() {
    let context = TestContext::with_spec(SPEC);
    let before = context.files();
    assert_eq!(context.output(&["render", "--check"]).status.code(), Some(3));
    assert_eq!(context.files(), before);
    context.output(&["render"]);
    assert_eq!(context.output(&["render", "--check"]).status.code(), Some(0));
    let edited = context.read(DEPLOYMENT).replace("replicas: 1", "replicas: 5");
    context.write(DEPLOYMENT, &edited);
    assert_snapshot!(context.run(&["render", "--check", "--output", "json"]), @r#"
    exit: 3
    --- stdout
    {
      "environment": "minikube",
      "files": 26,
      "added": [],
      "changed": [
        "generated/minikube/cart-service/deployment-cart-service.yaml"
      ],
      "deleted": []
    }
    --- stderr
    warning: `ecomctl.lock` has no image of cart-service, order-service, product-service: the package's version is the tag
    `generated/minikube` and `argocd/minikube.yaml` are not what `ecomctl.yaml` and `ecomctl.lock` say: run `ecomctl render`.
    "#);
    assert_eq!(context.read(DEPLOYMENT), edited);
}

#[test]
fn a_file_of_somebody_else_is_named_and_nothing_is_written() {
    let context = TestContext::with_spec(SPEC);
    context.write("generated/minikube/extra/secret.yaml", "kind: Secret\n");
    context.write(DEPLOYMENT, "kind: Deployment\n");
    context.write("generated/minikube/notes.txt", "not a manifest\n");
    let before = context.files();
    assert_snapshot!(context.run(&["render"]), @"
    exit: 1
    --- stdout
    --- stderr
    warning: `ecomctl.lock` has no image of cart-service, order-service, product-service: the package's version is the tag
    error: not made by ecomctl, but in a place that it owns: `generated/minikube/cart-service/deployment-cart-service.yaml`, `generated/minikube/extra/secret.yaml`
    hint: move it elsewhere, or delete it; nothing was written
    ");
    assert_eq!(context.files(), before);
    assert_eq!(context.read(DEPLOYMENT), "kind: Deployment\n");
}

#[test]
fn a_link_is_not_followed() {
    let context = TestContext::with_spec(SPEC);
    context.write("precious.yaml", "# Generated by ecomctl\n");
    fs::create_dir_all(context.path("generated/minikube/base")).unwrap();
    let link = context.path("generated/minikube/base/link.yaml");
    symlink(context.path("precious.yaml"), &link).unwrap();
    assert_eq!(context.output(&["render"]).status.code(), Some(1));
    fs::remove_file(link).unwrap();
    for place in ["argocd/minikube.yaml", "generated/minikube", "argocd"] {
        let place = context.path(place);
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(context.path("precious.yaml"), &place).unwrap();
        let shown = context.run(&["render"]);
        assert!(shown.starts_with("exit: 1") && shown.contains("not made by ecomctl"), "{shown}");
        fs::remove_file(&place).unwrap();
    }
    assert_eq!(context.read("precious.yaml"), "# Generated by ecomctl\n");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let context = TestContext::with_spec(SPEC);
    context.write("generated/minikube/cart-service", "a file where a folder must be\n");
    let shown = context.run(&["render"]);
    assert!(shown.starts_with("exit: 1") && shown.contains("generated/minikube/cart-service"), "{shown}");
}

#[test]
fn the_stream_is_in_the_order_of_applying() {
    let context = TestContext::with_spec(SPEC);
    let output = context.output(&["render", "--stdout"]);
    let stream = String::from_utf8(output.stdout).unwrap();
    let kinds: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
    assert_snapshot!(kinds.join(" "), @"Namespace NetworkPolicy NetworkPolicy ServiceAccount NetworkPolicy PersistentVolumeClaim Service Deployment ServiceAccount NetworkPolicy PersistentVolumeClaim Service Deployment ServiceAccount NetworkPolicy PersistentVolumeClaim Service Deployment Ingress AppProject AppProject Application Application Application Application Application Application Application");
    assert_eq!(context.files().iter().filter(|path| path.starts_with("generated")).count(), 0);
}

/// Returns the exit code of a command whose stdout nobody reads.
fn with_closed_stdout(context: &TestContext, args: &[&str]) -> Option<i32> {
    let mut command = context.command(args);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    child.wait().unwrap().code()
}

#[test]
fn a_closed_pipe_hides_no_failure() {
    let context = TestContext::with_spec(SPEC);
    assert_eq!(with_closed_stdout(&context, &["render", "--stdout"]), Some(0));
    assert_eq!(with_closed_stdout(&context, &["render", "--check", "--output", "json"]), Some(3));
    assert_eq!(with_closed_stdout(&context, &["verify", "--url", "http://127.0.0.1:1"]), Some(1));
}

#[test]
fn images_of_the_lock_are_pinned_by_digest() {
    let context = TestContext::with_spec(SPEC);
    let digest = |c: &str| format!("sha256:{}", c.repeat(64));
    let source = "source: {commit: 0123456789abcdef0123456789abcdef01234567, dirty: false}";
    let (manifest, config, inputs) = (digest("a"), digest("b"), digest("c"));
    context.write(
        "ecomctl.lock",
        &format!(
            "minikube:
  cart-service: {{repository: localhost:5000/cart-service, tag: abc, manifest: '{manifest}', config: '{config}', inputs: '{inputs}', {source}}}
  order-service: {{repository: ecomctl.local/order-service, tag: def, config: '{config}', inputs: '{inputs}', {source}}}
"
        ),
    );
    assert_snapshot!(context.run(&["render"]), @"
    exit: 0
    --- stdout
    --- stderr
    warning: `ecomctl.lock` has no image of product-service: the package's version is the tag
    Rendered 26 files to `generated/minikube` and `argocd/minikube.yaml`: 26 new, 0 changed, 0 deleted.
    ");
    assert!(
        context.read(DEPLOYMENT).contains(&format!("image: localhost:5000/cart-service:abc@{manifest}\n"))
    );
    let order = context.read("generated/minikube/order-service/deployment-order-service.yaml");
    assert!(order.contains("image: ecomctl.local/order-service:def\n"));
}

#[test]
fn environments_after_the_first_have_names_of_their_own() {
    let spec = format!(
        "{SPEC}registry: ghcr.io/you\ngit: {{url: 'https://github.com/you/shop.git', branch: deploy}}\n\
         environments: {{minikube: , production: {{registry: docker.io/you, host: shop.example.com}}}}\n"
    );
    let context = TestContext::with_spec(&spec);
    context.output(&["render"]);
    context.output(&["render", "--environment", "production"]);
    let first = context.read(DEPLOYMENT);
    assert!(
        first.contains("namespace: ecommerce\n") && first.contains("image: ghcr.io/you/cart-service:1.2.3\n")
    );
    let other = context.read("generated/production/cart-service/deployment-cart-service.yaml");
    assert!(other.contains("namespace: ecommerce-production\n"));
    assert!(other.contains("image: docker.io/you/cart-service:1.2.3\n"));
    let ingress = context.read("generated/production/gateway/ingress-ecommerce-ingress-production.yaml");
    assert!(ingress.contains("host: shop.example.com"));
    let root = context.read("argocd/production.yaml");
    assert!(root.contains("name: ecommerce-platform-production\n"));
    assert!(root.contains("targetRevision: deploy\n"));
    assert!(root.contains("path: generated/production/applications\n"));
}

#[test]
fn files_of_an_environment_that_is_no_longer_declared_are_deleted() {
    let context = TestContext::with_spec(&format!("{SPEC}environments: {{minikube: , production: }}\n"));
    context.output(&["render"]);
    context.output(&["render", "--environment", "production"]);
    context.write("generated/production/notes.txt", "mine\n");
    context.write("ecomctl.yaml", SPEC);
    assert_eq!(context.output(&["render", "--check"]).status.code(), Some(3));
    assert_snapshot!(context.run(&["render"]), @"
    exit: 0
    --- stdout
    --- stderr
    warning: `ecomctl.lock` has no image of cart-service, order-service, product-service: the package's version is the tag
    Rendered 26 files to `generated/minikube` and `argocd/minikube.yaml`: 0 new, 0 changed, 26 deleted.
    ");
    assert!(!context.path("argocd/production.yaml").exists());
    let left: Vec<String> = context.files().into_iter().filter(|path| path.contains("production")).collect();
    assert_eq!(left, ["generated/production/notes.txt"]);
    assert_eq!(context.output(&["render", "--check"]).status.code(), Some(0));
}

#[test]
fn the_project_is_found_from_a_folder_below() {
    let context = TestContext::with_spec(SPEC);
    let output = context.output(&["-C", "services/cart-service", "render"]);
    assert!(output.status.success());
    assert!(context.path(DEPLOYMENT).exists());
    let above = context.command(&["-C", "..", "render"]).output().unwrap();
    assert_eq!(above.status.code(), Some(2), "above is no project: {}", context.show(&above));
    let nowhere = context.run(&["-C", "nowhere", "render"]);
    assert!(nowhere.starts_with("exit: 1") && nowhere.contains("nowhere"), "{nowhere}");
}
