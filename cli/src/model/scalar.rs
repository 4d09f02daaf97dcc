//! Reading checked types from scalars. The check runs where the scalar is visited, so that a mistake is reported at
//! its own line and column, and not at those of the map around it.

use std::fmt::{self, Display};
use std::marker::PhantomData;

use indexmap::IndexMap;
use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

/// Reads a text that `T` checks.
pub(super) fn text<'de, D: Deserializer<'de>, T: TryFrom<String, Error: Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_str(Text(T::try_from))
}

struct Text<F>(F);

impl<T, E: Display, F: FnOnce(String) -> Result<T, E>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<D: Error>(self, text: &str) -> Result<T, D> {
        (self.0)(text.to_owned()).map_err(D::custom)
    }
}

/// Reads a whole number that `T` checks.
pub(super) fn number<'de, D: Deserializer<'de>, T: TryFrom<u64, Error: Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_u64(Number(PhantomData))
}

struct Number<T>(PhantomData<T>);

impl<T: TryFrom<u64, Error: Display>> Visitor<'_> for Number<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<D: Error>(self, number: u64) -> Result<T, D> {
        T::try_from(number).map_err(D::custom)
    }
}

/// Reads a key that `map` does not have yet.
pub(super) struct NewKey<'a, K, V>(pub(super) &'a IndexMap<K, V>);

impl<'de, K: TryFrom<String, Error: Display> + std::hash::Hash + Eq, V> DeserializeSeed<'de>
    for NewKey<'_, K, V>
{
    type Value = K;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<K, D::Error> {
        deserializer.deserialize_str(Text(|text: String| {
            let key = K::try_from(text.clone()).map_err(|error| error.to_string())?;
            if self.0.contains_key(&key) { Err(format!("`{text}` stands here twice")) } else { Ok(key) }
        }))
    }
}

/// Implements `Deserialize` by [`text`].
macro_rules! deserialize_text {
    ($($name:ty),+ $(,)?) => {$(
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::model::scalar::text(deserializer)
            }
        }
    )+};
}

pub(super) use deserialize_text;
