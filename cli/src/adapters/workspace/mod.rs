//! The files of a project. The one place that reads and writes them.

mod hold;
mod rendered;
mod sources;
mod version;

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::model::lock::ImageLock;
use crate::model::parse::{SpecError, parse_spec};
use crate::model::spec::PlatformSpec;
use crate::model::tree::RenderedTree;
use crate::yaml::{self, Mistake};

pub use hold::{Hold, UpLock};
pub use sources::{SourceFile, SourceKind};

/// The file that declares the platform.
pub const SPEC: &str = "ecomctl.yaml";
/// The file that pins the images.
pub const LOCK: &str = "ecomctl.lock";
/// What belongs to this machine: data of local services, logs, files being written. Never in git.
const PRIVATE: &str = ".ecomctl";
/// Makes git ignore all of it.
const IGNORE: &[u8] = b"*\n";

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
            Ok(text) => Ok(parse_lock(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(ImageLock::default()),
            Err(error) => Err(read_error(&path)(error)),
        }
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

    /// Returns a file of this machine's own, if there is one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_private(&self, path: &str) -> Result<Option<Vec<u8>>, WorkspaceError> {
        Ok(self.read([format!("{PRIVATE}/{path}").as_str()])?.into_values().next())
    }

    /// Writes a file of this machine's own, whole or not at all.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write_private(&self, path: &str, content: &[u8]) -> Result<(), WorkspaceError> {
        self.private_folder("")?;
        self.write(&format!("{PRIVATE}/{path}"), content)
    }

    /// Deletes a file of this machine's own.
    ///
    /// # Errors
    /// It is there and cannot be deleted.
    pub fn delete_private(&self, path: &str) -> Result<(), WorkspaceError> {
        let path = self.root.join(PRIVATE).join(path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(write_error(&path)(error)),
            _ => Ok(()),
        }
    }

    /// Returns a folder of this machine's own, which is made when it is absent, and which git ignores.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn private_folder(&self, path: &str) -> Result<PathBuf, WorkspaceError> {
        let folder = self.root.join(PRIVATE).join(path);
        fs::create_dir_all(&folder).map_err(write_error(&folder))?;
        let ignore = self.root.join(PRIVATE).join(".gitignore");
        // A disk that was full may have left half of it.
        if fs::read(&ignore).is_ok_and(|content| content == IGNORE) {
            return Ok(folder);
        }
        fs::write(&ignore, IGNORE).map_err(write_error(&ignore))?;
        Ok(folder)
    }
}

/// Returns the lock that a text says; an empty one for an empty text.
///
/// # Errors
/// It has a mistake.
pub fn parse_lock(text: &str) -> Result<ImageLock, Mistake> {
    if text.lines().all(|line| line.is_empty() || line.starts_with('#')) {
        return Ok(ImageLock::default());
    }
    yaml::parse(text).map_err(|error| Mistake::new(LOCK, text, error))
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
