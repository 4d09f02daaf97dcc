//! From typed objects to files and to one stream.

use crate::model::manifests::{Manifests, Object};
use crate::model::name::EnvironmentName;
use crate::model::tree::{HEADER, RenderedTree};
use crate::yaml::{self, YamlError};

/// An object that YAML cannot say: a defect of ecomctl.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {kind} `{name}` as YAML")]
pub struct RenderError {
    kind: &'static str,
    name: String,
    source: YamlError,
}

/// Returns the files of an environment.
///
/// # Errors
/// An object cannot be written.
pub fn render_tree(
    manifests: &Manifests,
    environment: &EnvironmentName,
) -> Result<RenderedTree, RenderError> {
    let mut tree = RenderedTree::new();
    for component in &manifests.components {
        for object in &component.objects {
            let (kind, name) = (object.kind(), object.name());
            let path = format!("generated/{environment}/{}/{kind}-{name}.yaml", component.name);
            tree.insert(path, document(HEADER, object)?);
        }
    }
    let mut entry = Vec::new();
    for object in &manifests.entry {
        let before = if entry.is_empty() { HEADER } else { SEPARATOR };
        entry.extend(document(before, object)?);
    }
    tree.insert(format!("argocd/{environment}.yaml"), entry);
    Ok(tree)
}

const SEPARATOR: &str = "---\n";

/// Returns all objects as one YAML stream, in the order of applying: what runs, then what tells Argo CD of it,
/// the project before the Applications that name it.
///
/// # Errors
/// An object cannot be written.
pub fn stream(manifests: &Manifests) -> Result<Vec<u8>, RenderError> {
    let mut stream = Vec::new();
    let is_application = |object: &&Object| matches!(object, Object::Application(_));
    let running = manifests.objects().filter(|object| !is_application(object));
    let children = manifests.objects().filter(is_application);
    for object in running.chain(&manifests.entry).chain(children) {
        stream.extend(document(SEPARATOR, object)?);
    }
    Ok(stream)
}

fn document(before: &str, object: &Object) -> Result<Vec<u8>, RenderError> {
    let mut document = Vec::with_capacity(4096);
    document.extend_from_slice(before.as_bytes());
    yaml::write(&mut document, object).map_err(|source| RenderError {
        kind: object.kind(),
        name: object.name().to_owned(),
        source,
    })?;
    Ok(document)
}
