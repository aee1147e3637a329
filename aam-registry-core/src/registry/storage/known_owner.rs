use std::sync::{PoisonError, RwLock};

use crate::types::RegistryId;

/// Whose the archive store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageOwner {
    /// This registry's: its mark is there.
    ThisRegistry,
    /// Another registry's, by the mark that is there.
    Another(RegistryId),
    /// Nobody's by any mark, though most of the archives there are not this registry's.
    Unclear,
}

/// What is known of the owner of the archive store since it was last looked.
#[derive(Debug, Default)]
pub(in crate::registry) struct KnownOwner(RwLock<Option<StorageOwner>>);

impl KnownOwner {
    /// Notes the owner; gives whether that is news.
    pub(super) fn note(&self, owner: StorageOwner) -> bool {
        self.0.write().unwrap_or_else(PoisonError::into_inner).replace(owner) != Some(owner)
    }

    pub(super) fn get(&self) -> Option<StorageOwner> {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}
