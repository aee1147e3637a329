//! Answers that are shown as they came and read as what they are.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, de::Error};
use serde_json::Value;

/// An answer of a known shape: an answer of another shape is no answer of a registry.
#[derive(Debug)]
pub(crate) struct Answered<T> {
    /// As it came, for programs.
    pub(crate) whole: Value,
    pub(crate) read: T,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Answered<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole = Value::deserialize(deserializer)?;
        let read = T::deserialize(&whole).map_err(D::Error::custom)?;
        Ok(Self { whole, read })
    }
}

impl<T> Serialize for Answered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.whole.serialize(serializer)
    }
}
