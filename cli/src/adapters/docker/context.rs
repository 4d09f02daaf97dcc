//! What the engine builds from, as a tar: the files of an image, or the sources.

use bytes::Bytes;
use globset::{GlobBuilder, GlobMatcher};
use tar::{Builder, EntryType, Header};

use super::DockerError;
use crate::adapters::workspace::{SourceFile, SourceKind};

/// Returns the context of stage `prebuilt`: the program, an empty folder for its data, and how to put them together. The
/// same content gives the same bytes.
///
/// # Errors
/// It cannot be packed.
pub fn prebuilt(dockerfile: &[u8], name: &str, program: &[u8]) -> Result<Bytes, DockerError> {
    let mut tar = Builder::new(Vec::new());
    append(&mut tar, "Dockerfile", SourceKind::Plain, dockerfile)?;
    append(&mut tar, ".dockerignore", SourceKind::Plain, b"Dockerfile\n.dockerignore\n")?;
    let mut folder = header(EntryType::Directory, 0o755, 0);
    tar.append_data(&mut folder, "data/", std::io::empty())?;
    append(&mut tar, name, SourceKind::Executable, program)?;
    Ok(tar.into_inner()?.into())
}

/// Returns the context of the default stage: the sources.
///
/// # Errors
/// It cannot be packed.
pub fn compiled(files: &[SourceFile]) -> Result<Bytes, DockerError> {
    let mut tar = Builder::new(Vec::new());
    for file in files {
        append(&mut tar, &file.path, file.kind, &file.content)?;
    }
    Ok(tar.into_inner()?.into())
}

fn header(kind: EntryType, mode: u32, size: usize) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size as u64);
    header.set_mtime(0);
    header
}

fn append(
    tar: &mut Builder<Vec<u8>>,
    path: &str,
    kind: SourceKind,
    content: &[u8],
) -> Result<(), DockerError> {
    match kind {
        SourceKind::Link => {
            let mut header = header(EntryType::Symlink, 0o777, 0);
            tar.append_link(&mut header, path, String::from_utf8_lossy(content).as_ref())?;
        }
        SourceKind::Plain => {
            tar.append_data(&mut header(EntryType::Regular, 0o644, content.len()), path, content)?;
        }
        SourceKind::Executable => {
            tar.append_data(&mut header(EntryType::Regular, 0o755, content.len()), path, content)?;
        }
    }
    Ok(())
}

/// What a `.dockerignore` leaves out (<https://docs.docker.com/build/concepts/context/#dockerignore-files>).
#[derive(Debug)]
pub struct Excluded(Vec<(bool, GlobMatcher)>);

impl Excluded {
    /// Returns what a text leaves out. The last pattern that matches a path or a folder above it decides; `!` takes it in
    /// again. A pattern that is none is passed over.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let patterns = lines.filter_map(|line| {
            let (takes_in, pattern) =
                line.strip_prefix('!').map_or((false, line), |pattern| (true, pattern.trim()));
            let pattern = pattern.trim_start_matches("./").trim_matches('/');
            let glob = GlobBuilder::new(pattern).literal_separator(true).build().ok()?;
            Some((takes_in, glob.compile_matcher()))
        });
        Self(patterns.collect())
    }

    /// Returns whether a file is left out.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        let above = path.match_indices('/').map(|(at, _)| &path[..at]).chain([path]);
        let above: Vec<&str> = above.collect();
        let decides = self.0.iter().rev().find(|(_, glob)| above.iter().any(|path| glob.is_match(path)));
        decides.is_some_and(|(takes_in, _)| !takes_in)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_those_of_docker() {
        let excluded = Excluded::parse("# comment\n/target\n**/*.log\ndocs\n!docs/keep.md\n*/temp*\n");
        for (path, out) in [
            ("target/release/x", true),
            ("services/target/x", false),
            ("a/b/c.log", true),
            ("c.log", true),
            ("docs/a.md", true),
            ("docs/keep.md", false),
            ("services/temporary/x", true),
            ("a/b/temporary", false),
            ("Cargo.toml", false),
        ] {
            assert_eq!(excluded.matches(path), out, "{path}");
        }
    }
}
