use std::fmt;

use super::StorageOwner;
use crate::{
    error::{Error, Result},
    registry::Registry,
    types::RegistryId,
};

/// How many archives of a store without a mark are looked at to tell whose
/// they are. Keys are random, so those of several registries are mixed.
const SAMPLE: usize = 1_000;

/// What some of the archives of a store tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// How many were looked at.
    pub(super) archives: u64,
    /// How many of them nothing refers to.
    pub(super) strange: u64,
}

/// That the archive store is not, or not certainly, this registry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NotOurs {
    owner: StorageOwner,
    registry: RegistryId,
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = self.registry;
        match self.owner {
            StorageOwner::Another(owner) => {
                write!(f, "the archive storage is marked as that of the registry {owner}, and this is {registry}: ")?;
            }
            _ => f.write_str("most archives in the storage are not this registry's, and no mark says whose: ")?,
        }
        f.write_str(
            "give this registry a folder, a bucket or a prefix of its own; or, where no other registry uses it and its \
             database was restored or made anew, run `aam-registry storage adopt`",
        )
    }
}

impl std::error::Error for NotOurs {}

impl Registry {
    /// Finds whose the archive store is. One without a mark is marked as this
    /// registry's where it is empty, or where at least half of what lies there
    /// is.
    ///
    /// # Errors
    /// A backend error where database or store cannot be read, or the store
    /// cannot be marked.
    pub async fn claim_storage(&self) -> Result<StorageOwner> {
        let registry = self.id().await?;
        let archives = &self.inner().archives;
        if archives.owner().await?.is_none() {
            let Sample { archives: all, strange } = self.sample_of_storage().await?;
            if strange > all / 2 {
                return Ok(self.note_owner(StorageOwner::Unclear));
            }
            archives.set_owner(registry).await?;
        }
        // Read again: another registry may have marked it at the same time.
        let owner = archives.owner().await?;
        Ok(self.note_owner(match owner {
            Some(owner) if owner == registry => StorageOwner::ThisRegistry,
            Some(owner) => StorageOwner::Another(owner),
            None => StorageOwner::Unclear,
        }))
    }

    /// Looks at the first archives of the store. Changes nothing.
    pub(super) async fn sample_of_storage(&self) -> Result<Sample> {
        let listed = self.inner().archives.list(None, SAMPLE).await?;
        let keys: Vec<_> = listed.into_iter().map(|stored| stored.key).collect();
        let strange = self.inner().archive_index.unreferenced_archives(&keys).await?;
        Ok(Sample { archives: keys.len() as u64, strange: strange.len() as u64 })
    }

    /// Marks the archive store as this registry's, whosever it was: where the
    /// database was made anew, or a store was moved. Gives whose it was.
    ///
    /// # Errors
    /// A backend error where the store cannot be marked.
    pub async fn adopt_storage(&self) -> Result<Option<RegistryId>> {
        let registry = self.id().await?;
        let archives = &self.inner().archives;
        // A mark that cannot be read is replaced, too.
        let before = archives.owner().await.unwrap_or_default();
        archives.set_owner(registry).await?;
        self.note_owner(StorageOwner::ThisRegistry);
        Ok(before)
    }

    /// Finds whose the archive store is, and fails where that is not certainly this registry.
    pub(super) async fn require_own_storage(&self) -> Result<()> {
        match self.claim_storage().await? {
            StorageOwner::ThisRegistry => Ok(()),
            owner => Err(Error::storage(NotOurs { owner, registry: self.id().await? }, false)),
        }
    }

    /// Fails where the store was last found to be another registry's, whose
    /// cleanup deletes what is written there. Where nobody looked yet, it looks:
    /// a registry marks its store before it writes the first archive there.
    pub(in crate::registry) async fn require_storage_to_write(&self) -> Result<()> {
        let owner = match self.inner().storage_owner.get() {
            Some(owner) => owner,
            None => self.claim_storage().await?,
        };
        match owner {
            StorageOwner::Another(_) => Err(Error::storage(NotOurs { owner, registry: self.id().await? }, false)),
            _ => Ok(()),
        }
    }

    fn note_owner(&self, owner: StorageOwner) -> StorageOwner {
        let is_news = self.inner().storage_owner.note(owner);
        match owner {
            StorageOwner::Another(other) if is_news => tracing::error!(
                event = "storage_not_ours",
                owner = %other,
                "the archive storage is another registry's: nothing is published or cleaned up; give each registry a \
                 folder, bucket or prefix of its own, or run `aam-registry storage adopt` where no other one uses it",
            ),
            StorageOwner::Unclear if is_news => tracing::warn!(
                event = "storage_not_ours",
                "the archive storage has no mark and most archives there are not this registry's: nothing is cleaned \
                 up; run `aam-registry storage adopt` where no other registry uses it",
            ),
            _ => {}
        }
        owner
    }
}
