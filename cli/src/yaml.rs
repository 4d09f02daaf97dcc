//! The one place that knows which library reads and writes YAML.

use std::fmt;

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

/// A mistake in a file, shown with its line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Mistake {
    file: String,
    error: YamlError,
    line: Option<String>,
}

impl Mistake {
    /// Returns the mistake that `error` is in `text`, which was read from `file`.
    #[must_use]
    pub fn new(file: &str, text: &str, error: YamlError) -> Self {
        let line = error.position.and_then(|at| text.lines().nth(at.line.checked_sub(1)?));
        Self { file: file.to_owned(), line: line.map(redacted), error }
    }

    /// Returns what is wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.error.message
    }
}

/// Returns a line without what may be a password: the part of a URL between `://` and `@`.
fn redacted(line: &str) -> String {
    let mut shown = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let authority = after.find(['/', ' ', '"', '\'']).unwrap_or(after.len());
        rest = match after[..authority].rfind('@') {
            Some(at) => {
                shown.push_str("***");
                &after[at..]
            }
            None => after,
        };
    }
    shown + rest
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, error, line } = self;
        let Some(Position { line: number, column }) = error.position else {
            return write!(f, "`{file}`: {error}");
        };
        write!(f, "`{file}`, line {number}, column {column}: {error}")?;
        let Some(line) = line else { return Ok(()) };
        let margin = " ".repeat(number.to_string().len());
        let before = " ".repeat(column.saturating_sub(1));
        write!(f, "\n {margin} |\n {number} | {line}\n {margin} | {before}^")
    }
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
