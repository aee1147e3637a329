//! Where the bytes of one upload are in an archive store.

use std::{fmt, str::FromStr};

use crate::{error::InvalidName, types::UploadId};

/// The key of one archive in its store: `archives/<2 hex>/<upload id>.aam`.
///
/// Every upload attempt has a key of its own, so no attempt can overwrite the
/// bytes of another.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ArchiveKey(Box<str>);

impl ArchiveKey {
    /// What every key starts with.
    pub const PREFIX: &str = "archives/";
    /// The key of the mark with the id of the registry that owns the archives. Not the key of an
    /// archive.
    pub const OWNER: &str = "archives/registry-id";

    /// The upload whose bytes are stored at this key.
    ///
    /// # Panics
    /// Never: every key is made of an upload's id.
    pub fn upload_id(&self) -> UploadId {
        let id = self.0.rsplit('/').next().and_then(|file| file.strip_suffix(".aam")?.parse().ok());
        id.expect("every key is made from an upload id")
    }

    /// The key as a relative path with forward slashes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<UploadId> for ArchiveKey {
    fn from(id: UploadId) -> Self {
        let id = id.to_string();
        // The last digits of a UUIDv7 are random. The first ones are a time, and would put all archives
        // of a day into one folder.
        Self(format!("{}{}/{id}.aam", Self::PREFIX, &id[id.len() - 2..]).into())
    }
}

impl FromStr for ArchiveKey {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let id = text.rsplit('/').next().and_then(|file| file.strip_suffix(".aam"));
        let key = id.and_then(|id| id.parse::<UploadId>().ok()).map(Self::from);
        key.filter(|key| key.as_str() == text).ok_or_else(|| InvalidName::ArchiveKey(text.chars().take(140).collect()))
    }
}

impl fmt::Display for ArchiveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ArchiveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_their_text() {
        let key = ArchiveKey::from(UploadId::generate());
        assert_eq!(key.as_str().parse::<ArchiveKey>().expect("key"), key);
        assert_eq!(ArchiveKey::from(key.upload_id()), key);
        for bad in [ArchiveKey::OWNER, "archives/../x.aam", "x", "archives/zz/0190d9f0-0000-7000-8000-000000000000.aam"]
        {
            assert!(bad.parse::<ArchiveKey>().is_err(), "{bad:?} passed");
        }
    }
}
