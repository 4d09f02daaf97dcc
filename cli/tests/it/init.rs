//! `ecomctl init`: a new shop that builds, renders and is committed.

use std::fs;
use std::process::Command;

use insta::assert_snapshot;

use crate::context::{TestContext, with_cargo};

/// Returns the output of `init` with the count of files and the commit's hash left out.
fn init(context: &TestContext, args: &[&str]) -> String {
    let output = with_cargo(context.command(&[&["init"], args].concat())).output().unwrap();
    let shown = context.show(&output);
    let Some((before, rest)) = shown.split_once("Made a shop of ") else { return shown };
    let (count, rest) = rest.split_once(' ').unwrap();
    assert!(count.parse::<usize>().unwrap() > 60, "{count}");
    let shown = format!("{before}Made a shop of [N] {rest}");
    match shown.split_once("(commit ") {
        Some((before, rest)) => format!("{before}(commit [HASH]{}", &rest[10..]),
        None => shown,
    }
}

#[test]
fn a_new_shop_is_committed_on_main_and_complete() {
    let context = TestContext::empty().with_identity();
    let url = "https://github.com/you/shop.git";
    let shown = init(&context, &["shop", "--registry", "docker.io/you", "--git-url", url]);
    assert_snapshot!(shown, @"
    exit: 0
    --- stdout
    --- stderr
    Made a shop of [N] files in `shop` (commit [HASH]).
    Next: cd shop && ecomctl up
    ");
    assert_eq!(context.git("shop", &["rev-parse", "--abbrev-ref", "HEAD"]), "main\n");
    assert_eq!(
        context.git("shop", &["log", "--format=%an %s"]),
        "You A shop of three services, made by ecomctl\n"
    );
    assert_eq!(context.git("shop", &["status", "--porcelain"]), "");
    assert_eq!(context.git("shop", &["remote", "get-url", "origin"]), format!("{url}\n"));
    context.git("shop", &["fsck", "--strict"]);

    let spec = context.read("shop/ecomctl.yaml");
    assert!(spec.contains("\nregistry: docker.io/you\n") && spec.contains(&format!("\n  url: {url}\n")));
    let check = context.output(&["-C", "shop", "render", "--check"]);
    assert_eq!(check.status.code(), Some(0), "its manifests are current");
    assert!(context.read("shop/argocd/minikube.yaml").contains(url));

    let lock = fs::read(context.path("shop/Cargo.lock")).unwrap();
    let mut metadata = Command::new("cargo");
    metadata
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .current_dir(context.path("shop"));
    let metadata = with_cargo(metadata).output().unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    assert!(!String::from_utf8_lossy(&lock).contains("name = \"kube"), "only what the services need");
}

#[test]
fn a_folder_with_files_is_refused() {
    let context = TestContext::empty().with_identity();
    context.write("shop/notes.txt", "mine\n");
    assert_snapshot!(init(&context, &["shop"]), @"
    exit: 1
    --- stdout
    --- stderr
    error: `shop` has files already
    hint: choose another folder, or `--force` to make the shop among them
    ");
    assert_eq!(context.files(), ["shop/notes.txt"]);
}

#[test]
fn force_overwrites_only_what_differs_and_names_it() {
    let context = TestContext::empty().with_identity();
    context.write("shop/notes.txt", "mine\n");
    context.write("shop/README.md", "mine\n");
    assert_snapshot!(init(&context, &["shop", "--force"]), @"
    exit: 0
    --- stdout
    --- stderr
    warning: overwrote `README.md`, which differed
    Made a shop of [N] files in `shop` (commit [HASH]).
    Next: cd shop && ecomctl up
    ");
    assert_eq!(context.read("shop/notes.txt"), "mine\n");
    assert_eq!(
        context.git("shop", &["status", "--porcelain"]),
        "?? notes.txt\n",
        "the commit has the shop alone"
    );
    assert_snapshot!(init(&context, &["shop", "--force"]), @"
    exit: 0
    --- stdout
    --- stderr
    Made a shop of [N] files in `shop` (committed before).
    Next: cd shop && ecomctl up
    ");
    assert_eq!(context.git("shop", &["rev-list", "--count", "HEAD"]), "1\n");
}

#[test]
fn an_empty_clone_keeps_its_remote() {
    let context = TestContext::empty().with_identity();
    fs::create_dir(context.path("shop")).unwrap();
    context.git("shop", &["init", "--quiet", "--initial-branch", "trunk"]);
    context.git("shop", &["remote", "add", "origin", "https://example.com/shop.git"]);
    assert!(init(&context, &["shop"]).starts_with("exit: 0"));
    assert_eq!(context.git("shop", &["rev-parse", "--abbrev-ref", "HEAD"]), "main\n");
    assert_eq!(context.git("shop", &["remote", "get-url", "origin"]), "https://example.com/shop.git\n");
}

#[test]
fn what_is_staged_by_others_stays_staged() {
    let context = TestContext::empty().with_identity();
    context.write("shop/notes.txt", "mine\n");
    context.git("shop", &["init", "--quiet"]);
    context.git("shop", &["commit", "--quiet", "--allow-empty", "--message", "begin"]);
    context.git("shop", &["add", "notes.txt"]);
    assert!(init(&context, &["shop", "--force"]).starts_with("exit: 0"));
    assert_eq!(context.git("shop", &["status", "--porcelain"]), "A  notes.txt\n");
    assert_eq!(context.git("shop", &["rev-list", "--count", "HEAD"]), "2\n");
}

#[test]
fn without_an_identity_nothing_is_written() {
    let context = TestContext::empty();
    assert_snapshot!(init(&context, &["shop"]), @r#"
    exit: 1
    --- stdout
    --- stderr
    error: git does not know who you are
    hint: `git config --global user.name "Your Name"` and `git config --global user.email you@example.com`
    "#);
    assert!(!context.path("shop").exists());
}

#[test]
fn bad_arguments_are_wrong_usage() {
    let context = TestContext::empty().with_identity();
    assert_snapshot!(init(&context, &["shop", "--registry", "Docker.io/You"]), @"
    exit: 2
    --- stdout
    --- stderr
    error: invalid value 'Docker.io/You' for '--registry <REGISTRY>': `Docker.io/You` is no valid registry: it must be a host with a folder, like `docker.io/you` or `localhost:5000`, without scheme and tag

    For more information, try '--help'.
    ");
    let shown = init(&context, &["shop", "--git-url", "https://you:hunter2@example.com/shop.git"]);
    assert!(shown.starts_with("exit: 2") && !shown.contains("hunter2"), "{shown}");
    assert!(!context.path("shop").exists());
}
