//! The files of a new shop: this workspace without its command line.

use toml_edit::{DocumentMut, Item};

use crate::model::git_url::GitUrl;
use crate::model::image::Registry;
use crate::model::tree::RenderedTree;
use crate::yaml;

/// Path and content of what was put into the binary (see `build.rs`).
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/scaffold.rs"));

/// What a new shop is told.
#[derive(Clone, Debug, Default)]
pub struct ScaffoldOptions {
    /// Where its images are pushed to.
    pub registry: Option<Registry>,
    /// The repository that Argo CD reads.
    pub git_url: Option<GitUrl>,
}

/// The workspace's own manifest is not what a scaffold can be made of: a defect of ecomctl.
#[derive(Debug, thiserror::Error)]
#[error("failed to make the workspace manifest of a new shop")]
pub struct ScaffoldError(#[from] toml_edit::TomlError);

/// Returns the files of a new shop. Its `Cargo.lock` still has what only the command line needs.
///
/// # Errors
/// See [`ScaffoldError`].
pub fn scaffold(options: &ScaffoldOptions) -> Result<RenderedTree, ScaffoldError> {
    let mut tree = RenderedTree::new();
    for (path, content) in FILES {
        let text = String::from_utf8_lossy(content);
        let (path, content) = match *path {
            "gitignore" => (".gitignore", content.to_vec()),
            "Cargo.toml" => ("Cargo.toml", workspace_manifest(&text)?.into_bytes()),
            "ecomctl.yaml" => ("ecomctl.yaml", spec(&text, options).into_bytes()),
            path => (path, content.to_vec()),
        };
        tree.insert(path.to_owned(), content);
    }
    Ok(tree)
}

/// Returns the manifest with the services alone and only what they depend on.
fn workspace_manifest(text: &str) -> Result<String, ScaffoldError> {
    let mut manifest: DocumentMut = text.parse()?;
    let mut used = Vec::new();
    for (path, content) in FILES {
        if path.starts_with("services/") && path.ends_with("/Cargo.toml") {
            let package: DocumentMut = String::from_utf8_lossy(content).parse()?;
            for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
                let table = package.get(section).and_then(Item::as_table);
                used.extend(table.iter().flat_map(|table| table.iter().map(|(name, _)| name.to_owned())));
            }
        }
    }
    if let Some(workspace) = manifest.get_mut("workspace").and_then(Item::as_table_mut) {
        workspace.insert("members", toml_edit::value(toml_edit::Array::from_iter(["services/*"])));
        workspace.remove("default-members");
        if let Some(dependencies) = workspace.get_mut("dependencies").and_then(Item::as_table_mut) {
            dependencies.retain(|name, _| used.iter().any(|used| used == name));
        }
    }
    Ok(manifest.to_string())
}

fn spec(template: &str, options: &ScaffoldOptions) -> String {
    let registry = match &options.registry {
        Some(registry) => format!("\nregistry: {}", yaml::scalar(&String::from(registry.clone()))),
        None => "\n# Where images are pushed to; without it they are loaded into a local cluster.\n\
                 # registry: docker.io/you"
            .to_owned(),
    };
    let git = match &options.git_url {
        Some(url) => format!("\ngit:\n  url: {}\n", yaml::scalar(url.as_str())),
        None => "\n# The repository that Argo CD reads; without it, one inside the cluster.\n\
                 # git:\n#   url: https://github.com/you/shop.git\n"
            .to_owned(),
    };
    template.replace("{registry}", &registry).replace("{git}", &git)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::spec::PlatformSpec;

    fn spec_of(options: &ScaffoldOptions) -> PlatformSpec {
        let tree = scaffold(options).unwrap();
        yaml::parse(std::str::from_utf8(&tree["ecomctl.yaml"]).unwrap()).unwrap()
    }

    #[test]
    fn the_spec_says_what_was_asked_for() {
        let options = ScaffoldOptions {
            registry: Some("docker.io/you".parse().unwrap()),
            git_url: Some("git@github.com:you/shop.git".parse().unwrap()),
        };
        let spec = spec_of(&options);
        assert_eq!(spec.registry, options.registry);
        assert_eq!(spec.git.url, options.git_url);
        let bare = spec_of(&ScaffoldOptions::default());
        assert_eq!((bare.registry, bare.git.url), (None, None));
        assert_eq!(bare.services.len(), 3);
    }

    #[test]
    fn the_manifest_is_without_the_command_line() {
        let tree = scaffold(&ScaffoldOptions::default()).unwrap();
        let manifest = std::str::from_utf8(&tree["Cargo.toml"]).unwrap();
        assert!(manifest.contains("members = [\"services/*\"]"), "{manifest}");
        assert!(manifest.contains("axum ="), "{manifest}");
        assert!(!manifest.contains("kube"), "{manifest}");
        assert!(tree.contains_key("services/order-service/src/main.rs"));
        assert!(tree.keys().all(|path| !path.starts_with("cli/")));
    }
}
