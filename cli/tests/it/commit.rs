//! `ecomctl render --commit`: what it commits, what it refuses, what it leaves alone.

use std::fmt::Write;

use insta::assert_snapshot;

use crate::context::{SPEC, TestContext};

/// Returns a lock with an image of each service, whose digests all have the digit `digit`.
fn lock(digit: char) -> String {
    let digest = format!("sha256:{}", digit.to_string().repeat(64));
    let mut lock = String::from("minikube:\n");
    for service in ["cart-service", "order-service", "product-service"] {
        let image = format!("repository: localhost:5000/{service}, tag: t{digit}, manifest: {digest}");
        let _ = writeln!(lock, "  {service}: {{{image}, config: {digest}, inputs: {digest}}}");
    }
    lock
}

/// A committed shop with a remote, and a lock that is not committed yet.
fn shop() -> TestContext {
    let context = TestContext::with_spec(SPEC).with_identity();
    context.write(".gitignore", "/.ecomctl\n/remote.git\n/other\n");
    context.git("", &["init", "--quiet", "--initial-branch", "main"]);
    context.git("", &["add", "."]);
    context.git("", &["commit", "--quiet", "--message", "a shop"]);
    context.git("", &["init", "--quiet", "--bare", "--initial-branch", "main", "remote.git"]);
    context.git("", &["remote", "add", "origin", "remote.git"]);
    context.git("", &["push", "--quiet", "--set-upstream", "origin", "main"]);
    context.write("ecomctl.lock", &lock('a'));
    context
}

fn head(context: &TestContext) -> String {
    context.git("", &["rev-parse", "HEAD"])
}

/// Returns what `ecomctl` did, with commits as `[COMMIT]`.
fn run(context: &TestContext, args: &[&str]) -> String {
    let mut shown = context.run(args);
    for commit in context.git("", &["log", "--all", "--format=%H"]).lines() {
        shown = shown.replace(commit, "[COMMIT]").replace(&commit[..10], "[COMMIT]");
    }
    shown
}

