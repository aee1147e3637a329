use std::fmt::Debug;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    error::Result,
    types::{AuditEntry, AuditFilter, ChainLink, NewAuditEntry, Page},
};

/// Stores the audit log. Methods that change something append their entries themselves.
#[async_trait]
pub trait AuditLog: Debug + Send + Sync + 'static {
    /// Appends an entry that records no change, such as a failed login; once,
    /// however often it is asked to. It makes no event.
    async fn append(&self, entry: &NewAuditEntry) -> Result<()>;

    /// Assigns the next positions and hashes to up to `limit` entries, continuing the chain
    /// ([`NewAuditEntry::chain_hash`]) in the order in which they were appended. Returns how many; may
    /// be called from several places at once.
    async fn sequence(&self, limit: usize) -> Result<usize>;

    /// The end of the chain: the last position that was assigned, and the hash given with it.
    async fn head(&self) -> Result<ChainLink>;

    /// Up to `limit` entries with a position above `after`, ordered by position. A caller that
    /// continues after the last of them misses no entry.
    async fn entries_after(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>>;

    /// Entries, newest first: entries without a position, then the others by position.
    async fn entries(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>>;

    /// The last of the entries that are all from before `before`, counted from the oldest entry on;
    /// `None` if the oldest is not. Entries without a position do not count.
    async fn last_before(&self, before: Timestamp) -> Result<Option<ChainLink>>;

    /// Deletes up to `limit` entries, oldest first, with a position of `through` or below. Returns how many.
    async fn delete_entries(&self, through: u64, limit: usize) -> Result<usize>;
}
