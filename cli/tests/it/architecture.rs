//! The import rules of docs/ARCHITECTURE.md, read from the source.

use std::fs;
use std::path::{Path, PathBuf};

use crate::context::repository;

/// Returns path from `cli/src` and text of every source file.
fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let root = repository().join("cli/src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found
        .iter()
        .map(|path| {
            (path.strip_prefix(&root).unwrap().display().to_string(), fs::read_to_string(path).unwrap())
        })
        .collect()
}

#[test]
fn layers_import_downwards_only() {
    let forbidden = [
        ("model/", &["commands", "plan", "render", "adapters", "printer", "settings", "cli"][..]),
        ("render/", &["commands", "plan", "adapters", "printer", "settings", "cli"]),
        ("plan/", &["commands", "render", "adapters", "printer", "settings", "cli"]),
        ("adapters/", &["commands", "plan", "render", "printer", "settings", "cli"]),
        ("yaml.rs", &["commands", "plan", "render", "adapters", "model"]),
    ];
    let mut checked = 0;
    for (path, text) in sources() {
        for (layer, names) in forbidden {
            if path.starts_with(layer) {
                checked += 1;
                for name in names {
                    assert!(!text.contains(&format!("crate::{name}::")), "{path} uses crate::{name}");
                }
            }
        }
    }
    assert!(checked > 25, "only {checked} files were looked at");
}

#[test]
fn every_vendor_has_one_home() {
    let homes = [
        ("serde_yaml::", "yaml.rs"),
        ("git2::", "adapters/git"),
        ("bollard::", "adapters/docker"),
        ("tar::", "adapters/docker"),
        ("globset::", "adapters/docker"),
        ("indicatif::", "printer"),
        ("ignore::", "adapters/workspace"),
        ("kube::{Api", "adapters/cluster"),
        ("kube::api::", "adapters/cluster"),
        ("kube::runtime::", "adapters/cluster"),
        ("ssh_key::", "adapters/deploy_key"),
        ("listeners::", "adapters/local/ports"),
        ("hyper_rustls::", "adapters/http"),
        ("toml_edit::", "plan/scaffold"),
        ("anstyle::", "printer"),
    ];
    let sources = sources();
    for (vendor, home) in homes {
        let users: Vec<&String> =
            sources.iter().filter(|(_, text)| text.contains(vendor)).map(|(path, _)| path).collect();
        assert!(!users.is_empty(), "nobody uses {vendor}");
        assert!(users.iter().all(|path| path.starts_with(home)), "{vendor} is used by {users:?}");
    }
}

#[test]
fn files_are_read_and_written_in_few_places() {
    let homes = ["adapters/workspace/", "adapters/files.rs", "adapters/local/logs.rs"];
    for (path, text) in sources() {
        let uses = text.contains("std::fs") || text.contains("tokio::fs");
        assert!(!uses || homes.iter().any(|home| path.starts_with(home)), "{path} uses std::fs");
    }
}

#[test]
fn files_are_short() {
    for (path, text) in sources() {
        assert!(text.lines().count() <= 400, "{path} has {} lines: split it by noun", text.lines().count());
    }
}
