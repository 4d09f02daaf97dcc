//! Pushing: logins, networks, tags that are taken, and what the lock says.

use std::fs;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::registry::{Registry, bad_network, free_address};
use super::shop::{Shop, printed};

/// A password with everything that gets lost between base64 alphabets, colons and shells.
const PASSWORD: &str = "p?>~ä:/+=\"'$(x) \\%ÿ?";

#[test]
#[ignore = "needs docker"]
fn what_is_pushed_is_pinned_and_pushed_once() {
    let registry = Registry::open();
    let shop = Shop::new(Some(&registry.address));
    shop.build();
    shop.succeed(&["push"]);
    let lock = shop.lock();
    for service in &shop.services {
        assert!(lock.contains(&format!("repository: {}/{service}", registry.address)), "{lock}");
    }
    let head = shop.git(&["rev-parse", "HEAD"]);
    assert!(lock.contains(&format!("commit: {}", head.trim())) && lock.contains("dirty: false"), "{lock}");
    let shown = shop.run(&["push", "--output", "json"]);
    assert!(shown.contains("\"pushed\": false") && !shown.contains("\"pushed\": true"), "{shown}");
    assert_eq!(shop.lock(), lock);
    // The same inputs at another commit are the same image: the lock stays.
    shop.git(&["commit", "--quiet", "--allow-empty", "--message", "nothing"]);
    shop.succeed(&["push"]);
    assert_eq!(shop.lock(), lock);
    // A clone of it adopts what the registry has, and needs no image of its own.
    shop.succeed(&["images", "prune", "--all"]);
    fs::remove_file(shop.folder().join("ecomctl.lock")).unwrap();
    shop.succeed(&["push"]);
    assert_eq!(shop.lock().replace(shop.git(&["rev-parse", "HEAD"]).trim(), head.trim()), lock);
    shop.change("shop", 0, "changed");
    let shown = shop.run(&["push"]);
    assert!(
        shown.contains("there is no image of alpha-") && shown.contains("hint: run `ecomctl build alpha-"),
        "{shown}"
    );
    let shown = shop.run(&["build", "--push"]);
    assert!(shown.starts_with("exit: 0") && shop.lock().contains("dirty: true"), "{shown}");
}

