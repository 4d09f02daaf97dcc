//! From typed objects to files and to one stream.

use std::num::NonZero;
use std::thread;

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
    let files: Vec<(String, &Object)> = manifests
        .components
        .iter()
        .flat_map(|component| {
            component.objects.iter().map(|object| {
                let (kind, name) = (object.kind(), object.name());
                (format!("generated/{environment}/{}/{kind}-{name}.yaml", component.name), object)
            })
        })
        .collect();
    let documents = documents(HEADER, &files.iter().map(|(_, object)| *object).collect::<Vec<_>>())?;
    let mut tree: RenderedTree = files.into_iter().map(|(path, _)| path).zip(documents).collect();
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
    let is_application = |object: &&Object| matches!(object, Object::Application(_));
    let running = manifests.objects().filter(|object| !is_application(object));
    let children = manifests.objects().filter(is_application);
    let objects: Vec<&Object> = running.chain(&manifests.entry).chain(children).collect();
    Ok(documents(SEPARATOR, &objects)?.concat())
}

/// Objects that one thread writes at least; fewer are written faster than threads start.
const OBJECTS_A_THREAD: usize = 200;

/// Returns a document for each of `objects`, in their order, written by as many threads as the machine has.
fn documents(before: &str, objects: &[&Object]) -> Result<Vec<Vec<u8>>, RenderError> {
    let write = |objects: &[&Object]| -> Result<Vec<Vec<u8>>, RenderError> {
        objects.iter().map(|object| document(before, object)).collect()
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = objects.len().div_ceil(threads).max(OBJECTS_A_THREAD);
    thread::scope(|scope| {
        let mut shares = objects.chunks(share);
        let own = shares.next().unwrap_or_default();
        let others: Vec<_> = shares.map(|share| scope.spawn(|| write(share))).collect();
        let mut documents = write(own)?;
        for other in others {
            documents.extend(other.join().expect("writing a document does not panic")?);
        }
        Ok(documents)
    })
}

fn document(before: &str, object: &Object) -> Result<Vec<u8>, RenderError> {
    let mut document = Vec::with_capacity(1024);
    document.extend_from_slice(before.as_bytes());
    yaml::write(&mut document, object).map_err(|source| RenderError {
        kind: object.kind(),
        name: object.name().to_owned(),
        source,
    })?;
    Ok(document)
}
