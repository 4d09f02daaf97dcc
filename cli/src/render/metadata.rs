//! Names, namespaces, labels and annotations: the one place that makes them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::model::labels;
use crate::model::resolve::ResolvedPlatform;

/// Keeps Argo CD from deleting data before somebody has confirmed it
/// (<https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/>).
pub(super) const KEEP: (&str, &str) = ("argocd.argoproj.io/sync-options", "Prune=confirm,Delete=confirm");

/// Returns the labels of an object (<https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>).
pub(super) fn labels(platform: &ResolvedPlatform, name: &str) -> BTreeMap<String, String> {
    let mut all = selector(platform, name);
    all.insert(labels::MANAGED_BY.to_owned(), labels::ECOMCTL.to_owned());
    all
}

/// Returns the labels that never change, by which pods are selected.
pub(super) fn selector(platform: &ResolvedPlatform, name: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        (labels::NAME.to_owned(), name.to_owned()),
        (labels::PART_OF.to_owned(), platform.name.to_string()),
    ])
}

/// Returns the metadata of an object in the platform's namespace, whose labels say that it is `of` something.
pub(super) fn namespaced(platform: &ResolvedPlatform, name: &str, of: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(platform.namespace()),
        labels: Some(labels(platform, of)),
        ..ObjectMeta::default()
    }
}

/// Returns annotations, or nothing when there are none.
pub(super) fn annotations<const N: usize>(pairs: [(&str, &str); N]) -> Option<BTreeMap<String, String>> {
    let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
    (N > 0).then(|| BTreeMap::from(pairs))
}
