//! Money in whole cents. JSON shows it as a number with two decimals, and no floating point is involved.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount of money in cents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cents(i64);

/// Why a text is no amount of money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseCentsError {
    /// The text is no plain decimal number such as `199.98`.
    #[error("must be a plain decimal number such as 199.98")]
    NotDecimal,
    /// The amount does not fit.
    #[error("must be below 10000000000000")]
    TooLarge,
}

/// Largest amount that is read: far below what overflows, far above what a shop sells.
const MAX: i64 = 1_000_000_000_000_000;

impl Cents {
    /// Nothing to pay.
    pub const ZERO: Self = Self(0);

    /// Returns an amount of `cents`.
    #[must_use]
    pub const fn new(cents: i64) -> Self {
        Self(cents)
    }

    /// Returns the number of cents.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Returns the amount `quantity` times, or `None` when it does not fit.
    #[must_use]
    pub fn checked_mul(self, quantity: u32) -> Option<Self> {
        self.0.checked_mul(i64::from(quantity)).map(Self)
    }

    /// Returns the sum, or `None` when it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

impl FromStr for Cents {
    type Err = ParseCentsError;

    /// Reads a decimal number without exponent. What is beyond two decimals is rounded, half away from zero.
    fn from_str(text: &str) -> Result<Self, ParseCentsError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(ParseCentsError::NotDecimal);
        }
        let whole: i64 = whole.parse().map_err(|_| ParseCentsError::TooLarge)?;
        let digit = |at: usize| fraction.as_bytes().get(at).map_or(0, |b| i64::from(b - b'0'));
        let rounding = i64::from(digit(2) >= 5);
        let cents = whole
            .checked_mul(100)
            .and_then(|c| c.checked_add(digit(0) * 10 + digit(1) + rounding))
            .filter(|c| *c < MAX)
            .ok_or(ParseCentsError::TooLarge)?;
        Ok(Self(if negative { -cents } else { cents }))
    }
}

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Cents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        raw.get().parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_shows_two_decimals() {
        let json = serde_json::to_string(&[Cents::new(99_999), Cents::ZERO, Cents::new(-5)]).unwrap();
        assert_eq!(json, "[999.99,0.00,-0.05]");
    }

    #[test]
    fn reads_what_clients_send() {
        let cases = [
            ("199.98", 19_998),
            ("0", 0),
            ("200", 20_000),
            ("0.1", 10),
            ("0.30000000000000004", 30),
            ("0.005", 1),
            ("-1.5", -150),
        ];
        for (text, cents) in cases {
            assert_eq!(serde_json::from_str::<Cents>(text).unwrap(), Cents::new(cents), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in
            ["\"199.98\"", "1e2", "null", "true", "[]", "{}", "99999999999999999999", "10000000000000"]
        {
            assert!(serde_json::from_str::<Cents>(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(cents in -MAX + 1..MAX) {
            let json = serde_json::to_string(&Cents::new(cents)).unwrap();
            prop_assert_eq!(serde_json::from_str::<Cents>(&json).unwrap(), Cents::new(cents));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = text.parse::<Cents>();
        }
    }
}
