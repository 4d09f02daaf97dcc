//! The files of a project. The one place that reads and writes them.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::model::image::Tag;
use crate::model::lock::ImageLock;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::parse::{SpecError, parse_spec};
use crate::model::spec::PlatformSpec;
use crate::model::tree::{RenderedTree, TreeDiff};
use crate::yaml::{self, Mistake};

/// The file that declares the platform.
pub const SPEC: &str = "ecomctl.yaml";
const LOCK: &str = "ecomctl.lock";
/// What belongs to this machine: data of local services, logs, files being written. Never in git.
const PRIVATE: &str = ".ecomctl";

/// Why files cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// No folder from here upwards has a spec.
    #[error("there is no `{SPEC}` in `{}` or a folder above it", .0.display())]
    NoProject(PathBuf),
    /// A file cannot be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("failed to write `{}`", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The spec has a mistake.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The lock has a mistake.
    #[error(transparent)]
    Lock(#[from] Mistake),
    /// A package's manifest says no version.
    #[error("`{}` says no version", .0.display())]
    NoVersion(PathBuf),
    /// A package's manifest is no TOML, or its version is none that a tag can show.
    #[error("`{}`: {reason}", path.display())]
    Manifest {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

fn read_error(path: &Path) -> impl FnOnce(io::Error) -> WorkspaceError {
    let path = path.to_owned();
    |source| WorkspaceError::Read { path, source }
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> WorkspaceError {
    let path = path.to_owned();
    |source| WorkspaceError::Write { path, source }
}

/// A folder with a spec.
#[derive(Clone, Debug)]
pub struct Project {
    root: PathBuf,
}

#[derive(Deserialize)]
struct Manifest {
    package: Option<Package>,
    workspace: Option<Workspace>,
}

#[derive(Deserialize)]
struct Workspace {
    package: Option<Package>,
}

#[derive(Deserialize)]
struct Package {
    version: Option<Version>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Version {
    Own(String),
    Inherited { workspace: bool },
}

impl Project {
    /// Returns the project that `start` is in: the nearest folder upwards with a spec.
    ///
    /// # Errors
    /// There is none, or `start` is no folder.
    pub fn find(start: &Path) -> Result<Self, WorkspaceError> {
        let start = fs::canonicalize(start).map_err(read_error(start))?;
        if !start.is_dir() {
            return Err(read_error(&start)(io::ErrorKind::NotADirectory.into()));
        }
        let root = start.ancestors().find(|folder| folder.join(SPEC).is_file());
        root.map(Self::at).ok_or(WorkspaceError::NoProject(start))
    }

    /// Returns the project of a folder that has or gets a spec.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Returns the folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the spec.
    ///
    /// # Errors
    /// It cannot be read, or has a mistake.
    pub fn spec(&self) -> Result<PlatformSpec, WorkspaceError> {
        let path = self.root.join(SPEC);
        let text = fs::read_to_string(&path).map_err(read_error(&path))?;
        // Some editors begin a file with a byte order mark.
        Ok(parse_spec(SPEC, text.trim_start_matches('\u{feff}'))?)
    }

    /// Returns the lock; an empty one when there is no file.
    ///
    /// # Errors
    /// It cannot be read, or has a mistake.
    pub fn lock(&self) -> Result<ImageLock, WorkspaceError> {
        let path = self.root.join(LOCK);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(yaml::parse(&text).map_err(|error| Mistake::new(LOCK, &text, error))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ImageLock::default()),
            Err(error) => Err(read_error(&path)(error)),
        }
    }

    /// Returns the version of a service's package as a tag: its own, or that of the workspace.
    ///
    /// # Errors
    /// There is no package, or it has no version.
    pub fn version(&self, service: &ServiceName) -> Result<Tag, WorkspaceError> {
        let path = self.root.join("services").join(service.as_str()).join("Cargo.toml");
        let version = match read_manifest(&path)?.package.and_then(|package| package.version) {
            Some(Version::Own(version)) => version,
            Some(Version::Inherited { workspace: true }) => self.workspace_version()?,
            _ => return Err(WorkspaceError::NoVersion(path)),
        };
        Tag::of_version(&version).map_err(|reason| WorkspaceError::Manifest { path, reason })
    }

    fn workspace_version(&self) -> Result<String, WorkspaceError> {
        let path = self.root.join("Cargo.toml");
        let workspace = read_manifest(&path)?.workspace;
        match workspace.and_then(|workspace| workspace.package?.version) {
            Some(Version::Own(version)) => Ok(version),
            _ => Err(WorkspaceError::NoVersion(path)),
        }
    }

    /// Returns the files where those of an environment are: every YAML or JSON file there, since Argo CD would take
    /// them all. A link has no content of ecomctl's, so it counts as an empty file.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn rendered(&self, environment: &EnvironmentName) -> Result<RenderedTree, WorkspaceError> {
        let mut tree = RenderedTree::new();
        let entry = format!("argocd/{environment}.yaml");
        for folder in ["argocd", "generated"] {
            if self.root.join(folder).is_symlink() {
                tree.insert(folder.to_owned(), Vec::new());
                return Ok(tree);
            }
        }
        if self.root.join(&entry).is_symlink() {
            tree.insert(entry, Vec::new());
        } else {
            tree.extend(self.read([entry.as_str()])?);
        }
        let folder = format!("generated/{environment}");
        if self.root.join(&folder).is_symlink() {
            tree.insert(folder, Vec::new());
        } else {
            self.collect(&folder, &mut tree)?;
        }
        Ok(tree)
    }

    /// Returns the environments that have files, whether they are declared or not.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn rendered_environments(&self) -> Result<BTreeSet<EnvironmentName>, WorkspaceError> {
        let folders = entries(&self.root.join("generated"))?;
        let files = entries(&self.root.join("argocd"))?;
        let names = files
            .iter()
            .filter_map(|file| file.strip_suffix(".yaml"))
            .chain(folders.iter().map(String::as_str));
        Ok(names.filter_map(|name| name.parse().ok()).collect())
    }

    fn collect(&self, folder: &str, tree: &mut RenderedTree) -> Result<(), WorkspaceError> {
        let absolute = self.root.join(folder);
        let entries = match fs::read_dir(&absolute) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(read_error(&absolute)(error)),
        };
        for entry in entries {
            let entry = entry.map_err(read_error(&absolute))?;
            let kind = entry.file_type().map_err(read_error(&entry.path()))?;
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            let is_manifest = [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending));
            if kind.is_dir() {
                self.collect(&name, tree)?;
            } else if kind.is_symlink() {
                tree.insert(name, Vec::new());
            } else if is_manifest {
                let content = fs::read(entry.path()).map_err(read_error(&entry.path()))?;
                tree.insert(name, content);
            }
        }
        Ok(())
    }

    /// Returns those of `paths` that exist, with their content.
    ///
    /// # Errors
    /// One cannot be read.
    pub fn read<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> Result<RenderedTree, WorkspaceError> {
        let mut found = RenderedTree::new();
        for name in paths {
            let path = self.root.join(name);
            match fs::read(&path) {
                Ok(content) => drop(found.insert(name.to_owned(), content)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(read_error(&path)(error)),
            }
        }
        Ok(found)
    }

    /// Writes and deletes what `diff` says. Each file is the old one or the new one at any moment.
    ///
    /// # Errors
    /// A file cannot be written or deleted; those before it are.
    pub fn apply(&self, diff: &TreeDiff, rendered: &RenderedTree) -> Result<(), WorkspaceError> {
        for path in diff.added.iter().chain(&diff.changed) {
            self.write(path, rendered.get(path).map(Vec::as_slice).unwrap_or_default())?;
        }
        for path in &diff.deleted {
            let path = self.root.join(path);
            fs::remove_file(&path).map_err(write_error(&path))?;
            // Folders that are empty now; the first that is not ends it.
            for folder in path.ancestors().skip(1).take_while(|folder| **folder != self.root) {
                if fs::remove_dir(folder).is_err() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Writes one file, whole or not at all; `path` is from the root, with `/`.
    ///
    /// # Errors
    /// It cannot be written; then the old one stands.
    pub fn write(&self, path: &str, content: &[u8]) -> Result<(), WorkspaceError> {
        let target = self.root.join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(write_error(folder))?;
        }
        let staging = self.private_folder("tmp")?;
        let mut builder = tempfile::Builder::new();
        builder.permissions(fs::Permissions::from_mode(0o666));
        let mut file = builder.tempfile_in(&staging).map_err(write_error(&target))?;
        file.write_all(content).map_err(write_error(&target))?;
        file.persist(&target).map_err(|error| write_error(&target)(error.error))?;
        Ok(())
    }

    /// Returns a folder of this machine's own, which is made when it is absent, and which git ignores.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn private_folder(&self, path: &str) -> Result<PathBuf, WorkspaceError> {
        let folder = self.root.join(PRIVATE).join(path);
        if !folder.is_dir() {
            fs::create_dir_all(&folder).map_err(write_error(&folder))?;
            let ignore = self.root.join(PRIVATE).join(".gitignore");
            fs::write(&ignore, "*\n").map_err(write_error(&ignore))?;
        }
        Ok(folder)
    }

    /// Takes the lock that only one `up` of the project can have.
    ///
    /// # Errors
    /// It cannot be opened. `Ok(Err(…))` is what the other holder has announced.
    pub fn lock_up(&self) -> Result<Result<UpLock, String>, WorkspaceError> {
        let path = self.private_folder("")?.join("up.lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).read(true).write(true);
        let mut file = options.open(&path).map_err(write_error(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Ok(UpLock { file, path })),
            Err(TryLockError::WouldBlock) => {
                let mut other = String::new();
                file.read_to_string(&mut other).map_err(read_error(&path))?;
                Ok(Err(other))
            }
            Err(TryLockError::Error(source)) => Err(write_error(&path)(source)),
        }
    }
}

/// The lock of a running `up`. It is free again when this is dropped, or the process is gone.
#[derive(Debug)]
pub struct UpLock {
    file: File,
    path: PathBuf,
}

impl UpLock {
    /// Tells who has the lock.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn announce(&mut self, holder: &str) -> Result<(), WorkspaceError> {
        let written = self.file.set_len(0).and_then(|()| self.file.rewind());
        written.and_then(|()| self.file.write_all(holder.as_bytes())).map_err(write_error(&self.path))
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, WorkspaceError> {
    let text = fs::read_to_string(path).map_err(read_error(path))?;
    toml::from_str(&text).map_err(|error| WorkspaceError::Manifest {
        path: path.to_owned(),
        reason: error.message().to_owned(),
    })
}

/// Returns what a folder has besides `.git`; nothing when it does not exist.
///
/// # Errors
/// It cannot be read.
pub fn entries(folder: &Path) -> Result<Vec<String>, WorkspaceError> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(read_error(folder)(error)),
        Ok(entries) => {
            let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
            let names = names.collect::<io::Result<Vec<String>>>().map_err(read_error(folder))?;
            Ok(names.into_iter().filter(|name| name != ".git").collect())
        }
    }
}
