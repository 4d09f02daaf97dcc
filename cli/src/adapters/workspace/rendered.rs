//! The rendered files of a project.

use std::collections::BTreeSet;
use std::{fs, io};

use super::{Project, WorkspaceError, entries, read_error, write_error};
use crate::model::name::EnvironmentName;
use crate::model::tree::{RenderedTree, TreeDiff};

impl Project {
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
}
