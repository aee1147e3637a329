use std::fmt::Debug;

use async_trait::async_trait;

use crate::{
    error::Result,
    types::{AuditEntry, AuditFilter, NewAuditEntry, Page},
};

/// Keeps the audit log. Entries of changes are appended by the methods that
/// make the changes.
#[async_trait]
pub trait AuditLog: Debug + Send + Sync + 'static {
    /// Appends an entry that records no change, such as a failed login. It
    /// makes no event.
    async fn append(&self, entry: &NewAuditEntry) -> Result<()>;

    /// Gives up to `limit` entries their position and hash, continuing the
    /// chain ([`NewAuditEntry::chain_hash`]) in the order of their append.
    /// Gives how many; safe to call from many places at once.
    async fn sequence(&self, limit: usize) -> Result<usize>;

    /// The position that was given last; 0 where none was.
    async fn position(&self) -> Result<u64>;

    /// Up to `limit` entries with a position above `after`, by position.
    /// Whoever goes on after the last of them misses none.
    async fn entries_after(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>>;

    /// Entries newest first: those without a position, then by position.
    async fn entries(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>>;
}
