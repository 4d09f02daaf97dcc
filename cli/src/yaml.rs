//! The one place that knows which library reads and writes YAML.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

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

/// Returns the values of all YAML documents of a text; empty ones are left out.
///
/// # Errors
/// A document is no YAML, or has another shape than `T`.
pub fn documents<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, YamlError> {
    let mut values = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let value: Option<T> = Deserialize::deserialize(document)
            .map_err(|error| YamlError { message: error.to_string(), position: None })?;
        values.extend(value);
    }
    Ok(values)
}

/// Appends `value` as one YAML document without a separator. Texts are quoted where YAML 1.1 would take them for
/// something else: Kubernetes and Argo CD read by its rules (<https://yaml.org/type/>), `serde_yaml`
/// writes by those of 1.2.
///
/// # Errors
/// `value` has something that YAML cannot say.
pub fn write<T: Serialize>(into: &mut Vec<u8>, value: &T) -> Result<(), YamlError> {
    let failed = |error: serde_yaml::Error| YamlError { message: error.to_string(), position: None };
    let start = into.len();
    serde_yaml::to_writer(&mut *into, value).map_err(failed)?;
    let written = String::from_utf8_lossy(&into[start..]);
    if !written.lines().any(may_be_retyped) {
        return Ok(());
    }
    if written.contains(MARK) {
        let message = format!("the character U+{:04X} cannot be written", u32::from(MARK));
        return Err(YamlError { message, position: None });
    }
    let mut value = serde_yaml::to_value(value).map_err(failed)?;
    mark(&mut value);
    into.truncate(start);
    let marked = serde_yaml::to_string(&value).map_err(failed)?;
    into.extend_from_slice(marked.replace(MARK, "'").as_bytes());
    Ok(())
}

/// Stands for a quote while `serde_yaml` writes: a character of the private use area, which is written as it is.
const MARK: char = '\u{e000}';

/// Whether a line has a plain scalar that YAML 1.1 would retype. A line within a text may look like one.
fn may_be_retyped(line: &str) -> bool {
    let mut rest = line.trim_start_matches(' ');
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item;
    }
    // Every line that is written passes here: what has neither a short word nor a digit in place is let go at once.
    let begins_numeric =
        |text: &str| text.bytes().next().is_some_and(|b| b.is_ascii_digit() || b"+-.".contains(&b));
    let last = rest.rsplit(' ').next().unwrap_or_default();
    let short_key = rest.bytes().take(4).any(|b| b == b':');
    if last.len() > 3 && !short_key && !begins_numeric(last) && !begins_numeric(rest) {
        return false;
    }
    match rest.split_once(": ") {
        Some((key, value)) => is_retyped(key) || is_retyped(value),
        None => is_retyped(rest.strip_suffix(':').unwrap_or(rest)),
    }
}

/// Whether YAML 1.1 takes a text for a boolean, a merge key, a number, a date or a time, which YAML 1.2 does not.
fn is_retyped(text: &str) -> bool {
    const WORDS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "<<", "="];
    let bytes = text.as_bytes();
    if bytes.len() <= 3 && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return true;
    }
    let numeric = bytes.first().is_some_and(|first| first.is_ascii_digit() || b"+-.".contains(first));
    let digits = |b: &u8| b.is_ascii_hexdigit() || b"_:.+-xXoTtZz ".contains(b);
    let special = || bytes[1..].iter().any(|b| b"_:-".contains(b)) || bytes.starts_with(b"0");
    // With these it is quoted anyway.
    let quoted = || text.contains(": ") || text.ends_with([':', ' ']);
    numeric && bytes.len() > 1 && bytes.iter().all(digits) && special() && !quoted()
}

/// Puts [`MARK`]s around all texts that YAML 1.1 would retype.
fn mark(value: &mut serde_yaml::Value) {
    match value {
        serde_yaml::Value::String(text) if is_retyped(text) => *text = format!("{MARK}{text}{MARK}"),
        serde_yaml::Value::Sequence(items) => items.iter_mut().for_each(mark),
        serde_yaml::Value::Mapping(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(mut key, mut value)| {
                    mark(&mut key);
                    mark(&mut value);
                    (key, value)
                })
                .collect();
        }
        _ => {}
    }
}

/// Returns `text` as a YAML scalar, quoted where it has to be.
#[must_use]
pub fn scalar(text: &str) -> String {
    serde_yaml::to_string(text).map_or_else(|_| format!("{text:?}"), |yaml| yaml.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn written(value: &impl Serialize) -> String {
        let mut bytes = Vec::new();
        write(&mut bytes, value).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn what_yaml_1_1_retypes_is_quoted() {
        let retyped = [
            "y",
            "N",
            "yes",
            "No",
            "ON",
            "off",
            "<<",
            "=",
            "1_000",
            "0o17",
            "017",
            "12:30:45",
            "190:20:30",
            "2001-01-01",
            "2001-12-14t21:59:43.10-05:00",
            "+1_0",
            "0x_1f",
        ];
        for text in retyped {
            assert_eq!(written(&BTreeMap::from([("key", text)])), format!("key: '{text}'\n"));
            assert_eq!(written(&[text]), format!("- '{text}'\n"));
            assert_eq!(written(&BTreeMap::from([(text, "value")])), format!("'{text}': value\n"));
        }
    }

    #[test]
    fn what_it_takes_as_text_is_plain() {
        for text in [
            "yess",
            "100m",
            "128Mi",
            "cart-service",
            "sha256:abc",
            "http://product-service",
            "a: b".trim_end_matches(": b"),
        ] {
            assert_eq!(written(&BTreeMap::from([("key", text)])), format!("key: {text}\n"));
        }
    }

    #[test]
    fn numbers_are_no_texts() {
        assert_eq!(written(&BTreeMap::from([("limit", -1)])), "limit: -1\n");
        assert!(!may_be_retyped("    limit: -1") && !may_be_retyped("  port: 80") && may_be_retyped("- 1_0"));
    }

    #[test]
    fn lines_within_a_text_stay_as_they_are() {
        let value = BTreeMap::from([("a", "no: yes\non\n"), ("b", "off")]);
        let text = written(&value);
        assert_eq!(parse::<BTreeMap<String, String>>(&text).unwrap()["a"], "no: yes\non\n");
        assert!(text.ends_with("b: 'off'\n"), "{text}");
    }
}
