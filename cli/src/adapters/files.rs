//! Files outside of the project: the user's configuration, the toolchain's libraries.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Returns the content of a file, if there is one.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file that is there and was not changed after `until`.
pub fn remove_older(path: &Path, until: SystemTime) {
    let changed = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    if changed.is_ok_and(|changed| changed <= until) {
        let _ = std::fs::remove_file(path);
    }
}

/// Writes a file, whole or not at all, with the folders that it is in.
///
/// # Errors
/// It cannot be written; then the old one stands.
pub fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

/// Returns where things are kept that can be fetched again: `ecomctl` in the user's cache folder.
#[must_use]
pub fn cache() -> PathBuf {
    dirs::cache_dir().unwrap_or_else(|| home().join(".cache")).join("ecomctl")
}

/// Returns what an environment variable says, unless it is empty.
#[must_use]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns the user's home.
#[must_use]
pub fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_default()
}