#[test]
fn owned_paths_are_committed_and_all_else_stays() {
    let context = shop();
    context.write("staged.txt", "staged\n");
    context.git("", &["add", "staged.txt"]);
    context.write("services/cart-service/Cargo.toml", "changed = true\n");
    context.write("untracked.txt", "untracked\n");
    assert_snapshot!(run(&context, &["render", "--commit"]), @"
    exit: 0
    --- stdout
    --- stderr
    Committed 27 files to `main`: [COMMIT]
    ");
    assert_snapshot!(context.git("", &["status", "--porcelain"]), @"
     M services/cart-service/Cargo.toml
    A  staged.txt
    ?? untracked.txt
    ");
    assert_snapshot!(context.git("", &["show", "--stat", "--format=%an <%ae>%n%B", "HEAD"]), @"
    You <you@example.com>
    minikube: render manifests

    cart-service ta
    order-service ta
    product-service ta


     argocd/minikube.yaml                               | 109 +++++++++++++++++++++
     ecomctl.lock                                       |  20 ++++
     .../applications/application-ecommerce-base.yaml   |  38 +++++++
     .../application-ecommerce-cart-service.yaml        |  38 +++++++
     .../application-ecommerce-gateway.yaml             |  38 +++++++
     .../applications/application-ecommerce-kong.yaml   |  71 ++++++++++++++
     .../application-ecommerce-order-service.yaml       |  38 +++++++
     .../application-ecommerce-product-service.yaml     |  38 +++++++
     generated/minikube/base/namespace-ecommerce.yaml   |  12 +++
     .../minikube/base/networkpolicy-allow-dns.yaml     |  20 ++++
     .../minikube/base/networkpolicy-default-deny.yaml  |  15 +++
     .../cart-service/deployment-cart-service.yaml      |  98 ++++++++++++++++++
     .../cart-service/networkpolicy-cart-service.yaml   |  35 +++++++
     .../persistentvolumeclaim-cart-service-data.yaml   |  18 ++++
     .../cart-service/service-cart-service.yaml         |  19 ++++
     .../cart-service/serviceaccount-cart-service.yaml  |  11 +++
     .../gateway/ingress-ecommerce-ingress.yaml         |  38 +++++++
     .../order-service/deployment-order-service.yaml    |  98 ++++++++++++++++++
     .../order-service/networkpolicy-order-service.yaml |  35 +++++++
     .../persistentvolumeclaim-order-service-data.yaml  |  18 ++++
     .../order-service/service-order-service.yaml       |  19 ++++
     .../serviceaccount-order-service.yaml              |  11 +++
     .../deployment-product-service.yaml                |  96 ++++++++++++++++++
     .../networkpolicy-product-service.yaml             |  37 +++++++
     ...persistentvolumeclaim-product-service-data.yaml |  18 ++++
     .../product-service/service-product-service.yaml   |  19 ++++
     .../serviceaccount-product-service.yaml            |  11 +++
     27 files changed, 1018 insertions(+)
    ");
    let before = head(&context);
    assert_snapshot!(run(&context, &["render", "--commit"]), @"
    exit: 0
    --- stdout
    --- stderr
    Nothing to commit: `main` has what `ecomctl.yaml` and `ecomctl.lock` say.
    ");
    assert_eq!(head(&context), before, "no difference, no commit");
    context.git("", &["fsck", "--strict"]);
}

#[test]
fn a_message_and_json() {
    let context = shop();
    let shown = run(&context, &["render", "--commit", "--message", "deploy: cart", "--output", "json"]);
    assert!(shown.contains("\"commit\": \"[COMMIT]\"") && shown.contains("\"pushed\": null"), "{shown}");
    assert_eq!(context.git("", &["log", "-1", "--format=%B"]).trim(), "deploy: cart");
}

#[test]
fn what_is_in_the_way_is_refused_with_what_to_type() {
    let context = shop();
    let before = head(&context);
    let mut shown = String::new();
    context.write("ecomctl.lock", "");
    shown += &run(&context, &["render", "--commit"]);
    context.write("ecomctl.lock", &lock('a'));
    context.write("ecomctl.yaml", &SPEC.replace("5001", "5009"));
    shown += &run(&context, &["render", "--commit"]);
    context.git("", &["checkout", "--quiet", "ecomctl.yaml"]);
    context.git("", &["checkout", "--quiet", "--detach"]);
    shown += &run(&context, &["render", "--commit"]);
    context.git("", &["checkout", "--quiet", "main"]);
    context.write(".git/MERGE_HEAD", &before);
    shown += &run(&context, &["render", "--commit"]);
    std::fs::remove_file(context.path(".git/MERGE_HEAD")).unwrap();
    shown += &run(&context, &["render", "--commit", "--branch", "a..b"]);
    shown += &run(&context, &["render", "--push"]);
    assert_snapshot!(shown, @"
    exit: 1
    --- stdout
    --- stderr
    error: `ecomctl.lock` has no image of cart-service, order-service, product-service for `minikube`
    hint: run `ecomctl build --push` first
    exit: 1
    --- stdout
    --- stderr
    error: `ecomctl.yaml` has changes that are not committed, and its manifests would not fit the commit
    hint: `git commit ecomctl.yaml` first, or `git restore ecomctl.yaml`
    exit: 1
    --- stdout
    --- stderr
    error: no branch is checked out: HEAD is detached
    hint: `git switch main` checks out a branch
    exit: 1
    --- stdout
    --- stderr
    error: a merge is in progress
    hint: end it first: `git status` says how
    exit: 1
    --- stdout
    --- stderr
    error: `a..b` is no valid name of a branch
    exit: 2
    --- stdout
    --- stderr
    error: the following required arguments were not provided:
      --commit

    Usage: ecomctl render --commit --push

    For more information, try '--help'.
    ");
    assert_eq!(head(&context), before);
}

#[test]
fn no_repository_no_commit_no_identity_no_remote() {
    let context = TestContext::with_spec(SPEC);
    context.write("ecomctl.lock", &lock('a'));
    let mut shown = context.run(&["render", "--commit"]);
    context.git("", &["init", "--quiet", "--initial-branch", "main"]);
    shown += &context.run(&["render", "--commit"]);
    context.git("", &["add", "."]);
    context.git("", &["-c", "user.name=a", "-c", "user.email=b", "commit", "--quiet", "--message", "a shop"]);
    shown += &context.run(&["render", "--commit"]);
    let context = context.with_identity();
    shown += &context.run(&["render", "--commit", "--push"]);
    context.git("", &["remote", "add", "origin", "nowhere.git"]);
    shown += &context.run(&["render", "--commit", "--push"]).replace(&head(&context)[..10], "[COMMIT]");
    assert_snapshot!(shown, @r#"
    exit: 1
    --- stdout
    --- stderr
    error: `[DIR]/work` is in no git repository
    hint: `git init` makes one, `git add` and `git commit` its first commit
    exit: 1
    --- stdout
    --- stderr
    error: branch `main` has no commit yet
    hint: `git add .` and `git commit` make the first one
    exit: 1
    --- stdout
    --- stderr
    error: git does not know who you are
    hint: `git config --global user.name "Your Name"` and `git config --global user.email you@example.com`
    exit: 1
    --- stdout
    --- stderr
    error: the repository has no remote
    hint: `git remote add origin URL` names one
    exit: 1
    --- stdout
    --- stderr
    error: `git fetch origin` failed: fatal: 'nowhere.git' does not appear to be a git repository
    fatal: Could not read from remote repository.

    Please make sure you have the correct access rights
    and the repository exists.
    hint: does `git fetch` work, with the same URL and the same rights?
    "#);
}

#[test]
fn other_commits_are_not_pushed_along() {
    let context = shop();
    context.write("note.txt", "mine");
    context.git("", &["add", "note.txt"]);
    context.git("", &["commit", "--quiet", "--message", "not ready"]);
    assert_snapshot!(run(&context, &["render", "--commit", "--push"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: `main` has commits that `origin` has not, and `--push` would push them too:
      [COMMIT] not ready
    hint: `git push --set-upstream origin main` first, if they are meant to be there
    ");
    context.git("", &["push", "--quiet"]);
    assert_snapshot!(run(&context, &["render", "--commit", "--push"]), @"
    exit: 0
    --- stdout
    --- stderr
    Pushed [COMMIT] to `origin/main`.
    ");
    assert_eq!(context.git("remote.git", &["rev-parse", "main"]), head(&context));
    assert_snapshot!(run(&context, &["render", "--commit", "--push"]), @"
    exit: 0
    --- stdout
    --- stderr
    Nothing to commit: `main` has what `ecomctl.yaml` and `ecomctl.lock` say.
    ");
}

#[test]
fn a_rejected_push_is_rendered_again_from_what_is_there() {
    let context = shop();
    context.git("", &["clone", "--quiet", "remote.git", "other"]);
    // Somebody else changes the spec and pins another image of one service.
    context.write("other/ecomctl.yaml", &SPEC.replace("5001", "5009"));
    let theirs = lock('a').replace("tag: ta,", "tag: tb,");
    let theirs = theirs.split("  order-service").next().unwrap().to_owned();
    context.write("other/ecomctl.lock", &theirs);
    context.git("other", &["add", "."]);
    context.git("other", &["commit", "--quiet", "--message", "theirs"]);
    context.git("other", &["push", "--quiet"]);
    let ours = lock('a')
        .split_once("  order-service")
        .map(|(_, rest)| format!("minikube:\n  order-service{rest}"))
        .unwrap();
    let ours = format!("{ours}{}", theirs.trim_start_matches("minikube:\n").replace("tag: tb", "tag: ta"));
    context.write("ecomctl.lock", &ours);
    context.write("services/cart-service/Cargo.toml", "changed = true\n");
    let shown = run(&context, &["render", "--commit", "--push"]);
    assert!(shown.starts_with("exit: 0"), "{shown}");
    assert_eq!(context.git("remote.git", &["rev-parse", "main"]), head(&context));
    assert_eq!(context.git("", &["rev-list", "--merges", "HEAD"]), "");
    assert!(context.read("ecomctl.yaml").contains("5009"), "their spec is here too");
    assert!(context.read("generated/minikube/cart-service/deployment-cart-service.yaml").contains("5009"));
    assert_eq!(context.read("services/cart-service/Cargo.toml"), "changed = true\n");
    assert!(context.run(&["render", "--check"]).starts_with("exit: 0"));
    let status = context.git("", &["status", "--porcelain"]);
    assert_eq!(status, " M services/cart-service/Cargo.toml\n");
}

#[test]
fn a_branch_of_its_own_leaves_the_work_tree_alone() {
    let context = shop();
    let before = head(&context);
    let shown = run(&context, &["render", "--commit", "--push", "--branch", "deploy"]);
    assert!(shown.contains("Pushed [COMMIT] to `origin/deploy`"), "{shown}");
    assert_eq!(head(&context), before);
    assert!(!context.path("generated").exists());
    assert!(context.git("remote.git", &["show", "deploy:ecomctl.lock"]).contains("tag: ta"));
    context.write("ecomctl.lock", &lock('b'));
    run(&context, &["render", "--commit", "--push", "--branch", "deploy"]);
    assert!(context.git("remote.git", &["show", "deploy:ecomctl.lock"]).contains("tag: tb"));
    assert_eq!(context.git("remote.git", &["rev-list", "--count", "deploy"]).trim(), "3");
}

#[test]
fn a_protected_branch_is_told_of() {
    let context = shop();
    context.write("remote.git/hooks/pre-receive", "#!/bin/sh\necho protected branch >&2\nexit 1\n");
    let hook = context.path("remote.git/hooks/pre-receive");
    std::process::Command::new("chmod").arg("+x").arg(hook).status().unwrap();
    let shown = run(&context, &["render", "--commit", "--push"]);
    assert!(
        shown.contains("error: `origin` refuses a push to `main`") && shown.contains("protected branch"),
        "{shown}"
    );
    assert!(shown.contains("hint: if the branch is protected, `--branch NAME`"), "{shown}");
}

#[test]
fn a_killed_commit_is_taken_up_again() {
    let context = shop();
    run(&context, &["render", "--commit"]);
    let first = head(&context).trim().to_owned();
    context.write("ecomctl.lock", &lock('b'));
    run(&context, &["render", "--commit"]);
    let second = head(&context).trim().to_owned();
    // As it is when a kill hits before the branch moves, with locks left behind.
    context.git("", &["update-ref", "refs/heads/main", &first]);
    let now = std::time::SystemTime::now();
    let journal = serde_json::json!({"branch": "main", "from": first, "to": second, "at": now}).to_string();
    context.write(".ecomctl/commit.json", &journal);
    context.write(".git/index.lock", "");
    let shown = run(&context, &["render", "--commit"]);
    assert!(shown.starts_with("exit: 0"), "{shown}");
    assert_eq!(head(&context).trim(), second);
    assert_eq!(context.git("", &["status", "--porcelain"]), "");
    // A lock that nobody has left behind is somebody else's.
    context.write("ecomctl.lock", &lock('c'));
    context.write(".git/index.lock", "");
    let shown = run(&context, &["render", "--commit"]);
    assert!(shown.starts_with("exit: 1") && shown.contains("hint: another git runs here"), "{shown}");
    assert!(context.path(".git/index.lock").exists());
    std::fs::remove_file(context.path(".git/index.lock")).unwrap();
    assert!(run(&context, &["render", "--commit"]).starts_with("exit: 0"));
    assert_eq!(context.git("", &["status", "--porcelain"]), "");
}

#[test]
fn a_project_in_a_subfolder_and_lines_as_git_has_them() {
    let context = TestContext::empty();
    context.git("", &["init", "--quiet", "--initial-branch", "main"]);
    context.git("", &["config", "user.name", "Local"]);
    context.git("", &["config", "user.email", "local@example.com"]);
    context.git("", &["config", "core.autocrlf", "true"]);
    context.write("shop/ecomctl.yaml", SPEC);
    context.git("", &["add", "."]);
    context.git("", &["commit", "--quiet", "--message", "a shop"]);
    // As a checkout on a machine with other line ends has it.
    context.write("shop/ecomctl.yaml", &SPEC.replace('\n', "\r\n"));
    context.write("shop/ecomctl.lock", &lock('a'));
    let shown = run(&context, &["-C", "shop", "render", "--commit"]);
    assert!(shown.starts_with("exit: 0"), "{shown}");
    assert_eq!(context.git("", &["log", "-1", "--format=%an"]).trim(), "Local");
    let files = context.git("", &["show", "--name-only", "--format=", "HEAD"]);
    assert!(
        files.lines().all(|path| path.starts_with("shop/")) && files.contains("shop/ecomctl.lock"),
        "{files}"
    );
}

#[test]
fn a_branch_of_another_work_tree_is_refused() {
    let context = shop();
    context.git("", &["worktree", "add", "--quiet", "-b", "deploy", "other"]);
    let shown = run(&context, &["render", "--commit", "--branch", "deploy"]);
    assert!(shown.contains("error: branch `deploy` is checked out in another work tree"), "{shown}");
    let shown = run(&context, &["-C", "other", "render", "--commit", "--branch", "main"]);
    assert!(shown.starts_with("exit: 1"), "{shown}");
}
