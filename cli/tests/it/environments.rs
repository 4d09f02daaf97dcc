//! `ecomctl diff`, `promote`, `rollback` and `graph`: one environment and another, now and before.

use std::fmt::Write;

use insta::assert_snapshot;

use crate::context::{SPEC, TestContext};

/// Returns images of each service in an environment, whose digests all have the digit `digit`.
fn images(environment: &str, digit: char) -> String {
    let digest = format!("sha256:{}", digit.to_string().repeat(64));
    let mut lock = format!("{environment}:\n");
    for service in ["cart-service", "order-service", "product-service"] {
        let image = format!("repository: localhost:5000/{service}, tag: t{digit}, manifest: {digest}");
        let _ = writeln!(lock, "  {service}: {{{image}, config: {digest}, inputs: {digest}}}");
    }
    lock
}

/// A committed shop with two environments that run something else.
fn shop() -> TestContext {
    let spec = format!(
        "{SPEC}registry: localhost:5000\nenvironments:\n  staging:\n  production: {{services: {{cart-service: {{storage: 5Gi}}}}}}\n"
    );
    let context = TestContext::with_spec(&spec).with_identity();
    context.write(".gitignore", "/.ecomctl\n");
    context.write("ecomctl.lock", &(images("production", 'b') + &images("staging", 'a')));
    context.git("", &["init", "--quiet", "--initial-branch", "main"]);
    context.git("", &["add", "."]);
    context.git("", &["commit", "--quiet", "--message", "a shop"]);
    for environment in ["staging", "production"] {
        let output = context.output(&["render", "--commit", "--environment", environment]);
        assert!(output.status.success(), "{}", context.show(&output));
    }
    context
}

/// Returns what `ecomctl` did, with commits as `[COMMIT]`.
fn run(context: &TestContext, args: &[&str]) -> String {
    let mut shown = context.run(args);
    for commit in context.git("", &["log", "--all", "--format=%H"]).lines() {
        shown = shown.replace(commit, "[COMMIT]").replace(&commit[..10], "[COMMIT]");
    }
    shown
}

fn tag_of(context: &TestContext, environment: &str, service: &str) -> String {
    let deployment = context.read(&format!("generated/{environment}/{service}/deployment-{service}.yaml"));
    let image = deployment.lines().find_map(|line| line.trim().strip_prefix("image: ")).unwrap();
    image.split(['@', ':']).nth(2).unwrap().to_owned()
}