#[test]
#[ignore = "needs docker"]
fn an_image_is_promoted_to_another_registry_as_it_is() {
    let (here, there) = (Registry::open(), Registry::with_login("you", "secret"));
    let shop = Shop::new(Some(&here.address));
    let spec = shop.context.read("shop/ecomctl.yaml");
    let environments = format!("environments:\n  staging:\n  production: {{registry: {}}}\n", there.address);
    shop.context.write("shop/ecomctl.yaml", &(spec + &environments));
    shop.git(&["commit", "--quiet", "--all", "--message", "two environments"]);
    shop.build();
    shop.succeed(&["push"]);
    let pushed = shop.lock();
    let promote = |args: &[&str]| {
        let mut command = shop.command(&[&["promote", "staging", "production"], args].concat());
        let docker = shop.context.path("docker");
        fs::create_dir_all(&docker).unwrap();
        let auth =
            format!(r#"{{"auths": {{"{}": {{"username": "you", "password": "secret"}}}}}}"#, there.address);
        fs::write(docker.join("config.json"), auth).unwrap();
        let output = command.env("DOCKER_CONFIG", docker).output().unwrap();
        (output.status.success(), shop.context.show(&output))
    };
    // Nobody is let in without a login, and nothing has changed then.
    let refused = shop.run(&["promote", "staging", "production"]);
    assert!(refused.starts_with("exit: 1") && refused.contains("wants a login"), "{refused}");
    assert_eq!(shop.lock(), pushed);
    let (is_done, shown) = promote(&[]);
    assert!(is_done && shown.contains("copied"), "{shown}");
    let manifests = |lock: &str| {
        let digests =
            lock.lines().filter_map(|line| line.trim().strip_prefix("manifest: ").map(ToOwned::to_owned));
        digests.collect::<Vec<_>>()
    };
    // Production comes first: the same digests, at the other registry.
    let (own, lock) = (manifests(&pushed), shop.lock());
    assert_eq!(manifests(&lock), [own.clone(), own].concat());
    for service in &shop.services {
        assert!(lock.contains(&format!("repository: {}/{service}", there.address)), "{lock}");
    }
    assert!(shop.git(&["log", "-1", "--format=%s"]).starts_with("production: promote from staging"));
    // The other registry gives it to an engine.
    printed("docker", &["login", "--username", "you", "--password", "secret", &there.address]);
    let image = format!("{}/{}@{}", there.address, shop.services[0], manifests(&lock)[0]);
    printed("docker", &["pull", "--quiet", &image]);
    printed("docker", &["rmi", &image]);
    printed("docker", &["logout", &there.address]);
    let (is_done, shown) = promote(&[]);
    assert!(is_done && shown.contains("there already") && shown.contains("Nothing to commit"), "{shown}");
}

#[test]
#[ignore = "needs docker"]
fn every_environment_that_follows_builds_is_pushed_to() {
    let (first, second) = (Registry::open(), Registry::open());
    let shop = Shop::new(Some(&first.address));
    let spec = shop.context.read("shop/ecomctl.yaml");
    let environments = format!(
        "environments:\n  minikube:\n  staging: {{images: build, registry: {}}}\n  production:\n",
        second.address
    );
    shop.context.write("shop/ecomctl.yaml", &(spec + &environments));
    shop.build();
    shop.succeed(&["push"]);
    let lock = shop.lock();
    assert!(
        lock.contains("minikube:") && lock.contains("staging:") && !lock.contains("production:"),
        "{lock}"
    );
    assert!(lock.contains(&second.address), "{lock}");
    let mut command = shop.command(&["push"]);
    command.env("ECOMCTL_REGISTRY_USERNAME", "you").env("ECOMCTL_REGISTRY_PASSWORD", "secret");
    let shown = shop.context.show(&command.output().unwrap());
    assert!(shown.starts_with("exit: 2") && shown.contains("would be shown to 127.0.0.1:"), "{shown}");
    shop.succeed(&["push", "--environment", "production", &shop.services[0]]);
    assert!(shop.lock().contains("production:"));
    let shown = shop.run(&["push", "--environment", "nowhere"]);
    assert!(shown.starts_with("exit: 2"), "{shown}");
}

#[test]
#[ignore = "needs docker"]
fn a_login_is_taken_from_variables_from_the_docker_configuration_and_from_helpers() {
    let registry = Registry::with_login("you", PASSWORD);
    let shop = Shop::new(Some(&registry.address));
    shop.build();
    let push = |user: &str, password: &str| {
        let mut command = shop.command(&["push"]);
        command.env("ECOMCTL_REGISTRY_USERNAME", user).env("ECOMCTL_REGISTRY_PASSWORD", password);
        shop.context.show(&command.output().unwrap())
    };
    let shown = shop.run(&["push"]);
    let address = &registry.address;
    assert!(shown.starts_with("exit: 1"), "{shown}");
    assert!(
        shown.contains(&format!("registry `{address}` wants a login, and there are no credentials")),
        "{shown}"
    );
    assert!(shown.contains(&format!("hint: `docker login {address}`")), "{shown}");
    let shown = push("you", "wrong");
    assert!(shown.starts_with("exit: 1") && shown.contains("does not take the credentials"), "{shown}");
    assert!(shown.contains("hint: they are those of `ECOMCTL_REGISTRY_USERNAME`"), "{shown}");
    let mut command = shop.command(&["doctor", "push"]);
    command.env("ECOMCTL_REGISTRY_USERNAME", "you").env("ECOMCTL_REGISTRY_PASSWORD", "wrong");
    let doctor = shop.context.show(&command.output().unwrap());
    assert!(doctor.starts_with("exit: 1") && doctor.contains("does not take the credentials"), "{doctor}");
    let shown = push("you", "");
    assert!(
        shown.contains("`ECOMCTL_REGISTRY_USERNAME` is set without `ECOMCTL_REGISTRY_PASSWORD`"),
        "{shown}"
    );
    assert_eq!(shop.lock(), "", "nothing was pushed");
    let shown = push("you", PASSWORD);
    assert!(shown.starts_with("exit: 0") && !shown.contains(PASSWORD), "{shown}");

    // As `docker login` writes it, and as a helper tells it.
    let folder = shop.context.home().join(".docker");
    fs::create_dir_all(&folder).unwrap();
    let pair = printed("sh", &["-c", "printf %s \"$0\" | base64 -w0", &format!("you:{PASSWORD}")]);
    shop.change("shop", 0, "by configuration");
    fs::write(folder.join("config.json"), format!(r#"{{"auths": {{"{address}": {{"auth": "{pair}"}}}}}}"#))
        .unwrap();
    let shown = shop.run(&["build", "--push"]);
    assert!(shown.starts_with("exit: 0"), "{shown}");
    shop.change("shop", 0, "by helper");
    fs::write(folder.join("config.json"), format!(r#"{{"credHelpers": {{"{address}": "test"}}}}"#)).unwrap();
    let answer = serde_json::json!({"ServerURL": address, "Username": "you", "Secret": PASSWORD}).to_string();
    fs::write(folder.join("answer.json"), answer).unwrap();
    let helper = format!(
        "#!/bin/sh\nread -r server\n[ \"$server\" = {address} ] && cat {}\n",
        folder.join("answer.json").display()
    );
    fs::write(folder.join("docker-credential-test"), helper).unwrap();
    printed("chmod", &["+x", folder.join("docker-credential-test").to_str().unwrap()]);
    let mut command = shop.command(&["build", "--push"]);
    command.env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()));
    let shown = shop.context.show(&command.output().unwrap());
    assert!(shown.starts_with("exit: 0"), "{shown}");
    fs::write(folder.join("config.json"), "{").unwrap();
    let shown = shop.run(&["push"]);
    assert!(shown.contains("is no Docker configuration"), "{shown}");
}

#[test]
#[ignore = "needs docker"]
fn a_bad_network_is_waited_out() {
    let registry = Registry::with_login("you", PASSWORD);
    let (address, spoilt) = bad_network(registry.address.clone());
    let shop = Shop::new(Some(&address));
    shop.build();
    let mut command = shop.command(&["push"]);
    command.env("ECOMCTL_REGISTRY_USERNAME", "you").env("ECOMCTL_REGISTRY_PASSWORD", PASSWORD);
    let shown = shop.context.show(&command.output().unwrap());
    assert!(shown.starts_with("exit: 0"), "{shown}");
    assert!(spoilt.load(Ordering::Relaxed) >= 3, "the network was not bad enough");
    assert_eq!(shop.lock().matches("manifest: sha256:").count(), 2);
}

#[test]
#[ignore = "needs docker"]
fn a_registry_that_is_down_leaves_the_lock_alone() {
    let address = free_address();
    let shop = Shop::new(Some(&address));
    shop.build();
    let shown = shop.run(&["push"]);
    assert!(
        shown.starts_with("exit: 1") && shown.contains(&format!("registry `{address}` does not answer")),
        "{shown}"
    );
    assert!(shown.contains("Connection refused") && shown.contains("hint: "), "{shown}");
    assert_eq!(shop.lock(), "");
    // One that dies in the middle, after it has let us in.
    let registry = Registry::open();
    let mut command = shop.command(&["push", "--registry", &registry.address]);
    let mut running = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(120));
    drop(registry);
    let status = running.wait().unwrap();
    assert!(status.success() == shop.lock().contains("manifest:"), "all or nothing");
}

#[test]
#[ignore = "needs docker"]
fn a_tag_that_is_taken_is_never_overwritten() {
    let registry = Registry::open();
    let shop = Shop::new(Some(&registry.address));
    let tags = shop.build();
    // Somebody else's image of that name: that of the other service.
    let foreign = format!("{}/{}:{}", registry.address, shop.services[0], tags[0].0);
    printed("docker", &["tag", &format!("ecomctl.local/{}:{}", shop.services[1], tags[1].0), &foreign]);
    printed("docker", &["push", "--quiet", &foreign]);
    printed("docker", &["rmi", &foreign]);
    let shown = shop.run(&["push"]);
    assert!(shown.starts_with("exit: 1"), "{shown}");
    assert!(shown.contains("the registry has another image of this tag"), "{shown}");
    assert_eq!(shop.lock(), "", "a push that fails pins nothing");
}
