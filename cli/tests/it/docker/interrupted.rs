//! `kill -9` at any moment: the next run finishes, and nothing is half-written.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::registry::Registry;
use super::rounds;
use super::shop::{Shop, assert_sound};

#[test]
#[ignore = "needs docker"]
fn the_next_run_finishes_what_a_killed_one_began() {
    let registry = Registry::open();
    let shop = Shop::new(Some(&registry.address)).with_remote();
    let steps = [&["build"][..], &["push"], &["render", "--commit", "--push"]];
    for round in 0..rounds(3, 20) {
        shop.change("shop", round % 2, &format!("round {round}"));
        // Compiled before, so that kills hit what comes after as well.
        if round % 3 > 0 {
            shop.succeed(&["build"]);
        }
        for (number, args) in steps.iter().enumerate() {
            let longest = [700, 300, 60][number];
            let mut running = shop.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(rand::random_range(0..longest)));
            let _ = running.kill();
            running.wait().unwrap();
            whole(&shop);
        }
        for args in steps {
            let output = shop.output(args);
            assert!(output.status.success(), "round {round} {args:?}: {}", shop.context.show(&output));
        }
        let local = shop.git(&["rev-parse", "main"]);
        assert_eq!(shop.context.git("remote.git", &["rev-parse", "main"]), local);
        // The source is changed, and nothing that ecomctl owns is.
        let status = shop.git(&["status", "--porcelain"]);
        assert!(status.lines().all(|line| line.ends_with("/src/main.rs")), "{status}");
        shop.succeed(&["render", "--check"]);
    }
    assert_sound(&shop.folder());
    assert_sound(&shop.context.path("remote.git"));
}

/// Every file that ecomctl writes is the old one or the new one.
fn whole(shop: &Shop) {
    let output = shop.output(&["render", "--stdout"]);
    assert!(output.status.success(), "{}", shop.context.show(&output));
    for path in shop.context.files() {
        let owned =
            path.contains("/generated/") || path.contains("/argocd/") || path.ends_with("ecomctl.lock");
        if owned && path.starts_with("shop/") {
            let text = shop.context.read(&path);
            assert!(text.starts_with("# ") && text.ends_with('\n'), "{path}: {text}");
        }
    }
}
