//! What only one process may do at a time in a project.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::PathBuf;

use super::{Project, WorkspaceError, read_error, write_error};

impl Project {
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

    /// Waits until no other process does this kind of work in the project, and keeps others from it until the result is
    /// dropped or the process is gone.
    ///
    /// # Errors
    /// The file that stands for it cannot be opened.
    pub fn hold(&self, work: &str) -> Result<Hold, WorkspaceError> {
        let (file, path) = self.hold_file(work)?;
        file.lock().map_err(write_error(&path))?;
        Ok(Hold { _file: file })
    }
}

impl Project {
    /// Does the same without waiting: nothing is returned when another process does this kind of work.
    ///
    /// # Errors
    /// The file that stands for it cannot be opened.
    pub fn try_hold(&self, work: &str) -> Result<Option<Hold>, WorkspaceError> {
        let (file, path) = self.hold_file(work)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Hold { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(write_error(&path)(source)),
        }
    }

    fn hold_file(&self, work: &str) -> Result<(File, PathBuf), WorkspaceError> {
        let path = self.private_folder("")?.join(format!("{work}.hold"));
        let mut options = OpenOptions::new();
        let file =
            options.create(true).truncate(false).write(true).open(&path).map_err(write_error(&path))?;
        Ok((file, path))
    }
}

/// Work that only one process does. It ends when this is dropped.
#[derive(Debug)]
pub struct Hold {
    _file: File,
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
