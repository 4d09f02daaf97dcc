//! From the text of `ecomctl.yaml` to a checked spec, or to a mistake that says where it is.

use std::fmt;

use super::rules::{self, Broken};
use super::spec::PlatformSpec;
use crate::yaml::{self, Mistake};

/// A mistake in `ecomctl.yaml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpecError {
    /// The text is no YAML, or has a field or value that is not taken.
    Syntax(Mistake),
    /// Rules that span fields are broken.
    Rules {
        /// The file, as the user knows it.
        file: String,
        /// Which, at least one.
        broken: Vec<Broken>,
    },
}

impl std::error::Error for SpecError {}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(mistake) => mistake.fmt(f),
            Self::Rules { file, broken } => {
                write!(f, "`{file}` breaks {}", plural(broken.len(), "rule"))?;
                for rule in broken {
                    write!(f, "\n  {rule}")?;
                    if let (Some(hint), true) = (&rule.hint, broken.len() > 1) {
                        write!(f, " ({hint})")?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// Returns `1 rule`, `2 rules`.
fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("{count} {noun}") } else { format!("{count} {noun}s") }
}

impl SpecError {
    /// Returns what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Syntax(mistake) => Some(syntax_hint(mistake.message())),
            Self::Rules { broken, .. } => match broken.as_slice() {
                [one] => one.hint.clone(),
                _ => None,
            },
        }
    }
}

/// Returns the spec of `text`, which was read from `file`.
///
/// # Errors
/// See [`SpecError`].
pub fn parse_spec(file: &str, text: &str) -> Result<PlatformSpec, SpecError> {
    let spec: PlatformSpec =
        yaml::parse(text).map_err(|error| SpecError::Syntax(Mistake::new(file, text, error)))?;
    let broken = rules::check(&spec);
    if broken.is_empty() { Ok(spec) } else { Err(SpecError::Rules { file: file.to_owned(), broken }) }
}

/// serde lists what it would have taken (``unknown field `prot`, expected one of `port`, `path` ``): the nearest is
/// what was meant.
fn syntax_hint(message: &str) -> String {
    let unknown = message.find("unknown field `").or_else(|| message.find("unknown variant `"));
    if let Some(at) = unknown {
        let mut words = message[at..].split('`').skip(1).step_by(2);
        let wrong = words.next().unwrap_or_default();
        let near = words
            .map(|word| (strsim::damerau_levenshtein(wrong, word), word))
            .filter(|(distance, word)| *distance <= word.len().max(3) / 2)
            .min();
        if let Some((_, word)) = near {
            return format!("did you mean `{word}`?");
        }
    }
    "`ecomctl schema` prints every field with its type".to_owned()
}
