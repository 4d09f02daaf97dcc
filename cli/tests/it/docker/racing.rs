//! Two people who build, push and commit at the same moment.

use std::thread;

use super::registry::Registry;
use super::rounds;
use super::shop::{Shop, assert_sound};

#[test]
#[ignore = "needs docker"]
fn two_clones_that_race_lose_nothing() {
    let registry = Registry::open();
    let shop = Shop::new(Some(&registry.address)).with_remote();
    shop.succeed(&["build", "--push"]);
    shop.succeed(&["render", "--commit", "--push"]);
    for clone in ["one", "two"] {
        shop.context.git("", &["clone", "--quiet", "remote.git", clone]);
        shop.context.write(&format!("{clone}/staged.txt"), "staged\n");
        shop.context.git(clone, &["add", "staged.txt"]);
        shop.context.write(&format!("{clone}/.gitignore"), "/target\n/.ecomctl\n# changed\n");
    }
    let own = |clone: &str| {
        // `diff` compares contents; a status would refresh what it looks at.
        let staged =
            shop.context.git(clone, &["diff", "--cached", "--", ".", ":!generated", ":!ecomctl.lock"]);
        (staged, shop.context.git(clone, &["diff", "--", ".gitignore"]))
    };
    let before = ["one", "two"].map(own);
    for round in 0..rounds(3, 20) {
        thread::scope(|scope| {
            for (service, clone) in ["one", "two"].into_iter().enumerate() {
                let shop = &shop;
                scope.spawn(move || {
                    shop.change(clone, service, &format!("{clone} {round}"));
                    let name = shop.services[service].as_str();
                    for args in [&["build", name][..], &["push", name], &["render", "--commit", "--push"]] {
                        let output = shop.command_in(clone, args).output().unwrap();
                        assert!(
                            output.status.success(),
                            "round {round} {clone} {args:?}: {}",
                            shop.context.show(&output)
                        );
                    }
                });
            }
        });
        let lock = shop.context.git("remote.git", &["show", "main:ecomctl.lock"]);
        for (service, clone) in ["one", "two"].into_iter().enumerate() {
            let name = shop.services[service].as_str();
            let output = shop.command_in(clone, &["build", name, "--output", "json"]).output().unwrap();
            let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let inputs = report[0]["inputs"].as_str().unwrap();
            assert!(lock.contains(inputs), "round {round}: {name} {inputs} is lost in\n{lock}");
        }
    }
    assert_eq!(["one", "two"].map(own), before, "what the users changed and staged is as it was");
    assert_eq!(shop.context.git("remote.git", &["rev-list", "--merges", "main"]), "");
    for repository in ["remote.git", "one", "two"] {
        assert_sound(&shop.context.path(repository));
    }
    // Each ends where the remote is once it has nothing to say.
    for clone in ["one", "two"] {
        shop.context.git(clone, &["pull", "--quiet", "--ff-only"]);
        let output = shop.command_in(clone, &["render", "--check"]).output().unwrap();
        assert!(output.status.success(), "{}", shop.context.show(&output));
    }
}
