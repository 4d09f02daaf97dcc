//! Files outside of the project: the user's configuration, the toolchain's libraries.

use std::io;
use std::path::{Path, PathBuf};

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

/// Removes a file. One that is not there is removed.
pub fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
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
