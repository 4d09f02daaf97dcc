//! Names of images (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>).

use std::fmt::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::scalar::deserialize_text;

use super::name::ServiceName;

/// The registry and folder that images are pushed to, such as `docker.io/you` or `localhost:5000`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("examples" = ["docker.io/you", "ghcr.io/you/shop", "localhost:5000"]))]
pub struct Registry(String);

/// Where images go that are loaded into a node and never pushed.
const LOADED: &str = "ecomctl.local";

impl Registry {
    /// Returns the registry of images that are loaded into the node: nothing answers there.
    #[must_use]
    pub fn loaded() -> Self {
        Self(LOADED.to_owned())
    }

    /// Returns the host, with its port if it has one.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// Returns where the images of a service are.
    #[must_use]
    pub fn repository(&self, service: &ServiceName) -> Repository {
        Repository(format!("{}/{service}", self.0))
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` is `host[:port][/folder…]`, as the distribution specification has it.
fn is_repository(text: &str) -> bool {
    let mut parts = text.split('/');
    let host = parts.next().unwrap_or_default();
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let host_label = |label: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        !label.is_empty() && label.bytes().all(plain) && !label.starts_with('-') && !label.ends_with('-')
    };
    let folder = |part: &str| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let ends = |b: Option<u8>| b.is_some_and(plain);
        ends(part.bytes().next())
            && ends(part.bytes().last())
            && part.bytes().all(|b| plain(b) || b"._-".contains(&b))
            && !part.contains("..")
    };
    let names_a_host = name == "localhost" || name.contains('.') || port.is_some();
    names_a_host
        && name.split('.').all(host_label)
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
        && parts.all(folder)
        && text.len() <= 200
}

impl TryFrom<String> for Registry {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if is_repository(&text) {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{text}` is no valid registry: it must be a host with a folder, like `docker.io/you` or \
                 `localhost:5000`, without scheme and tag"
            ))
        }
    }
}

impl std::str::FromStr for Registry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.to_owned().try_into()
    }
}

impl From<Registry> for String {
    fn from(registry: Registry) -> Self {
        registry.0
    }
}

/// A repository of images of one service, such as `docker.io/you/cart-service`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository(String);

impl Repository {
    /// Returns the host of the registry, with its port if it has one.
    #[must_use]
    pub fn host(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(host, _)| host)
    }

    /// Returns the name within the registry, without the host.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, path)| path)
    }

    /// Returns the repository as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Repository {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if is_repository(&text) { Ok(Self(text)) } else { Err(format!("`{text}` is no valid repository")) }
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        repository.0
    }
}

/// A tag other than `latest`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

impl Tag {
    /// Returns the tag that shows a package's version; `+` is not allowed in tags and becomes `_`.
    ///
    /// # Errors
    /// The version cannot be a tag.
    pub fn of_version(version: &str) -> Result<Self, String> {
        version.replace('+', "_").try_into()
    }

    /// Returns the tag of an image whose inputs have a digest: its first 16 hexadecimal digits.
    #[must_use]
    pub fn of_inputs(inputs: &Digest) -> Self {
        Self(inputs.hex().chars().take(16).collect())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Tag {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let valid = (1..=128).contains(&text.len())
            && text.bytes().next().is_some_and(word)
            && text.bytes().all(|b| word(b) || b".-".contains(&b));
        if text == "latest" {
            Err("`latest` is no tag that can be deployed: it names another image every day".to_owned())
        } else if valid {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is no valid tag"))
        }
    }
}

impl From<Tag> for String {
    fn from(tag: Tag) -> Self {
        tag.0
    }
}

const PREFIX: &str = "sha256:";

/// A SHA-256 digest, such as `sha256:7be2…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// Returns the digest of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut text = String::from(PREFIX);
        for byte in Sha256::digest(bytes) {
            let _ = write!(text, "{byte:02x}");
        }
        Self(text)
    }

    /// Returns the 64 hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        self.0.strip_prefix(PREFIX).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.strip_prefix(PREFIX).is_some_and(|rest| rest.len() == 64 && rest.bytes().all(hex)) {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is no valid digest: it must be `sha256:` and 64 hexadecimal digits"))
        }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

/// The image that a Deployment runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinnedImage {
    /// An image in a registry: its manifest's digest says which, the tag is for people.
    Pushed {
        /// Where it is.
        repository: Repository,
        /// What people call it.
        tag: Tag,
        /// What it is.
        manifest: Digest,
    },
    /// An image that was loaded into the node: it has no digest in any registry.
    Loaded {
        /// Where it would be.
        repository: Repository,
        /// Its tag.
        tag: Tag,
    },
    /// No image is known yet: the tag is the package's version.
    Unlocked {
        /// Where it will be.
        repository: Repository,
        /// The version of the package.
        tag: Tag,
    },
}

impl fmt::Display for PinnedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pushed { repository, tag, manifest } => {
                write!(f, "{repository}:{tag}@{manifest}")
            }
            Self::Loaded { repository, tag } | Self::Unlocked { repository, tag } => {
                write!(f, "{repository}:{tag}")
            }
        }
    }
}

deserialize_text!(Registry, Repository, Tag, Digest);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries() {
        for good in ["docker.io/you", "ghcr.io/you/shop", "localhost:5000", "localhost", "10.0.0.1:5000/a.b"]
        {
            assert!(good.parse::<Registry>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "you",
            "https://docker.io/you",
            "docker.io/You",
            "docker.io/you:1",
            "docker.io/you/",
            "a:b/c",
            "docker.io//x",
        ] {
            assert!(bad.parse::<Registry>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_repository_has_a_host_and_a_path() {
        let repository = Repository::try_from("localhost:5000/you/cart-service".to_owned()).unwrap();
        assert_eq!((repository.host(), repository.path()), ("localhost:5000", "you/cart-service"));
    }

    #[test]
    fn a_digest_is_that_of_the_bytes() {
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), empty);
        assert_eq!(Tag::of_inputs(&Digest::of(b"")).to_string(), "e3b0c44298fc1c14");
    }

    #[test]
    fn latest_cannot_be_said() {
        assert!(Tag::try_from("latest".to_owned()).is_err());
        assert_eq!(Tag::of_version("1.2.3+build").unwrap().0, "1.2.3_build");
    }
}
