//! What the services have logged, in a file each: written by `up`, read by `logs`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Largest file, in bytes. Then it begins anew, and the one before is kept.
const LARGEST: u64 = 8 * 1024 * 1024;

/// Where a service's lines are written.
#[derive(Debug)]
pub struct LogWriter {
    path: PathBuf,
    file: File,
    size: u64,
}

impl LogWriter {
    /// Begins a new file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn begin(folder: &Path, service: &str) -> io::Result<Self> {
        let path = path(folder, service);
        Ok(Self { file: File::create(&path)?, path, size: 0 })
    }

    /// Writes a line. One that cannot be written is lost: a full disk stops no service.
    pub fn line(&mut self, line: &str) {
        if self.size >= LARGEST {
            let before = self.path.with_extension("log.1");
            let _ = std::fs::rename(&self.path, before);
            if let Ok(file) = OpenOptions::new().create(true).write(true).truncate(true).open(&self.path) {
                (self.file, self.size) = (file, 0);
            }
        }
        let text = format!("{line}\n");
        if self.file.write_all(text.as_bytes()).is_ok() {
            self.size += text.len() as u64;
        }
    }
}

/// A service's lines.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    read: u64,
}

impl LogFile {
    /// Returns the lines of a service, none of them read.
    #[must_use]
    pub fn of(folder: &Path, service: &str) -> Self {
        Self { path: path(folder, service), read: 0 }
    }

    /// Returns whether there is a file.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.path.is_file()
    }

    /// Returns the last `count` of the lines that are there.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn last(&mut self, count: usize) -> io::Result<Vec<String>> {
        let lines = self.more()?;
        let skipped = lines.len().saturating_sub(count);
        Ok(lines.into_iter().skip(skipped).collect())
    }

    /// Returns the lines that were added since. A file that was begun anew is read from its start.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn more(&mut self) -> io::Result<Vec<String>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        if file.metadata()?.len() < self.read {
            self.read = 0;
        }
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        // What has no end yet is a line that is being written.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        self.read += whole as u64;
        Ok(String::from_utf8_lossy(&bytes[..whole]).lines().map(ToOwned::to_owned).collect())
    }
}

fn path(folder: &Path, service: &str) -> PathBuf {
    folder.join(format!("{service}.log"))
}
