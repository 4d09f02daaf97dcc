//! How long it takes to render 3 and 1,000 services: from parsed spec to bytes in process, and the whole process with
//! reading the spec and the lock, and comparing or writing files.
#![expect(clippy::unwrap_used, reason = "a benchmark")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ecomctl::model::lock::ImageLock;
use ecomctl::model::parse::parse_spec;
use ecomctl::model::resolve::resolve;
use ecomctl::{render, yaml};
use tempfile::TempDir;

const SIZES: [usize; 2] = [3, 1000];

fn spec(services: usize) -> String {
    let mut text = String::from("registry: localhost:5000\nservices:\n");
    for number in 0..services {
        let _ = writeln!(
            text,
            "  service-{number}: {{port: {}, path: /service-{number}, store: none}}",
            2000 + number
        );
    }
    text
}

fn lock(services: usize) -> String {
    let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
    let mut text = String::from("minikube:\n");
    for number in 0..services {
        let _ = writeln!(
            text,
            "  service-{number}:\n    repository: localhost:5000/service-{number}\n    tag: 0123456789ab\n    \
             manifest: {digest}\n    config: {digest}\n    inputs: {digest}\n    source:\n      \
             commit: 0123456789abcdef0123456789abcdef01234567\n      dirty: false"
        );
    }
    text
}

fn project(services: usize) -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("ecomctl.yaml"), spec(services)).unwrap();
    std::fs::write(folder.path().join("ecomctl.lock"), lock(services)).unwrap();
    folder
}

fn ecomctl(folder: &Path, args: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecomctl"));
    command.args(args).arg("--quiet").current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    assert!(command.status().unwrap().success());
}

fn in_process(criterion: &mut Criterion) {
    for services in SIZES {
        let spec = parse_spec("ecomctl.yaml", &spec(services)).unwrap();
        let lock: ImageLock = yaml::parse(&lock(services)).unwrap();
        let environment = spec.default_environment();
        let version = |_: &_| Err::<_, String>("all are locked".to_owned());
        criterion.bench_function(&format!("in process, {services} services"), |bencher| {
            bencher.iter(|| {
                let platform = resolve(black_box(&spec), &environment, &lock, version).unwrap();
                render::render_tree(&render::manifests(&platform), &environment).unwrap()
            });
        });
    }
}

fn whole_process(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("whole process");
    group.sample_size(10);
    for services in SIZES {
        let folder = project(services);
        ecomctl(folder.path(), &["render"]);
        group.bench_function(format!("{services} services, to stdout"), |bencher| {
            bencher.iter(|| ecomctl(folder.path(), &["render", "--stdout"]));
        });
        group.bench_function(format!("{services} services, nothing to write"), |bencher| {
            bencher.iter(|| ecomctl(folder.path(), &["render"]));
        });
        group.bench_function(format!("{services} services, all to write"), |bencher| {
            bencher.iter_batched(
                || project(services),
                |folder| {
                    ecomctl(folder.path(), &["render"]);
                    folder
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, in_process, whole_process);
criterion_main!(benches);
