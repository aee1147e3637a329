use std::time::Duration;

use jiff::Timestamp;

use crate::{
    error::{Result, with_causes},
    ports::StoredArchive,
    registry::Registry,
    types::ArchiveKey,
};

/// How many keys one call of a port handles.
const BATCH: usize = 1_000;

/// One archive in so many may be a leftover.
const ONE_IN: u64 = 10;

/// What a cleanup may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CleanupOptions {
    /// How long ago something must have been written.
    pub older_than: Duration,
    /// Whether to delete nothing, and only tell.
    pub dry_run: bool,
    /// Whether to delete even what is suspiciously much; see [`Suspicion`].
    pub force: bool,
}

impl Default for CleanupOptions {
    /// What is a day old, and is deleted.
    fn default() -> Self {
        Self { older_than: Duration::from_hours(24), dry_run: false, force: false }
    }
}

/// Something in the archive store that nothing refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Garbage {
    /// What it is.
    pub kind: GarbageKind,
    /// What the store tells of it.
    pub stored: StoredArchive,
    /// What became of it.
    pub fate: GarbageFate,
}

/// What garbage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GarbageKind {
    /// A whole archive.
    Archive,
    /// What a writer that never finished left.
    Unfinished,
}

/// What a cleanup did to garbage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GarbageFate {
    /// It is gone.
    Deleted,
    /// It would be deleted, were this not a dry run.
    WouldBeDeleted,
    /// It could not be deleted, for this reason, with its causes.
    Failed(String),
}

/// What a cleanup did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanupReport {
    /// Archives and unfinished writes that were looked at.
    pub scanned: u64,
    /// Archives that nothing refers to and that were, or would be, deleted.
    pub archives: u64,
    /// Unfinished writes that nothing needs and that were, or would be, aborted.
    pub unfinished: u64,
    /// Bytes of both, as far as the store tells.
    pub bytes: u64,
    /// What could not be deleted.
    pub failed: u64,
    /// Why so much should not be deleted unseen; where nobody forced it,
    /// nothing was, and the report is that of a dry run.
    pub suspicion: Option<Suspicion>,
}

/// That more archives than leftovers could be would be deleted: the database
/// may have lost what refers to them, or not be the one they belong to.
///
/// Suspicious is more than a tenth of the archives of a store, however few
/// they are: a small store may have lost its database as well as a large one.
/// What writers left unfinished does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspicion {
    /// How many archives nothing refers to.
    pub archives: u64,
    /// How many archives the store has.
    pub of: u64,
}

impl Suspicion {
    fn of(archives: u64, all: u64) -> Option<Self> {
        (archives.saturating_mul(ONE_IN) > all).then_some(Self { archives, of: all })
    }

    /// Whether no archive would be left.
    pub fn is_all(self) -> bool {
        self.archives == self.of
    }
}

impl Registry {
    /// Deletes what lies in the archive store and nothing refers to: neither a
    /// version, nor an upload that is under way or that the sweeper still
    /// knows of. `tell` hears of each as it is done.
    ///
    /// Deletes nothing where that is [suspiciously](Suspicion) much, unless
    /// `options` force it.
    ///
    /// Safe beside a registry at work. An upload is recorded before its first
    /// byte is stored, and its record becomes a version in one transaction:
    /// what was listed and is unreferenced after that stays so for ever.
    ///
    /// # Errors
    /// A backend error where store or database cannot be read, or where the
    /// store is not certainly [this registry's](Registry::claim_storage); what
    /// could not be deleted is only counted.
    pub async fn clean_storage(
        &self,
        options: CleanupOptions,
        mut tell: impl FnMut(&Garbage) + Send,
    ) -> Result<CleanupReport> {
        self.require_own_storage().await?;
        if !options.dry_run {
            self.require_writable().await?;
        }
        if !options.dry_run && !options.force {
            let looked = self.clean(CleanupOptions { dry_run: true, ..options }, &mut |_| {}).await?;
            if looked.suspicion.is_some() {
                return Ok(looked);
            }
        }
        self.clean(options, &mut tell).await
    }

