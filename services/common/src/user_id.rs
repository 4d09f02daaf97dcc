//! The name of a customer, as clients send it in paths and bodies.

use std::fmt;

use serde::Serialize;

use crate::error::ApiError;

/// Longest user id that is taken, in bytes.
pub const MAX_LENGTH: usize = 64;

/// A customer's id: 1 to 64 letters, digits and `. _ @ + : -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct UserId(String);

impl UserId {
    /// Returns the id.
    ///
    /// # Errors
    /// 422 naming `user_id` when it is empty, too long or has another character.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        if text.is_empty() || text.len() > MAX_LENGTH {
            return Err(ApiError::invalid("user_id", format!("must have 1 to {MAX_LENGTH} characters")));
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._@+:-".contains(&b);
        if !text.bytes().all(allowed) {
            return Err(ApiError::invalid("user_id", "must consist of letters, digits and . _ @ + : -"));
        }
        Ok(Self(text.to_owned()))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
