//! Ports and paths.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::scalar::{self, deserialize_text};

/// How far the admin listener of a service is from its API.
pub const ADMIN_OFFSET: u16 = 1000;

/// The port on which a service serves its API; its admin listener is at this port plus 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(try_from = "u64", into = "u64")]
#[schemars(extend("minimum" = 1024, "maximum" = 64535))]
pub struct Port(u16);

impl Port {
    /// Returns the number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }

    /// Returns the port of the admin listener.
    #[must_use]
    pub fn admin(self) -> u16 {
        self.0 + ADMIN_OFFSET
    }
}

impl TryFrom<u64> for Port {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        u16::try_from(number)
            .ok()
            .filter(|port| (1024..=u16::MAX - ADMIN_OFFSET).contains(port))
            .map(Self)
            .ok_or_else(|| format!("port `{number}` is not within 1024 and 64535"))
    }
}

impl<'de> Deserialize<'de> for Port {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        scalar::number(deserializer)
    }
}

impl From<Port> for u64 {
    fn from(port: Port) -> Self {
        port.0.into()
    }
}

/// A path prefix on the gateway, such as `/products`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^(/[A-Za-z0-9._~-]+)+$"))]
pub struct RoutePath(String);

impl RoutePath {
    /// Returns the path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RoutePath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._~-".contains(&b);
        let segment = |part: &str| !part.is_empty() && part.bytes().all(plain);
        if text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment)) {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is no valid path: it must be like `/products`, with no `/` at the end"))
        }
    }
}

impl From<RoutePath> for String {
    fn from(path: RoutePath) -> Self {
        path.0
    }
}

/// A DNS name that the gateway answers to, such as `shop.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"))]
pub struct HostName(String);

impl HostName {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for HostName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let label = |part: &str| {
            (1..=63).contains(&part.len())
                && part.bytes().all(plain)
                && !part.starts_with('-')
                && !part.ends_with('-')
        };
        if text.len() <= 253 && text.split('.').all(label) {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is no valid host name: it must be like `shop.example.com`, without a port"))
        }
    }
}

impl From<HostName> for String {
    fn from(host: HostName) -> Self {
        host.0
    }
}

deserialize_text!(RoutePath, HostName);
