//! Mistakes in `ecomctl.yaml`: where, which value, what to do.

use insta::assert_snapshot;

use crate::context::{SPEC, TestContext};

fn mistake(spec: &str) -> String {
    TestContext::with_spec(spec).run(&["render", "--check"])
}

#[test]
fn no_spec() {
    assert_snapshot!(TestContext::empty().run(&["render"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is no `ecomctl.yaml` in `[DIR]/work` or a folder above it
    hint: `ecomctl init DIR` makes a new shop, `-C DIR` names one
    ");
}

#[test]
fn no_yaml() {
    assert_snapshot!(mistake("services:\n  a: {port: 5003\n"), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 3, column 1: did not find expected ',' or '}' at line 3 column 1, while parsing a flow mapping at line 2 column 6
    hint: `ecomctl schema` prints every field with its type
    ");
}

#[test]
fn an_unknown_field() {
    assert_snapshot!(mistake(&SPEC.replace("path: /cart", "pth: /cart")), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 3, column 30: services.cart-service: unknown field `pth`, expected one of `port`, `path`, `replicas`, `autoscaling`, `store`, `storage`, `calls`, `env`, `resources`
       |
     3 |   cart-service: {port: 5001, pth: /cart, calls: [product-service]}
       |                              ^
    hint: did you mean `path`?
    ");
}

#[test]
fn a_wrong_type() {
    assert_snapshot!(mistake(&SPEC.replace("5001", "http")), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 3, column 24: services.cart-service.port: invalid type: string "http", expected a whole number
       |
     3 |   cart-service: {port: http, path: /cart, calls: [product-service]}
       |                        ^
    hint: `ecomctl schema` prints every field with its type
    "#);
}

#[test]
fn variables_need_no_quotes() {
    let context =
        TestContext::with_spec(&SPEC.replace("5001", "5001, env: {RETRIES: 3, VERBOSE: yes, RATIO: 0.50}"));
    let stream = String::from_utf8(context.output(&["render", "--stdout"]).stdout).unwrap();
    for value in ["3", "yes", "0.50"] {
        assert!(stream.contains(&format!("value: '{value}'\n")), "{value}: {stream}");
    }
}

#[test]
fn a_list_where_a_text_must_be() {
    assert_snapshot!(mistake(&SPEC.replace("5001", "5001, env: {RETRIES: [3]}")), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 3, column 45: services.cart-service.env.RETRIES: invalid type: sequence, expected a string
       |
     3 |   cart-service: {port: 5001, env: {RETRIES: [3]}, path: /cart, calls: [product-service]}
       |                                             ^
    hint: `ecomctl schema` prints every field with its type
    ");
}

#[test]
fn a_mistake_in_a_block_is_at_its_own_line() {
    let spec = "services:\n  cart-service:\n    path: /cart\n    port: 70000\n    calls: []\n";
    assert_snapshot!(mistake(spec), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 4, column 11: services.cart-service.port: port `70000` is not within 1024 and 64535
       |
     4 |     port: 70000
       |           ^
    hint: `ecomctl schema` prints every field with its type
    ");
}

#[test]
fn a_port_out_of_range() {
    assert_snapshot!(mistake(&SPEC.replace("5001", "80")), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 3, column 24: services.cart-service.port: port `80` is not within 1024 and 64535
       |
     3 |   cart-service: {port: 80, path: /cart, calls: [product-service]}
       |                        ^
    hint: `ecomctl schema` prints every field with its type
    ");
}

#[test]
fn a_bad_name() {
    assert_snapshot!(mistake(&SPEC.replace("  cart-service", "  Cart_Service")), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 3, column 3: services: `Cart_Service` is no valid name: it must start with a lowercase letter and go on with lowercase letters, digits and `-`, with no `-` at the end and at most 63 characters
       |
     3 |   Cart_Service: {port: 5001, path: /cart, calls: [product-service]}
       |   ^
    hint: `ecomctl schema` prints every field with its type
    ");
}

#[test]
fn a_service_that_stands_twice() {
    assert_snapshot!(mistake(&format!("{SPEC}  cart-service: {{port: 5005}}\n")), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 5, column 3: services: `cart-service` stands here twice
       |
     5 |   cart-service: {port: 5005}
       |   ^
    hint: `ecomctl schema` prints every field with its type
    ");
}

#[test]
fn a_bad_registry() {
    assert_snapshot!(mistake(&format!("registry: https://docker.io/you\n{SPEC}")), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 1, column 11: registry: `https://docker.io/you` is no valid registry: it must be a host with a folder, like `docker.io/you` or `localhost:5000`, without scheme and tag
       |
     1 | registry: https://docker.io/you
       |           ^
    hint: `ecomctl schema` prints every field with its type
    ");
}

#[test]
fn a_secret_in_the_git_url() {
    assert_snapshot!(mistake(&format!("git: {{url: 'https://you:hunter2@github.com/you/shop.git'}}\n{SPEC}")), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 1, column 12: git.url: the git URL has a password or token in it; everyone who reads the repository would have it
       |
     1 | git: {url: 'https://***@github.com/you/shop.git'}
       |            ^
    hint: `ecomctl schema` prints every field with its type
    ");
}

#[test]
fn an_empty_file() {
    assert_snapshot!(mistake(""), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 1, column 1: missing field `services`
    hint: `ecomctl schema` prints every field with its type
    ");
}

#[test]
fn more_replicas_than_an_embedded_store_can_have() {
    assert_snapshot!(mistake(&SPEC.replace("5001", "5001, replicas: 3")), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml` breaks 1 rule
      services.cart-service.replicas: `3` replicas cannot share an embedded store: each would have its own data
    hint: use 1, or `store: none` if it keeps no data
    ");
}

#[test]
fn every_broken_rule_is_listed() {
    let spec = "
git: {branch: 'a b'}
gateway: {class: Kong!}
services:
  base: {port: 5001, path: /cart}
  cart-service: {port: 6001, path: /cart, calls: [ghost, cart-service, base, base]}
  order-service:
    port: 5002
    store: none
    storage: 1Gi
    calls: [base]
    env: {STORE_URL: x, BASE_URL: y}
    resources: {requests: {memory: 1Gi}}
environments: {local: }
";
    assert_snapshot!(mistake(spec), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml` breaks 13 rules
      git.branch: `a b` is no valid branch name (use one like `main`)
      gateway.class: `Kong!` is no valid name of an ingress class (use one like `kong`)
      environments.local: `local` exists in memory only (`ecomctl up` runs it without a declaration; choose another name)
      services.base: `base` is a name that ecomctl uses itself (choose another name)
      services.cart-service.port: port `6001` of its API is that of the admin listener of `base` (they run on one machine with `ecomctl up`: choose another port)
      services.cart-service.path: path `/cart` is that of `base` (choose another path)
      services.cart-service.calls[0]: there is no service `ghost` (declared are base, cart-service, order-service)
      services.cart-service.calls[1]: `cart-service` calls itself (leave it out)
      services.cart-service.calls[3]: `base` stands here twice (leave it out)
      services.order-service.storage: `1Gi` of storage, but `store: none` keeps no data (leave out one of them)
      services.order-service.env.STORE_URL: `STORE_URL` follows from other fields of the service (leave it out)
      services.order-service.env.BASE_URL: `BASE_URL` follows from other fields of the service (leave it out)
      services.order-service.resources.requests.memory: request `1Gi` is above the limit `256Mi` (raise the limit too)
    ");
}

#[test]
fn names_that_would_be_one_object() {
    let spec = "
services:
  platform: {port: 5001}
  store: {port: 5003}
  x: {port: 5005, calls: [store]}
  x-production: {port: 5007}
environments: {minikube: , production: }
";
    assert_snapshot!(mistake(spec), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml` breaks 3 rules
      services.x: its Application `ecommerce-x-production` in production is also one of minikube (choose another name)
      services.platform: `platform` is a name that ecomctl uses itself (choose another name)
      services.x.calls[0]: `store` would be found in `STORE_URL`, which says something else already (rename the service `store`)
    ");
}

#[test]
fn a_namespace_of_others() {
    let spec = |name: &str| {
        format!("name: {name}\nservices: {{shop: {{port: 5001}}}}\nenvironments: {{a: , system: }}\n")
    };
    for name in ["argocd", "kong", "default", "kube"] {
        let told = mistake(&spec(name));
        assert!(told.contains("is a namespace of others"), "{name}: {told}");
    }
    assert!(!mistake(&spec("kong-shop")).contains("is a namespace of others"));
}

#[test]
fn what_an_environment_cannot_change() {
    let spec = "
services:
  store: {port: 5001, resources: {requests: {cpu: 300m}}}
  shop: {port: 5003, store: none, replicas: 2, autoscaling: {max: 3}}
environments:
  minikube:
    services:
      ghost: {replicas: 1}
      store: {replicas: 2, storage: 2Gi, resources: {limits: {memory: 64Mi}}}
      shop: {autoscaling: {min: 0, max: 0, cpu: 0}, env: {HTTP_PORT: 1}}
  production:
    services:
      store: {autoscaling: {min: 5, max: 3}}
";
    assert_snapshot!(mistake(spec), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml` breaks 10 rules
      services.store.resources.requests.cpu: request `300m` is above the limit `200m` (raise the limit too)
      services.shop.autoscaling: `replicas: 2` says how many run already (leave out one of them)
      environments.minikube.services.ghost: there is no service `ghost` (declared are store, shop)
      environments.minikube.services.store.replicas: `2` replicas cannot share an embedded store: each would have its own data (use 1, or `store: none` if it keeps no data)
      environments.minikube.services.store.resources.requests.memory: request `128Mi` is above the limit `64Mi` (raise the limit too)
      environments.minikube.services.shop.autoscaling.min: `0` replicas (use at least 1: without load there would be none to measure)
      environments.minikube.services.shop.autoscaling.cpu: `0` percent of CPU can never be reached (use one like 70)
      environments.minikube.services.shop.env.HTTP_PORT: `HTTP_PORT` follows from other fields of the service (leave it out)
      environments.production.services.store.autoscaling: replicas cannot share an embedded store: each would have its own data (leave it out, or use `store: none` if it keeps no data)
      environments.production.services.store.autoscaling.max: `3` replicas at most are fewer than `5` at least (raise it, or lower `min`)
    ");
    let twice = "{services: {shop: {port: 1}}, environments: {minikube: {services: {shop: {}, shop: {}}}}}";
    assert_snapshot!(mistake(twice), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.yaml`, line 1, column 26: services.shop.port: port `1` is not within 1024 and 64535
       |
     1 | {services: {shop: {port: 1}}, environments: {minikube: {services: {shop: {}, shop: {}}}}}
       |                          ^
    hint: `ecomctl schema` prints every field with its type
    ");
}

#[test]
fn an_unknown_environment() {
    let context = TestContext::with_spec(&format!("{SPEC}environments: {{minikube: , production: }}\n"));
    assert_snapshot!(context.run(&["render", "--environment", "staging"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is no environment `staging`
    hint: `ecomctl.yaml` declares minikube, production
    ");
    assert_snapshot!(context.run(&["render", "--environment", "local"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: there is no environment `local`
    hint: `local` is never written to files: `ecomctl up` runs it
    ");
}

#[test]
fn a_service_without_a_package() {
    assert_snapshot!(mistake(&format!("{SPEC}  ghost-service: {{port: 5009}}\n")), @"
    exit: 1
    --- stdout
    --- stderr
    error: service `ghost-service` has no image in `ecomctl.lock`, and the version of its package is unknown
      cause: failed to read `[DIR]/work/services/ghost-service/Cargo.toml`
      cause: No such file or directory (os error 2)
    hint: the source of a service is in `services/ghost-service`
    ");
}

#[test]
fn a_bad_lock() {
    let context = TestContext::with_spec(SPEC);
    context.write(
        "ecomctl.lock",
        "minikube:\n  cart-service: {repository: localhost:5000/cart-service, tag: latest}\n",
    );
    assert_snapshot!(context.run(&["render"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: `ecomctl.lock`, line 2, column 64: minikube.cart-service.tag: `latest` is no tag that can be deployed: it names another image every day
       |
     2 |   cart-service: {repository: localhost:5000/cart-service, tag: latest}
       |                                                                ^
    ");
}
