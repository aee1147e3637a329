use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    error::Result,
    types::{AuditEntry, AuditFilter, NewAuditEntry, Page},
};

/// Stores the audit log. Methods that change something append their entries themselves.
#[async_trait]
pub trait AuditLog: Debug + Send + Sync + 'static {
    /// Appends an entry that records no change, such as a failed login. It
    /// makes no event.
    async fn append(&self, entry: &NewAuditEntry) -> Result<()>;

    /// Assigns the next positions and hashes to up to `limit` entries, continuing the chain
    /// ([`NewAuditEntry::chain_hash`]) in the order in which they were appended. Returns how many; may
    /// be called from several places at once.
    async fn sequence(&self, limit: usize) -> Result<usize>;

    /// The last position that was assigned; 0 if there is none.
    async fn position(&self) -> Result<u64>;

    /// Up to `limit` entries with a position above `after`, ordered by position. A caller that
    /// continues after the last of them misses no entry.
    async fn entries_after(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>>;

    /// Entries, newest first: entries without a position, then the others by position.
    async fn entries(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>>;
}
