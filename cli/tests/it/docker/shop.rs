//! A shop of two services that compile in a second, with names that no other test's images have.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::context::{TestContext, with_cargo};

/// A repository with a shop. Its images are gone when this is dropped.
pub(crate) struct Shop {
    /// The user.
    pub(crate) context: TestContext,
    /// The names of its services.
    pub(crate) services: [String; 2],
}

const MAIN: &str = "//! A service.\nfn main() {\n    println!(\"hello\");\n}\n";

fn dockerfile(service: &str) -> String {
    // The last stage needs no image that would have to be pulled.
    format!(
        "FROM scratch AS prebuilt\nCOPY --chown=65532:65532 . /\nUSER 65532:65532\nENTRYPOINT [\"/{service}\"]\n\n\
         FROM scratch\nCOPY services/{service}/src /source\nUSER 65532:65532\nENTRYPOINT [\"/{service}\"]\n"
    )
}

impl Shop {
    /// Makes and commits the shop, with `registry` in its spec if there is one.
    pub(crate) fn new(registry: Option<&str>) -> Self {
        let header = registry.map(|registry| format!("registry: {registry}\n")).unwrap_or_default();
        Self::of(&header, "", MAIN)
    }

    /// Makes and commits a shop whose spec begins with `header`, whose services have further `fields`, and whose programs
    /// are all `main`.
    pub(crate) fn of(header: &str, fields: &str, main: &str) -> Self {
        let context = TestContext::empty().with_identity();
        let id = format!("{:08x}", rand::random::<u32>());
        let services = [format!("alpha-{id}"), format!("beta-{id}")];
        let mut spec = format!("{header}services:\n");
        for (service, port) in services.iter().zip([5003, 5001]) {
            let _ = writeln!(spec, "  {service}: {{port: {port}, path: /at-{port}{fields}}}");
        }
        context.write("shop/ecomctl.yaml", &spec);
        context.write(
            "shop/Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"services/*\", \"tool\"]\n",
        );
        context.write("shop/.gitignore", "/target\n/.ecomctl\n");
        context.write("shop/.dockerignore", "/target\n/.git\n/.ecomctl\n");
        let manifest = |name: &str| {
            format!(
                "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n"
            )
        };
        for service in &services {
            context.write(&format!("shop/services/{service}/Cargo.toml"), &manifest(service));
            context.write(&format!("shop/services/{service}/src/main.rs"), main);
            context.write(&format!("shop/services/{service}/Dockerfile"), &dockerfile(service));
        }
        context.write("shop/tool/Cargo.toml", &manifest("tool"));
        context.write("shop/tool/src/lib.rs", "//! Nothing.\n");
        let shop = Self { context, services };
        let lock = shop.cargo(&["generate-lockfile", "--offline", "--quiet"]);
        assert!(lock.status.success(), "{}", String::from_utf8_lossy(&lock.stderr));
        shop.git(&["init", "--quiet", "--initial-branch", "main"]);
        shop.git(&["add", "."]);
        shop.git(&["commit", "--quiet", "--message", "a shop"]);
        shop
    }

    /// Returns the shop's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.context.path("shop")
    }

    /// Returns the path of the main file of a service.
    pub(crate) fn main_of(&self, service: usize) -> String {
        format!("shop/services/{}/src/main.rs", self.services[service])
    }

    /// Changes the source of a service.
    pub(crate) fn change(&self, folder: &str, service: usize, text: &str) {
        let path = format!("{folder}/services/{}/src/main.rs", self.services[service]);
        self.context.write(&path, &MAIN.replace("hello", text));
    }

    /// Adds a bare repository and pushes to it.
    pub(crate) fn with_remote(self) -> Self {
        self.context.git("", &["init", "--quiet", "--bare", "--initial-branch", "main", "remote.git"]);
        self.git(&["remote", "add", "origin", "../remote.git"]);
        self.git(&["push", "--quiet", "--set-upstream", "origin", "main"]);
        self
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.context.git("shop", args)
    }

    fn cargo(&self, args: &[&str]) -> Output {
        let mut command = with_cargo(Command::new("cargo"));
        command.args(args).current_dir(self.folder()).output().unwrap()
    }

    /// Returns a command of `ecomctl` in a folder of the user's.
    pub(crate) fn command_in(&self, folder: &str, args: &[&str]) -> Command {
        let mut command = with_cargo(self.context.command(args));
        command.current_dir(self.context.path(folder));
        command.envs(std::env::var_os("DOCKER_HOST").map(|host| ("DOCKER_HOST", host)));
        command
    }

    /// Returns a command of `ecomctl` in the shop.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_in("shop", args)
    }

    /// Returns what `ecomctl` did.
    pub(crate) fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Returns exit code, stdout and stderr of `ecomctl`.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        self.context.show(&self.output(args))
    }

    /// Returns stdout of `ecomctl`, which must succeed.
    pub(crate) fn succeed(&self, args: &[&str]) -> String {
        let output = self.output(args);
        assert!(output.status.success(), "{args:?}: {}", self.context.show(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Builds, and returns the tag of each service and whether it was built now.
    pub(crate) fn build(&self) -> Vec<(String, bool)> {
        let report: serde_json::Value =
            serde_json::from_str(&self.succeed(&["build", "--output", "json"])).unwrap();
        let image = |image: &serde_json::Value| {
            let tag = image["image"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
            (tag, image["built"].as_bool().unwrap())
        };
        report.as_array().unwrap().iter().map(image).collect()
    }

    /// Returns the lock; empty if there is none.
    pub(crate) fn lock(&self) -> String {
        fs::read_to_string(self.folder().join("ecomctl.lock")).unwrap_or_default()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if self.folder().join("ecomctl.yaml").is_file() {
            let _ = self.output(&["images", "prune", "--all"]);
        }
    }
}

/// Returns what a program prints, which must succeed.
pub(crate) fn printed(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Asserts that git finds nothing wrong in a repository.
pub(crate) fn assert_sound(repository: &Path) {
    let mut command = Command::new("git");
    let output = command.arg("-C").arg(repository).args(["fsck", "--full", "--strict"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("error"), "{said}");
}
