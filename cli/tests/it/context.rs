//! A folder of its own, a cleared environment, and output as a snapshot.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A user with an empty home and an empty folder.
pub(crate) struct TestContext {
    folder: TempDir,
}

/// Three services, as short as they can be declared.
pub(crate) const SPEC: &str = "\
services:
  product-service: {port: 5003, path: /products}
  cart-service: {port: 5001, path: /cart, calls: [product-service]}
  order-service: {port: 5002, path: /orders, calls: [product-service]}
";

impl TestContext {
    /// Returns a user in an empty folder.
    pub(crate) fn empty() -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        Self { folder }
    }

    /// Returns a user in a folder with `spec` and a package of each of the three services.
    pub(crate) fn with_spec(spec: &str) -> Self {
        let context = Self::empty();
        context.write("ecomctl.yaml", spec);
        for service in ["product-service", "cart-service", "order-service"] {
            let manifest = format!("[package]\nname = \"{service}\"\nversion = \"1.2.3\"\n");
            context.write(&format!("services/{service}/Cargo.toml"), &manifest);
        }
        context
    }

    /// Returns the path of the user's folder, or of something in it.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join("work").join(path)
    }

    /// Returns the user's home.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Writes a file, with the folders that it is in.
    pub(crate) fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Returns the content of a file.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Returns the paths of all files, sorted, without `.git` and `.ecomctl`.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut found = Vec::new();
        collect(&self.path(""), &self.path(""), &mut found);
        found.sort();
        found
    }

    /// Makes git know the user.
    pub(crate) fn with_identity(self) -> Self {
        fs::write(self.home().join(".gitconfig"), "[user]\nname = You\nemail = you@example.com\n").unwrap();
        self
    }

    /// Returns a command of `ecomctl` with `args`, to be changed further or run.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecomctl"));
        command.args(args).current_dir(self.path("")).env_clear();
        command.env("HOME", self.home()).env("PATH", std::env::var_os("PATH").unwrap());
        command
    }

    /// Returns what `ecomctl` with `args` did.
    pub(crate) fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Returns exit code, stdout and stderr of `ecomctl` with `args` as one text, with the folder as `[DIR]`.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        self.show(&self.output(args))
    }

    /// Returns an output as one text.
    pub(crate) fn show(&self, output: &Output) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let whole = format!(
            "exit: {}\n--- stdout\n{}--- stderr\n{}",
            output.status.code().map_or("signal".to_owned(), |code| code.to_string()),
            text(&output.stdout),
            text(&output.stderr),
        );
        whole.replace(&self.folder.path().display().to_string(), "[DIR]")
    }

    /// Runs git in the user's folder, and returns what it printed.
    pub(crate) fn git(&self, folder: &str, args: &[&str]) -> String {
        let mut command = Command::new("git");
        command.args(args).current_dir(self.path(folder)).env("HOME", self.home());
        let output = command.env("GIT_CONFIG_NOSYSTEM", "1").output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".git") || path.ends_with(".ecomctl") {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            found.push(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
}

/// Returns `command` with the cargo of this machine: its toolchain, and what it has fetched.
pub(crate) fn with_cargo(mut command: Command) -> Command {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let own = |name: &str, folder: &str| std::env::var_os(name).unwrap_or_else(|| home.join(folder).into());
    command.env("CARGO_HOME", own("CARGO_HOME", ".cargo")).env("RUSTUP_HOME", own("RUSTUP_HOME", ".rustup"));
    command.envs(std::env::var_os("RUSTUP_TOOLCHAIN").map(|name| ("RUSTUP_TOOLCHAIN", name)));
    command
}

/// Returns the root of this repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
