//! Amounts of CPU, memory and storage as Kubernetes writes them.

use schemars::JsonSchema;
use serde::Serialize;

use super::scalar::deserialize_text;

/// An amount such as `100m`, `0.5`, `128Mi` or `1Gi`
/// (<https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/>), at least one thousandth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = "^[0-9]+(\\.[0-9]{1,3})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"))]
pub struct Quantity {
    text: String,
    /// Thousandths of a unit.
    milli: u128,
}

const SUFFIXES: [(&str, u128); 9] = [
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("", 1),
];

impl Quantity {
    /// Returns the amount as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns whether this is more than `other`.
    #[must_use]
    pub fn exceeds(&self, other: &Self) -> bool {
        self.milli > other.milli
    }
}

/// Returns thousandths of a core; 0 for what is no amount.
#[must_use]
pub fn cpu_in_milli(text: &str) -> u64 {
    parse(text).and_then(|milli| u64::try_from(milli).ok()).unwrap_or_default()
}

/// Returns bytes; 0 for what is no amount.
#[must_use]
pub fn memory_in_bytes(text: &str) -> u64 {
    parse(text).and_then(|milli| u64::try_from(milli / 1000).ok()).unwrap_or_default()
}

/// Returns thousandths.
fn parse(text: &str) -> Option<u128> {
    if let Some(milli) = text.strip_suffix('m') {
        return digits(milli);
    }
    let (number, unit) =
        SUFFIXES.iter().find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if !(1..=3).contains(&fraction.len()) {
        return None;
    }
    let fraction = digits(&format!("{fraction:0<3}"))?;
    Some((digits(whole)? * 1000 + fraction) * unit)
}

fn digits(text: &str) -> Option<u128> {
    // Twelve digits are far above any node, and far below what overflows.
    let valid = (1..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| text.parse().ok()).flatten()
}

impl TryFrom<String> for Quantity {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match parse(&text) {
            Some(milli) if milli > 0 => Ok(Self { text, milli }),
            _ => Err(format!("`{text}` is no valid amount: it must be like `100m`, `0.5`, `128Mi` or `1Gi`")),
        }
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.text
    }
}

deserialize_text!(Quantity);

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity {
        Quantity::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn compares_amounts_not_texts() {
        assert!(quantity("0.2").exceeds(&quantity("100m")));
        assert!(quantity("1Gi").exceeds(&quantity("128Mi")));
        assert!(quantity("1Gi").exceeds(&quantity("1G")));
        assert!(!quantity("1").exceeds(&quantity("1000m")));
        assert_eq!(parse("1"), parse("1000m"));
        assert_eq!(parse("1.5Gi"), parse("1536Mi"));
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for bad in ["", "0", "0m", "m", "1.", ".5", "1.2345", "-1", "1e3", "1 Gi", "1gi", "9999999999999"] {
            assert!(Quantity::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