    async fn clean(&self, options: CleanupOptions, tell: &mut (impl FnMut(&Garbage) + Send)) -> Result<CleanupReport> {
        let mut report = CleanupReport::default();
        let (mut all, mut unreferenced) = (0, 0);
        for kind in [GarbageKind::Archive, GarbageKind::Unfinished] {
            let mut after: Option<ArchiveKey> = None;
            loop {
                let archives = &self.inner().archives;
                let listed = match kind {
                    GarbageKind::Archive => archives.list(after.as_ref(), BATCH).await?,
                    GarbageKind::Unfinished => archives.unfinished(after.as_ref(), BATCH).await?,
                };
                let Some(last) = listed.last() else { break };
                after = Some(last.key.clone());
                report.scanned += listed.len() as u64;
                let is_whole = u64::from(kind == GarbageKind::Archive);
                all += is_whole * listed.len() as u64;
                for stored in self.garbage_among(listed, options).await? {
                    unreferenced += is_whole;
                    let garbage = self.take_out(kind, stored, options.dry_run).await;
                    report.add(&garbage);
                    tell(&garbage);
                }
            }
        }
        report.suspicion = Suspicion::of(unreferenced, all);
        Ok(report)
    }

    /// What of `listed` is old enough and unreferenced.
    async fn garbage_among(&self, listed: Vec<StoredArchive>, options: CleanupOptions) -> Result<Vec<StoredArchive>> {
        let Ok(before) = self.now().checked_sub(options.older_than) else { return Ok(Vec::new()) };
        let old: Vec<_> = listed.into_iter().filter(|stored| written_at(stored) < before).collect();
        if old.is_empty() {
            return Ok(old);
        }
        let keys: Vec<_> = old.iter().map(|stored| stored.key.clone()).collect();
        let unreferenced = self.inner().archive_index.unreferenced_archives(&keys).await?;
        let mut unreferenced = unreferenced.into_iter().peekable();
        // Both are in the same order.
        Ok(old.into_iter().filter(|stored| unreferenced.next_if(|key| *key == stored.key).is_some()).collect())
    }

    async fn take_out(&self, kind: GarbageKind, stored: StoredArchive, dry_run: bool) -> Garbage {
        if dry_run {
            return Garbage { kind, stored, fate: GarbageFate::WouldBeDeleted };
        }
        let fate = match self.inner().archives.delete(&stored.key).await {
            Ok(()) => GarbageFate::Deleted,
            Err(error) => {
                tracing::warn!(
                    event = "storage_cleanup_failed",
                    archive = %stored.key,
                    error = &error as &dyn std::error::Error,
                    "an archive that nothing refers to could not be deleted",
                );
                GarbageFate::Failed(with_causes(&error))
            }
        };
        Garbage { kind, stored, fate }
    }
}

impl CleanupReport {
    fn add(&mut self, garbage: &Garbage) {
        if matches!(garbage.fate, GarbageFate::Failed(_)) {
            self.failed += 1;
            return;
        }
        match garbage.kind {
            GarbageKind::Archive => self.archives += 1,
            GarbageKind::Unfinished => self.unfinished += 1,
        }
        self.bytes += garbage.stored.size;
    }
}

/// When the store wrote something; where it cannot tell, when the upload began.
fn written_at(stored: &StoredArchive) -> Timestamp {
    stored.modified_at.unwrap_or_else(|| stored.key.upload_id().generated_at())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_leftovers_is_not_suspicious_and_more_is_however_few_they_are() {
        for (archives, all, is_suspicious) in [
            (0, 0, false),
            (0, 3, false),
            (1, 1, true),
            (1, 3, true),
            (1, 9, true),
            (1, 10, false),
            (2, 2, true),
            (2, 19, true),
            (2, 20, false),
            (3, 20, true),
            (3, 30, false),
            (4, 30, true),
            (100, 1000, false),
            (101, 1000, true),
        ] {
            assert_eq!(Suspicion::of(archives, all).is_some(), is_suspicious, "{archives} of {all}");
        }
    }
}
