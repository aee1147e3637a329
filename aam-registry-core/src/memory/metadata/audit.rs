use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryMetadata;
use crate::{
    error::Result,
    ports::AuditLog,
    types::{AuditEntry, AuditFilter, ChainLink, NewAuditEntry, Page},
};

#[async_trait]
impl AuditLog for MemoryMetadata {
    async fn append(&self, entry: &NewAuditEntry) -> Result<()> {
        let mut tables = self.tables();
        if !tables.audit.iter().any(|known| known.entry.id == entry.id) {
            tables.append(entry);
        }
        Ok(())
    }

    async fn sequence(&self, limit: usize) -> Result<usize> {
        let mut tables = self.tables();
        let start = tables.sequenced;
        let end = start.saturating_add(limit).min(tables.audit.len());
        let ChainLink { mut position, mut hash } = tables.chain_head;
        for entry in &mut tables.audit[start..end] {
            position += 1;
            hash = entry.entry.chain_hash(&hash, position);
            entry.chained = Some((position, hash));
        }
        tables.sequenced = end;
        tables.chain_head = ChainLink { position, hash };
        Ok(end - start)
    }

    async fn head(&self) -> Result<ChainLink> {
        Ok(self.tables().chain_head)
    }

    async fn last_before(&self, before: Timestamp) -> Result<Option<ChainLink>> {
        let tables = self.tables();
        let old = tables.audit.iter().take_while(|entry| entry.entry.timestamp < before);
        let last = old.map_while(|entry| entry.chained).last();
        Ok(last.map(|(position, hash)| ChainLink { position, hash }))
    }

    async fn delete_entries(&self, through: u64, limit: usize) -> Result<usize> {
        let mut tables = self.tables();
        let is_old = |entry: &&AuditEntry| entry.chained.is_some_and(|(position, _)| position <= through);
        let count = tables.audit.iter().take_while(is_old).take(limit).count();
        tables.audit.drain(..count);
        tables.sequenced -= count;
        Ok(count)
    }

    async fn entries_after(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>> {
        let tables = self.tables();
        let is_later = |entry: &&AuditEntry| entry.chained.is_some_and(|(position, _)| position > after);
        Ok(tables.audit.iter().filter(is_later).take(limit).cloned().collect())
    }

    async fn entries(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>> {
        let tables = self.tables();
        // Positions follow the order of append, so that order is the one wanted throughout.
        let wanted = || tables.audit.iter().rev().filter(|entry| filter.admits(&entry.entry));
        Ok(Page::of(wanted().cloned(), wanted().count(), filter.page))
    }
}

impl AuditFilter {
    fn admits(&self, entry: &NewAuditEntry) -> bool {
        self.package.as_ref().is_none_or(|package| entry.package.as_ref() == Some(package))
            && self.event.is_none_or(|event| entry.event == event)
            && self.actor.as_ref().is_none_or(|actor| entry.actor.as_ref() == Some(actor))
            && self.from.is_none_or(|from| entry.timestamp >= from)
            && self.to.is_none_or(|to| entry.timestamp < to)
    }
}
