//! What an image is built from. The digest of it is the image's tag: the same inputs give the same image, and what is
//! no input (manifests, the lock, the clock) cannot change it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::image::{Digest, Tag};

/// The inputs of an image: what each is called to what it is, a digest or a short text. Sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inputs(BTreeMap<String, String>);

/// An input that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What it is called.
    pub input: String,
    /// What it was; absent when it is new.
    pub was: Option<String>,
    /// What it is; absent when it is gone.
    pub is: Option<String>,
}

impl Inputs {
    /// Adds an input.
    pub fn insert(&mut self, input: impl Into<String>, value: impl Into<String>) {
        self.0.insert(input.into(), value.into());
    }

    /// Returns the digest of all of them.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut bytes = Vec::new();
        for text in self.0.iter().flat_map(|(input, value)| [input, value]) {
            // With its length, so that no two lists of inputs look alike.
            bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
            bytes.extend_from_slice(text.as_bytes());
        }
        Digest::of(&bytes)
    }

    /// Returns the tag of the image that is built from them.
    #[must_use]
    pub fn tag(&self) -> Tag {
        Tag::of_inputs(&self.digest())
    }

    /// Returns what differs from `before`, by name.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<Change> {
        let names: BTreeSet<&String> = self.0.keys().chain(before.0.keys()).collect();
        let changes = names.into_iter().map(|input| Change {
            input: input.clone(),
            was: before.0.get(input).cloned(),
            is: self.0.get(input).cloned(),
        });
        changes.filter(|change| change.was != change.is).collect()
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let input = &self.input;
        match (&self.was, &self.is) {
            (Some(was), Some(is)) if is_opaque(was) || is_opaque(is) => match (mode(was), mode(is)) {
                (Some(was), Some(is)) if was != is => write!(f, "{input}: mode {was} -> {is}"),
                _ => write!(f, "{input}: changed"),
            },
            (Some(was), Some(is)) => write!(f, "{input}: {was} -> {is}"),
            (None, Some(is)) if is_opaque(is) => write!(f, "{input}: new"),
            (None, Some(is)) => write!(f, "{input}: new, {is}"),
            _ => write!(f, "{input}: gone"),
        }
    }
}

/// Whether a value says nothing to people.
fn is_opaque(value: &str) -> bool {
    value.contains("sha256:")
}

/// Returns the mode of a file, whose value is `<mode> <digest>`.
fn mode(value: &str) -> Option<&str> {
    value.split_once(' ').map(|(mode, _)| mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs(pairs: &[(&str, &str)]) -> Inputs {
        let mut inputs = Inputs::default();
        for (input, value) in pairs {
            inputs.insert(*input, *value);
        }
        inputs
    }

    #[test]
    fn the_order_of_insertion_does_not_matter_and_borders_do() {
        assert_eq!(inputs(&[("a", "1"), ("b", "2")]).digest(), inputs(&[("b", "2"), ("a", "1")]).digest());
        assert_ne!(inputs(&[("ab", "c")]).digest(), inputs(&[("a", "bc")]).digest());
    }

    #[test]
    fn changes_are_told_in_words() {
        let digest = Digest::of(b"").to_string();
        let before = inputs(&[
            ("src/a.rs", &format!("100644 {digest}")),
            ("src/b.rs", &format!("100644 {digest}")),
            ("rustc", "rustc 1.94.0"),
            ("crate axum 0.8.1", &digest),
        ]);
        let after = inputs(&[
            ("src/a.rs", &format!("100755 {digest}")),
            ("src/c.rs", &format!("100644 {digest}")),
            ("rustc", "rustc 1.95.0"),
            ("crate axum 0.8.2", &digest),
        ]);
        let told: Vec<String> = after.changes_since(&before).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "crate axum 0.8.1: gone",
                "crate axum 0.8.2: new",
                "rustc: rustc 1.94.0 -> rustc 1.95.0",
                "src/a.rs: mode 100644 -> 100755",
                "src/b.rs: gone",
                "src/c.rs: new",
            ]
        );
        assert_eq!(after.changes_since(&after), []);
    }
}
