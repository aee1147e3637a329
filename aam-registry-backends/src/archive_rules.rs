//! Rules that the archive stores of this crate share.

use aam_registry_core::{
    Error, Result,
    types::{ArchiveKey, RegistryId},
};

/// Archives up to this size are read at once instead of opened or streamed.
pub(crate) const SMALL: u64 = 64 * 1024;

/// The contents of the mark that says which registry owns the archives.
pub(crate) fn owner_mark(registry: RegistryId) -> String {
    format!("{registry}\n")
}

/// The registry that a mark names.
pub(crate) fn owner_of(mark: &[u8]) -> Result<RegistryId> {
    let id = std::str::from_utf8(mark).ok().and_then(|text| text.trim().parse().ok());
    id.ok_or_else(|| Error::storage(format!("`{}` does not hold the id of a registry", ArchiveKey::OWNER), false))
}