#[test]
fn images_are_promoted_and_rolled_back_as_one_commit() {
    let context = shop();
    assert_snapshot!(run(&context, &["promote", "staging", "production", "cart-service"]), @"
    exit: 0
    --- stdout
    --- stderr
    cart-service localhost:5000/cart-service:ta, the same registry
    Committed 2 files to `main`: [COMMIT]
    ");
    assert_eq!(tag_of(&context, "production", "cart-service"), "ta");
    assert_eq!(tag_of(&context, "production", "order-service"), "tb");
    assert_snapshot!(context.git("", &["show", "--name-only", "--format=%B", "HEAD"]), @"
    production: promote from staging

    cart-service ta


    ecomctl.lock
    generated/production/cart-service/deployment-cart-service.yaml
    ");
    assert_eq!(context.git("", &["status", "--porcelain"]), "");
    let again = run(&context, &["promote", "staging", "production", "cart-service"]);
    assert!(again.contains("Nothing to commit"), "{again}");

    run(&context, &["promote", "staging", "production", "--message", "all of it"]);
    assert_eq!(context.git("", &["log", "-1", "--format=%B"]).trim(), "all of it");
    assert_eq!(tag_of(&context, "production", "order-service"), "ta");
    assert_snapshot!(run(&context, &["rollback", "production"]), @"
    exit: 0
    --- stdout
    --- stderr
    Committed 3 files to `main`: [COMMIT]
    ");
    assert_eq!(tag_of(&context, "production", "cart-service"), "ta");
    assert_eq!(tag_of(&context, "production", "order-service"), "tb");
    let back = run(&context, &["rollback", "production", "--to", "HEAD~3"]);
    assert!(back.starts_with("exit: 0"), "{back}");
    assert_eq!(tag_of(&context, "production", "cart-service"), "tb");
    assert_eq!(tag_of(&context, "staging", "cart-service"), "ta");
}

#[test]
fn a_branch_for_a_pull_request_leaves_the_work_tree_alone() {
    let context = shop();
    let lock = context.read("ecomctl.lock");
    let shown =
        run(&context, &["promote", "staging", "production", "cart-service", "--branch", "promote-cart"]);
    assert!(shown.contains("Committed 2 files to `promote-cart`"), "{shown}");
    assert_eq!(context.read("ecomctl.lock"), lock);
    assert_eq!(context.git("", &["status", "--porcelain"]), "");
    assert!(context.git("", &["show", "promote-cart:ecomctl.lock"]).contains("ta"));
    // What is rendered there later keeps it.
    let args = ["render", "--commit", "--branch", "promote-cart", "--environment", "production"];
    assert!(run(&context, &args).contains("Nothing to commit"));
    let back = run(&context, &["rollback", "production", "--branch", "promote-cart"]);
    assert!(back.contains("Committed 2 files to `promote-cart`"), "{back}");
    assert_eq!(context.read("ecomctl.lock"), lock);
}

#[test]
fn a_service_that_is_new_does_not_hide_the_images_before() {
    let context = shop();
    run(&context, &["promote", "staging", "production"]);
    let spec = context
        .read("ecomctl.yaml")
        .replace("services:\n  product", "services:\n  mail: {port: 5009}\n  product");
    context.write("ecomctl.yaml", &spec);
    let digest = format!("sha256:{}", "c".repeat(64));
    let image = format!(
        "{{repository: localhost:5000/mail, tag: tc, manifest: {digest}, config: {digest}, inputs: {digest}}}"
    );
    let lock = context.read("ecomctl.lock").replace("staging:\n", &format!("  mail: {image}\nstaging:\n"));
    context.write("ecomctl.lock", &lock);
    context.git("", &["commit", "--quiet", "--all", "--message", "mail"]);
    let shown = run(&context, &["rollback", "production"]);
    assert!(shown.contains("mail was not there at") && shown.contains("Committed"), "{shown}");
    assert_eq!(tag_of(&context, "production", "cart-service"), "tb");
    assert_eq!(tag_of(&context, "production", "mail"), "tc");
}

#[test]
fn what_is_refused_changes_nothing() {
    let context = shop();
    run(&context, &["promote", "staging", "production"]);
    let spec = context.read("ecomctl.yaml");
    context.write("ecomctl.yaml", &format!("{spec}# changed\n"));
    let shown = run(&context, &["rollback", "production"]);
    assert!(shown.starts_with("exit: 1") && shown.contains("changes that are not committed"), "{shown}");
    assert_eq!(context.git("", &["status", "--porcelain"]).trim(), "M ecomctl.yaml");
    context.write("ecomctl.yaml", &spec);
    // An image that is in no registry, and an environment that would have but one image.
    context.write("ecomctl.lock", &images("staging", 'a'));
    assert_snapshot!(context.run(&["promote", "staging", "production", "cart-service"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: `ecomctl.lock` has no image of order-service, product-service for `production`
    hint: `ecomctl promote FROM production` gives it all of another environment's
    ");
    let loaded = images("staging", 'a').replace(&format!(", manifest: sha256:{}", "a".repeat(64)), "");
    context.write("ecomctl.lock", &loaded);
    assert_snapshot!(context.run(&["promote", "staging", "production"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: the image of cart-service was loaded into a node, and is in no registry
    hint: declare a `registry` for where it is built, and `ecomctl push`
    ");
    assert_eq!(context.read("ecomctl.lock"), loaded);
}

#[test]
fn what_cannot_be_promoted_or_rolled_back() {
    let context = shop();
    assert_snapshot!(context.run(&["promote", "production", "staging"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: `staging` follows builds, which would replace what is promoted to it
    hint: say `images: promote` in `environments.staging`, or promote to another one
    ");
    assert_snapshot!(context.run(&["promote", "staging", "staging"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: `staging` has its own images already
    ");
    assert_snapshot!(context.run(&["promote", "staging", "moon"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is no environment `moon`
    hint: `ecomctl.yaml` declares staging, production
    ");
    assert_snapshot!(context.run(&["promote", "staging", "production", "ghost"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is no service `ghost`
    hint: `ecomctl.yaml` declares product-service, cart-service, order-service
    ");
    assert_snapshot!(context.run(&["rollback", "production", "--to", "v9"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: `v9` is no commit of this repository
    hint: `git log ecomctl.lock` lists those that changed the lock
    ");
    assert_snapshot!(context.run(&["rollback", "staging"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: git knows of no other images of `staging`
    hint: `--to COMMIT` names one
    ");
    context.write("ecomctl.lock", &images("production", 'b'));
    assert_snapshot!(context.run(&["promote", "staging", "production", "cart-service"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: `staging` has no image of cart-service that could be promoted
    hint: `ecomctl push --environment staging` pins what was built
    ");
}

#[test]
fn differences_are_shown_as_lines() {
    let context = shop();
    assert_snapshot!(context.run(&["diff"]), @"
    exit: 0
    --- stdout
    --- stderr
    `staging` is the same as the last commit of `main`.
    ");
    assert_snapshot!(context.run(&["diff", "staging", "--environment", "production"]), @"
    exit: 3
    --- stdout
    --- a/generated/staging/cart-service/deployment-cart-service.yaml
    +++ b/generated/staging/cart-service/deployment-cart-service.yaml
    @@ -35,7 +35,7 @@
               value: http://product-service
             - name: STORE_URL
               value: sqlite:data/cart-service.db
    -        image: localhost:5000/cart-service:tb@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    +        image: localhost:5000/cart-service:ta@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             imagePullPolicy: IfNotPresent
             lifecycle:
               preStop:
    --- a/generated/staging/cart-service/persistentvolumeclaim-cart-service-data.yaml
    +++ b/generated/staging/cart-service/persistentvolumeclaim-cart-service-data.yaml
    @@ -15,4 +15,4 @@
       - ReadWriteOnce
       resources:
         requests:
    -      storage: 5Gi
    +      storage: 1Gi
    --- a/generated/staging/order-service/deployment-order-service.yaml
    +++ b/generated/staging/order-service/deployment-order-service.yaml
    @@ -35,7 +35,7 @@
               value: http://product-service
             - name: STORE_URL
               value: sqlite:data/order-service.db
    -        image: localhost:5000/order-service:tb@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    +        image: localhost:5000/order-service:ta@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             imagePullPolicy: IfNotPresent
             lifecycle:
               preStop:
    --- a/generated/staging/product-service/deployment-product-service.yaml
    +++ b/generated/staging/product-service/deployment-product-service.yaml
    @@ -33,7 +33,7 @@
               value: '5003'
             - name: STORE_URL
               value: sqlite:data/product-service.db
    -        image: localhost:5000/product-service:tb@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    +        image: localhost:5000/product-service:ta@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
             imagePullPolicy: IfNotPresent
             lifecycle:
               preStop:
    --- stderr
    `staging` differs from `production`: 0 files more, 4 changed, 0 fewer.
    ");
    let spec = context.read("ecomctl.yaml").replace("path: /cart", "path: /carts");
    context.write("ecomctl.yaml", &spec);
    assert_snapshot!(context.run(&["diff"]), @"
    exit: 3
    --- stdout
    --- a/generated/staging/gateway/ingress-ecommerce-ingress.yaml
    +++ b/generated/staging/gateway/ingress-ecommerce-ingress.yaml
    @@ -20,7 +20,7 @@
                 name: cart-service
                 port:
                   name: http
    -        path: /cart
    +        path: /carts
             pathType: Prefix
           - backend:
               service:
    --- stderr
    `staging` differs from the last commit of `main`: 0 files more, 1 changed, 0 fewer.
    ");
    assert_snapshot!(run(&context, &["diff", "--output", "json"]), @r#"
    exit: 3
    --- stdout
    {
      "environment": "staging",
      "with": "[COMMIT]",
      "added": [],
      "changed": [
        "generated/staging/gateway/ingress-ecommerce-ingress.yaml"
      ],
      "deleted": []
    }
    --- stderr
    `staging` differs from the last commit of `main`: 0 files more, 1 changed, 0 fewer.
    "#);
    assert!(context.run(&["diff", "--color", "always"]).contains("\u{1b}[31m"));
}

#[test]
fn the_shop_is_drawn() {
    let spec = SPEC.replace("5001", "5001, store: none, autoscaling: {max: 5}")
        + "gateway: {host: shop.example.com}\n";
    let context = TestContext::with_spec(&spec);
    let drawn =
        |format: &str| String::from_utf8(context.output(&["graph", "--format", format]).stdout).unwrap();
    assert_snapshot!(drawn("mermaid"), @r#"
    flowchart LR
      addon_kong[["kong 3.4.1"]]
      gateway(["gateway (kong)<br>shop.example.com"])
      service_cart_service["cart-service<br>2 to 5 replicas"]
      service_order_service["order-service<br>1 replica"]
      service_product_service["product-service<br>1 replica"]
      store_order_service_data[("volume, 1Gi")]
      store_product_service_data[("volume, 1Gi")]
      addon_kong --> gateway
      gateway -->|"/cart"| service_cart_service
      gateway -->|"/orders"| service_order_service
      gateway -->|"/products"| service_product_service
      service_cart_service --> service_product_service
      service_order_service --> service_product_service
      service_order_service --> store_order_service_data
      service_product_service --> store_product_service_data
    "#);
    assert_snapshot!(drawn("dot"), @r#"
    digraph shop {
      rankdir=LR;
      node [fontname="sans-serif"];
      addon_kong [shape=component, label="kong 3.4.1"];
      gateway [shape=oval, label="gateway (kong)\nshop.example.com"];
      service_cart_service [shape=box, label="cart-service\n2 to 5 replicas"];
      service_order_service [shape=box, label="order-service\n1 replica"];
      service_product_service [shape=box, label="product-service\n1 replica"];
      store_order_service_data [shape=cylinder, label="volume, 1Gi"];
      store_product_service_data [shape=cylinder, label="volume, 1Gi"];
      addon_kong -> gateway;
      gateway -> service_cart_service [label="/cart"];
      gateway -> service_order_service [label="/orders"];
      gateway -> service_product_service [label="/products"];
      service_cart_service -> service_product_service;
      service_order_service -> service_product_service;
      service_order_service -> store_order_service_data;
      service_product_service -> store_product_service_data;
    }
    "#);
    let svg = drawn("svg");
    assert_eq!(svg.matches("<rect ").count(), 7, "{svg}");
    assert_eq!(svg.matches("marker-end").count(), 8, "{svg}");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
}
