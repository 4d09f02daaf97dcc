//! Files outside of the project: the user's configuration, the toolchain's libraries.

use std::io;
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
