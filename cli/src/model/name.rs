//! Names that Kubernetes takes, checked once.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::scalar::deserialize_text;

/// Longest label of RFC 1035, and so the longest Service name.
pub const MAX_LABEL: usize = 63;

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no valid name: it must start with a lowercase letter and go on with lowercase letters, digits \
     and `-`, with no `-` at the end and at most 63 characters"
)]
pub struct NameError(String);

fn check(text: String) -> Result<String, NameError> {
    let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
    let goes_on = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if starts && goes_on && !text.ends_with('-') && text.len() <= MAX_LABEL {
        Ok(text)
    } else {
        Err(NameError(text))
    }
}

/// A label of RFC 1035 (<https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>).
macro_rules! label {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = "^[a-z]([-a-z0-9]*[a-z0-9])?$", "maxLength" = 63))]
        pub struct $name(String);

        impl $name {
            /// Returns the name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                check(text).map(Self)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        deserialize_text!($name);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

label! {
    /// The name of the platform, and of its namespace.
    PlatformName
}
label! {
    /// The name of a service, of its folder under `services/`, and of its Kubernetes objects.
    ServiceName
}
label! {
    /// The name of an environment, and of its folder under `generated/`.
    EnvironmentName
}

/// The name of an environment variable of a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[A-Za-z_][A-Za-z0-9_]*$"))]
pub struct VariableName(String);

impl VariableName {
    /// Returns the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for VariableName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        if text.bytes().next().is_some_and(|b| !b.is_ascii_digit()) && text.bytes().all(word) {
            Ok(Self(text))
        } else {
            Err(format!(
                "`{text}` is no valid variable name: it must be letters, digits and `_`, no digit first"
            ))
        }
    }
}

deserialize_text!(VariableName);

impl From<VariableName> for String {
    fn from(name: VariableName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_labels_and_nothing_else() {
        for good in ["a", "cart-service", "a1", &"a".repeat(63)] {
            assert!(good.parse::<ServiceName>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "1a", "A", "a_b", "a.b", "ä", "a\n", &"a".repeat(64)] {
            assert!(bad.parse::<ServiceName>().is_err(), "{bad}");
        }
    }
}
