//! Checks of the audit log's chain, and pruning that keeps it provable.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    super::Registry,
    check::{AuditCheck, AuditVerdict},
    names::ShownAuditEntry,
};
use crate::{
    error::{Error, Result},
    types::{AuditEntry, AuditEvent, AuditFilter, ChainLink, NewAuditEntry, NewJob, PageRequest},
};

/// How many entries are read or deleted at a time.
const AT_ONCE: usize = 1_000;
/// How many entries are deleted at most by one run of the job that does it.
const AT_A_RUN: u64 = 50_000;
const SECONDS_A_DAY: i64 = 24 * 60 * 60;
/// Who deletes entries that are older than they are to be kept, as their `admin.audit_prune` says.
const RETENTION: &str = "registry:retention";

/// What pruning did, or would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrunedAudit {
    /// The last entry that was deleted; the position 0 if none was old enough.
    pub through: ChainLink,
    /// How many entries were deleted.
    pub entries: u64,
}

impl Registry {
    /// Checks every entry of the audit log that has a position, oldest first, and whether it has the
    /// hashes in `known`. Calls `progress` with the last position that was checked.
    ///
    /// A log that was pruned is checked from the entry on that its last `admin.audit_prune` names.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn verify_audit(&self, known: &[ChainLink], mut progress: impl FnMut(u64)) -> Result<AuditVerdict> {
        let audit = &self.inner().audit;
        let mut check = AuditCheck::after(self.pruned_audit().await?, known);
        loop {
            let head = audit.head().await?;
            self.check_audit(&mut check, head.position, &mut progress).await?;
            let behind = audit.entries_after(head.position, AT_ONCE).await?;
            // Else a replica gave further positions meanwhile, and those entries belong to the chain too.
            if audit.head().await? == head {
                return Ok(check.finish(head, &behind));
            }
        }
    }

    /// Deletes the oldest entries of the audit log that are all from before `before`, and records in an
    /// entry of its own which hash the oldest remaining entry continues. If `dry_run`, deletes nothing.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if one of those entries is not as the registry wrote it, unless `force`:
    /// deleting them would delete the evidence; [`Error::ReadOnly`].
    pub async fn prune_audit(&self, before: Timestamp, by: &str, dry_run: bool, force: bool) -> Result<PrunedAudit> {
        if !dry_run {
            self.require_writable().await?;
        }
        match self.inner().audit.last_before(before).await? {
            Some(through) => self.prune_through(through, before, by, dry_run, force).await,
            None => Ok(PrunedAudit { through: ChainLink::default(), entries: 0 }),
        }
    }

    /// The job that deletes the entries of the audit log that are older than the policy keeps them; `None` if there
    /// are none.
    pub(crate) async fn audit_pruning(&self) -> Result<Option<NewJob>> {
        let Some(before) = self.kept_since() else { return Ok(None) };
        if self.inner().audit.last_before(before).await?.is_none() {
            return Ok(None);
        }
        Ok(Some(NewJob::prune_audit(self.pruned_audit().await?)))
    }

    /// Deletes entries of the audit log that are older than the policy keeps them, oldest first: as many as take a few
    /// seconds.
    pub(crate) async fn prune_old_audit(&self) -> Result<()> {
        let Some(before) = self.kept_since() else { return Ok(()) };
        let audit = &self.inner().audit;
        let Some(mut through) = audit.last_before(before).await? else { return Ok(()) };
        let pruned = self.pruned_audit().await?;
        if through.position > pruned.position + AT_A_RUN {
            let part = audit.entries_after(pruned.position + AT_A_RUN - 1, 1).await?;
            let part = part.first().and_then(|entry| entry.chained);
            through = part.map_or(through, |(position, hash)| ChainLink { position, hash });
        }
        self.prune_through(through, before, RETENTION, false, false).await.map(drop)
    }

    /// From when on entries of the audit log are kept: the beginning of a UTC day, so that they are deleted once a
    /// day.
    fn kept_since(&self) -> Option<Timestamp> {
        let retention = SignedDuration::try_from(self.policy().audit_retention?).ok()?;
        let since = self.now().checked_sub(retention).ok()?;
        Timestamp::from_second(since.as_second().div_euclid(SECONDS_A_DAY) * SECONDS_A_DAY).ok()
    }

    /// Deletes the entries up to `through`, which are from before `before`.
    async fn prune_through(
        &self,
        through: ChainLink,
        before: Timestamp,
        by: &str,
        dry_run: bool,
        force: bool,
    ) -> Result<PrunedAudit> {
        let audit = &self.inner().audit;
        let pruned = self.pruned_audit().await?;
        // Entries up to `pruned` are left only if pruning was interrupted.
        if through.position > pruned.position {
            let mut check = AuditCheck::after(pruned, &[]);
            self.check_audit(&mut check, through.position, &mut |_| ()).await?;
            let verdict = check.finish(through, &[]);
            if !verdict.is_good() && !force {
                return Err(Error::invalid_request(
                    "Some of these entries are not as the registry wrote them, and pruning would delete the \
                     evidence: see what `aam-registry audit verify` finds and export the log, then prune with --force",
                ));
            }
        }
        if dry_run {
            return Ok(PrunedAudit { through, entries: through.position.saturating_sub(pruned.position) });
        }
        if through.position > pruned.position {
            // Before anything is deleted: whatever happens then, the log says from where it is whole.
            let entry = NewAuditEntry::new(AuditEvent::AdminAuditPrune, self.now())
                .with_actor(by)
                .with("through", through.position)
                .with("hash", through.hash.to_string())
                .with("before", before.to_string());
            audit.append(&entry).await?;
        }
        let mut entries = 0;
        loop {
            let deleted = audit.delete_entries(through.position, AT_ONCE).await?;
            entries += deleted as u64;
            if deleted < AT_ONCE {
                break;
            }
        }
        tracing::info!(event = "audit_pruned", by, through = through.position, count = entries, "audit log pruned");
        Ok(PrunedAudit { through, entries })
    }

    /// Entries of the audit log after `position`, by position; at most 1,000. They are shown without the names of
    /// accounts that were deleted, as [`audit_log`](Self::audit_log) shows them.
    ///
    /// # Errors
    /// Where the log cannot be read.
    pub async fn audit_entries_after(&self, position: u64) -> Result<Vec<ShownAuditEntry>> {
        self.shown(self.inner().audit.entries_after(position, AT_ONCE).await?).await
    }

    /// The last entry that was pruned, as the newest entries of `admin.audit_prune` say: two who prune at the same time
    /// may append theirs in either order.
    async fn pruned_audit(&self) -> Result<ChainLink> {
        let filter = AuditFilter {
            package: None,
            event: Some(AuditEvent::AdminAuditPrune),
            actor: None,
            from: None,
            to: None,
            page: PageRequest { page: 1, limit: 10 },
        };
        let newest = self.inner().audit.entries(&filter).await?.items;
        let links = newest.iter().filter_map(|entry| link_of(&entry.entry));
        Ok(links.max_by_key(|link| link.position).unwrap_or_default())
    }

    /// The position up to which the log was pruned.
    pub(crate) async fn pruned_position(&self) -> Result<u64> {
        Ok(self.pruned_audit().await?.position)
    }

    /// Checks the entries up to the position `end`.
    async fn check_audit(&self, check: &mut AuditCheck, end: u64, progress: &mut impl FnMut(u64)) -> Result<()> {
        let mut at_once = AT_ONCE;
        while check.last() < end {
            let entries = match self.inner().audit.entries_after(check.last(), at_once).await {
                Ok(entries) => entries,
                Err(error) if is_passing(&error) => return Err(error),
                // One of them holds what no registry writes: it is found by reading one at a time.
                Err(_) if at_once > 1 => {
                    at_once = 1;
                    continue;
                }
                Err(_) => {
                    check.see_unreadable();
                    at_once = AT_ONCE;
                    continue;
                }
            };
            let before = check.last();
            let is_inside = |entry: &&AuditEntry| entry.chained.is_some_and(|(position, _)| position <= end);
            for entry in entries.iter().take_while(is_inside) {
                check.see(entry);
            }
            if check.last() == before {
                break;
            }
            progress(check.last());
        }
        Ok(())
    }
}

/// Whether the same call may succeed later.
fn is_passing(error: &Error) -> bool {
    match error {
        Error::Backend(error) => error.retry,
        _ => true,
    }
}

/// The last pruned entry that an entry of `admin.audit_prune` names.
fn link_of(entry: &NewAuditEntry) -> Option<ChainLink> {
    let position = entry.metadata.get("through").and_then(Value::as_u64)?;
    let hash = entry.metadata.get("hash").and_then(Value::as_str)?.parse().ok()?;
    Some(ChainLink { position, hash })
}
