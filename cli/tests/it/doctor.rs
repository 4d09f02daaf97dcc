//! `ecomctl doctor`: a line a thing, the fix, and the exit code.

use insta::assert_snapshot;

use crate::context::{SPEC, TestContext, with_cargo};

#[test]
fn what_a_commit_needs_is_named_with_its_fix() {
    let context = TestContext::with_spec(SPEC);
    let mut shown = context.run(&["doctor", "render"]);
    let context = context.with_identity();
    context.git("", &["init", "--quiet", "--initial-branch", "main"]);
    context.git("", &["add", "."]);
    context.git("", &["commit", "--quiet", "--message", "a shop"]);
    shown += &context.run(&["doctor", "render"]);
    context.git("", &["init", "--quiet", "--bare", "remote.git"]);
    context.git("", &["remote", "add", "origin", "remote.git"]);
    shown += &context.run(&["doctor", "render"]);
    assert_snapshot!(shown, @r#"
    exit: 1
    --- stdout
    failed  git identity: git does not know who you are -> `git config --global user.name "Your Name"` and `git config --global user.email you@example.com`
    failed  git branch: `[DIR]/work` is in no git repository -> `git init` makes one, `git add` and `git commit` its first commit
    skipped git remote: there is no branch to push
    --- stderr
    2 of 3 checks failed.
    exit: 1
    --- stdout
    ok      git identity: You <you@example.com>
    ok      git branch: main
    failed  git remote: the repository has no remote -> `git remote add origin URL` names one
    --- stderr
    1 of 3 checks failed.
    exit: 0
    --- stdout
    ok      git identity: You <you@example.com>
    ok      git branch: main
    ok      git remote: origin/main
    --- stderr
    Nothing is missing.
    "#);
}

#[test]
fn what_is_missing_to_build_push_and_deploy_is_named() {
    let context = TestContext::with_spec(&format!("registry: 127.0.0.1:1\n{SPEC}"));
    let mut command = with_cargo(context.command(&["doctor", "build", "push", "deploy"]));
    command.env("DOCKER_HOST", "tcp://127.0.0.1:1").env("CC", "/no/such/cc");
    let shown = context.show(&command.output().unwrap());
    let shown =
        shown.lines().map(|line| if line.starts_with("ok      cargo") { "ok      cargo" } else { line });
    assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    exit: 1
    --- stdout
    ok      cargo
    failed  engine: no Docker engine answers at `tcp://127.0.0.1:1` (DOCKER_HOST): Connection refused (os error 111) -> start Docker, colima or podman; DOCKER_HOST or `docker context use` names another engine
    failed  compiler: failed to run `/no/such/cc`: No such file or directory (os error 2) -> install Rust with rustup and a C compiler (gcc), or use `ecomctl build --in-container`
    failed  registry of `minikube`: registry `127.0.0.1:1` does not answer: Connection refused (os error 111) -> is `127.0.0.1:1` the right registry, and does it run?
    failed  cluster: no kubeconfig names a cluster: `~/.kube/config`: failed to read kubeconfig from '"[DIR]/home/.kube/config"': No such file or directory (os error 2) -> start one (`minikube start`, `ecomctl bootstrap`), or name one: KUBECONFIG is the file, `--context` a cluster in it
    --- stderr
    4 of 5 checks failed.
    "#);
    let json = context.output(&["doctor", "deploy", "--output", "json"]);
    let found: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&found[0]["what"], &found[0]["status"]), (&"cluster".into(), &"failed".into()));
    assert!(found[0]["fix"].as_str().unwrap().contains("minikube start"));
}
