//! Puts the files of a new shop into the binary: this workspace's services and the texts of `templates/init`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Files of the workspace that a new shop has too.
const SHARED: [&str; 5] = [".dockerignore", "Cargo.lock", "Cargo.toml", "clippy.toml", "rustfmt.toml"];

/// What a package of a new shop consists of.
const PARTS: [&str; 4] = ["Cargo.toml", "Dockerfile", "src", "tests"];

fn main() -> io::Result<()> {
    let root = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default().join("..");
    let root = root.canonicalize()?;
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for folder in ["services", "templates/init"] {
        println!("cargo::rerun-if-changed={}", root.join(folder).display());
        collect(&root.join(folder), &mut files, folder.strip_prefix("templates/init").unwrap_or(folder))?;
    }
    for name in SHARED {
        println!("cargo::rerun-if-changed={}", root.join(name).display());
        files.push((name.to_owned(), root.join(name)));
    }
    files.sort();
    let mut table = String::from("&[\n");
    for (name, path) in &files {
        let _ = writeln!(table, "    ({name:?}, include_bytes!({:?})),", path.display().to_string());
    }
    table.push(']');
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    fs::write(out.join("scaffold.rs"), table)
}

fn collect(folder: &Path, files: &mut Vec<(String, PathBuf)>, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // What a run or an editor leaves beside the sources is no part of a shop.
        let is_package = folder.join("Cargo.toml").is_file();
        if name.starts_with('.') || (is_package && !PARTS.contains(&name.as_str())) {
            continue;
        }
        let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), files, &name)?;
        } else {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}
