//! The sources that images are built from: what git does not ignore.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use ignore::{DirEntry, WalkBuilder};

use super::{PRIVATE, Project, WorkspaceError, read_error};
use crate::model::image::Digest;

/// Files of the root that choose the toolchain.
const TOOLCHAIN_FILES: [&str; 2] = ["rust-toolchain", "rust-toolchain.toml"];

/// A file of the source.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// Its path from the root, with `/`.
    pub path: String,
    /// What it is.
    pub kind: SourceKind,
    /// Its bytes, or what a link points to.
    pub content: Vec<u8>,
}

/// What a file of the source is, by git's three kinds: other bits of the mode differ from clone to clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A file.
    Plain,
    /// A file that can be run.
    Executable,
    /// A symbolic link.
    Link,
}

impl SourceKind {
    /// Returns the mode as git writes it.
    #[must_use]
    pub fn mode(self) -> &'static str {
        match self {
            Self::Plain => "100644",
            Self::Executable => "100755",
            Self::Link => "120000",
        }
    }
}

impl Project {
    /// Returns mode and digest of the files in `folders` and of those that choose the toolchain, by path.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn digests(&self, folders: &[String]) -> Result<BTreeMap<String, String>, WorkspaceError> {
        let folders = folders.to_vec();
        let wanted = move |path: &str| {
            TOOLCHAIN_FILES.contains(&path)
                || folders.iter().any(|folder| is_within(path, folder) || is_within(folder, path))
        };
        let mut digests = BTreeMap::new();
        self.walk(wanted, |file| {
            let mut value = format!("{} {}", file.kind.mode(), Digest::of(&file.content));
            // What a link leads to may be outside of all folders.
            if file.kind == SourceKind::Link
                && let Ok(content) = fs::read(self.root.join(&file.path))
            {
                value = format!("{value} {}", Digest::of(&content));
            }
            digests.insert(file.path, value);
        })?;
        Ok(digests)
    }

    /// Returns the files that are not `excluded`, for an engine that compiles them.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn sources(
        &self,
        excluded: impl Fn(&str) -> bool + Send + Sync,
    ) -> Result<Vec<SourceFile>, WorkspaceError> {
        let mut files = Vec::new();
        self.walk(|_| true, |file| files.push(file))?;
        files.retain(|file| !excluded(&file.path));
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(files)
    }

    /// Returns the bytes of a program that was compiled from them.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn program(&self, path: &Path) -> Result<Vec<u8>, WorkspaceError> {
        fs::read(self.root.join(path)).map_err(read_error(path))
    }

    fn walk(
        &self,
        wanted: impl Fn(&str) -> bool + Send + Sync + 'static,
        mut take: impl FnMut(SourceFile),
    ) -> Result<(), WorkspaceError> {
        let mut walk = WalkBuilder::new(&self.root);
        // The same files on every machine: nothing of the user's own configuration, nor of folders above.
        walk.hidden(false)
            .parents(false)
            .ignore(false)
            .git_global(false)
            .git_exclude(false)
            .require_git(false);
        let root = self.root.clone();
        let relative = move |entry: &DirEntry| -> Option<String> {
            entry.path().strip_prefix(&root).ok()?.to_str().map(ToOwned::to_owned)
        };
        let below = relative.clone();
        walk.filter_entry(move |entry| {
            let own = entry.file_name() == ".git" || entry.file_name() == PRIVATE;
            // Folders that nobody wants are not even looked into.
            !own && below(entry).is_none_or(|path| path.is_empty() || wanted(&path))
        });
        let mut found = Vec::new();
        for entry in walk.build() {
            let entry = entry.map_err(|error| read_error(&self.root)(io::Error::other(error)))?;
            if entry.file_type().is_some_and(|kind| !kind.is_dir()) {
                found.extend(relative(&entry));
            }
        }
        for path in found {
            take(read(&self.root, path)?);
        }
        Ok(())
    }
}

fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn read(root: &Path, path: String) -> Result<SourceFile, WorkspaceError> {
    let absolute = root.join(&path);
    let failed = read_error(&absolute);
    let read = || {
        let metadata = fs::symlink_metadata(&absolute)?;
        if metadata.is_symlink() {
            let target = fs::read_link(&absolute)?;
            return Ok((SourceKind::Link, target.as_os_str().as_bytes().to_vec()));
        }
        let executable = metadata.permissions().mode() & 0o111 != 0;
        let kind = if executable { SourceKind::Executable } else { SourceKind::Plain };
        Ok((kind, fs::read(&absolute)?))
    };
    let (kind, content) = read().map_err(failed)?;
    Ok(SourceFile { path, kind, content })
}
