//! The one place that knows which library reads and writes YAML.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Where a text is no YAML, or not of the expected shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct YamlError {
    /// What is wrong, with the path of the field (`services.cart.port: invalid type: …`).
    pub message: String,
    /// Where, counted from 1, if the library knows.
    pub position: Option<Position>,
}

/// A place in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Returns the value of a YAML document.
///
/// # Errors
/// The text is no YAML or has another shape than `T`.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, YamlError> {
    serde_yaml::from_str(text).map_err(|error| {
        let position = error.location().map(|place| Position { line: place.line(), column: place.column() });
        let mut message = error.to_string();
        if let Some(Position { line, column }) = position {
            let suffix = format!(" at line {line} column {column}");
            message = message.strip_suffix(&suffix).unwrap_or(&message).to_owned();
        }
        YamlError { message, position }
    })
}

/// Appends `value` as one YAML document without a separator.
///
/// # Errors
/// `value` has something that YAML cannot say.
pub fn write<T: Serialize>(into: &mut Vec<u8>, value: &T) -> Result<(), YamlError> {
    serde_yaml::to_writer(into, value)
        .map_err(|error| YamlError { message: error.to_string(), position: None })
}

/// Returns `text` as a YAML scalar, quoted where it has to be.
#[must_use]
pub fn scalar(text: &str) -> String {
    serde_yaml::to_string(text).map_or_else(|_| format!("{text:?}"), |yaml| yaml.trim_end().to_owned())
}
