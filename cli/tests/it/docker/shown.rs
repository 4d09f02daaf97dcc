//! The whole way of the real shop: built, pushed, pulled by digest, run on a network, verified.

use std::time::{Duration, Instant};

use super::registry::Registry;
use super::shop::printed;
use crate::context::{TestContext, repository, with_cargo};

/// What the engine has for this test; it is gone when this is dropped.
struct Stage {
    network: String,
    containers: Vec<String>,
    images: Vec<String>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        let docker = |args: &[&str]| drop(std::process::Command::new("docker").args(args).output());
        for container in &self.containers {
            docker(&["rm", "--force", "--volumes", container]);
        }
        docker(&["network", "rm", &self.network]);
        for image in &self.images {
            docker(&["rmi", "--force", image]);
        }
    }
}

#[test]
#[ignore = "needs docker"]
fn what_is_built_and_pushed_runs_and_is_verified() {
    let registry = Registry::open();
    let context = TestContext::empty().with_identity();
    let ecomctl = |args: &[&str]| {
        let mut command = with_cargo(context.command(args));
        command.env("CARGO_TARGET_DIR", repository().join("target"));
        command.envs(std::env::var_os("DOCKER_HOST").map(|host| ("DOCKER_HOST", host)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", context.show(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    ecomctl(&["init", ".", "--registry", &registry.address]);
    let report: serde_json::Value =
        serde_json::from_str(&ecomctl(&["build", "--push", "--output", "json"])).unwrap();
    ecomctl(&["render", "--commit"]);
    let mut stage =
        Stage { network: format!("shop-{:08x}", rand::random::<u32>()), containers: vec![], images: vec![] };
    printed("docker", &["network", "create", &stage.network]);
    let mut routes = Vec::new();
    for image in report.as_array().unwrap() {
        let text = |name: &str| image[name].as_str().unwrap().to_owned();
        let (service, tag) = (text("service"), text("tag"));
        let reference = format!("{}@{}", text("repository"), text("manifest"));
        assert!(
            context
                .read(&format!("generated/minikube/{service}/deployment-{service}.yaml"))
                .contains(&text("manifest"))
        );
        // What the engine has is thrown away: what runs comes from the registry.
        printed(
            "docker",
            &[
                "rmi",
                "--force",
                &format!("ecomctl.local/{service}:{tag}"),
                &format!("{}:{tag}", text("repository")),
            ],
        );
        printed("docker", &["pull", "--quiet", &reference]);
        stage.images.push(reference.clone());
        check_image(&reference, &text("inputs"));
        let prefix = match service.as_str() {
            "product-service" => "/products",
            "cart-service" => "/cart",
            _ => "/orders",
        };
        let address = run(&mut stage, &service, &reference);
        routes.push((prefix, address));
    }
    let url = gateway(routes);
    ecomctl(&["verify", "--url", &url]);
}

/// Small, not root, nothing but the program: one layer.
fn check_image(reference: &str, inputs: &str) {
    let inspect = |format: &str| printed("docker", &["image", "inspect", "--format", format, reference]);
    let size: u64 = inspect("{{.Size}}").parse().unwrap();
    assert!(size <= 8_000_000, "{reference} has {size} bytes");
    assert_eq!(inspect("{{.Config.User}}"), "65532:65532");
    assert_eq!(inspect("{{len .RootFS.Layers}}"), "1");
    assert_eq!(inspect("{{index .Config.Labels \"inputs\"}}"), inputs);
    for label in ["title", "version", "licenses"] {
        assert_ne!(
            inspect(&format!("{{{{index .Config.Labels \"org.opencontainers.image.{label}\"}}}}")),
            ""
        );
    }
    let history = printed("docker", &["history", "--format", "{{.Size}}", reference]);
    assert_eq!(history.lines().filter(|size| *size != "0B").count(), 1, "{history}");
    let name = format!("files-{:08x}", rand::random::<u32>());
    printed("docker", &["create", "--name", &name, reference]);
    let files = printed("sh", &["-c", &format!("docker export {name} | tar t")]);
    printed("docker", &["rm", &name]);
    let shells = ["bin/sh", "bin/bash", "busybox"];
    assert!(shells.iter().all(|shell| !files.contains(shell)), "{files}");
}

/// Runs a service as its Deployment does, and returns the address of its API on this machine.
fn run(stage: &mut Stage, service: &str, reference: &str) -> String {
    let name = format!("{service}-{}", stage.network);
    let args = [
        "run",
        "--detach",
        "--name",
        &name,
        "--network",
        &stage.network,
        "--network-alias",
        service,
        "--read-only",
        "--cap-drop",
        "ALL",
        "--volume",
        "/data",
        "--publish",
        "127.0.0.1::8080",
        "--env",
        "HTTP_PORT=8080",
        "--env",
        "ADMIN_PORT=9080",
        "--env",
        "STORE_URL=sqlite:/data/store.db",
        "--env",
        "PRODUCT_SERVICE_URL=http://product-service:8080",
        reference,
    ];
    printed("docker", &args);
    stage.containers.push(name.clone());
    printed("docker", &["port", &name, "8080/tcp"]).lines().next().unwrap().to_owned()
}

/// Serves the services at one URL, as the Ingress does.
fn gateway(routes: Vec<(&'static str, String)>) -> String {
    use ecomctl::adapters::local::gateway::serve;
    use ecomctl::model::local::Route;

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let port = |address: &str| address.rsplit(':').next().unwrap().parse().unwrap();
    let routes: Vec<Route> = routes
        .into_iter()
        .map(|(prefix, address)| {
            let deadline = Instant::now() + Duration::from_secs(10);
            while !ready(&address) {
                assert!(Instant::now() < deadline, "{prefix} does not answer at {address}");
                std::thread::sleep(Duration::from_millis(50));
            }
            Route { host: None, prefix: prefix.to_owned(), port: port(&address) }
        })
        .collect();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(serve(listener, routes)).unwrap();
    });
    url
}

fn ready(address: &str) -> bool {
    let mut command = std::process::Command::new("curl");
    let output = command.args([
        "--silent",
        "--max-time",
        "2",
        "--output",
        "/dev/null",
        &format!("http://{address}/health"),
    ]);
    output.status().unwrap().success()
}
