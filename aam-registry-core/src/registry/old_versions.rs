use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;

use super::{OPERATOR, Registry};
use crate::{
    decide::{KeptFor, OldVersions, OldVersionsFacts, RemoveOldVersions, RemovedVersion},
    error::{Error, Result},
    ports::{CommandHandlerExt, OldVersionsOf, PackagesMadeBefore, QueryHandlerExt},
    types::{AuditEvent, NewAuditEntry, PackageName},
};

/// How many names of packages one query gives.
const NAMES: usize = 500;
/// How many versions one transaction removes.
const AT_ONCE: usize = 50;

/// Which versions are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldVersionOptions {
    /// How long ago a version was published, and since when it was not downloaded.
    pub older_than: Duration,
    /// Whether to remove nothing, and only tell.
    pub dry_run: bool,
}

/// What became of old versions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldVersionsReport {
    /// Packages that were looked at.
    pub packages: u64,
    /// Versions that were removed, or would be.
    pub removed: u64,
    /// Bytes of their archives, which the sweeper deletes.
    pub bytes: u64,
    /// How many old versions stay, and why.
    pub kept: BTreeMap<KeptFor, u64>,
}

impl Registry {
    /// Removes versions that were published longer ago than `options` say and not downloaded in that time, for the
    /// operator. A tombstone is left of each: it is gone (410) wherever it is asked for, its number is never used
    /// again, and its bytes go with the next sweep.
    ///
    /// A version stays if a dist-tag names it, if a version of another package has a dependency that it meets, if no
    /// other version would be left, or if it waits for somebody's decision. `tell` hears of each that goes, as it
    /// goes, and `looked` of each package. Packages are read one after the other, so memory does not grow with them.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] if download counts are not kept for so long; [`Error::ReadOnly`]; a backend error of
    /// kind database. What was removed before it stays removed; run it again.
    pub async fn remove_old_versions(
        &self,
        options: OldVersionOptions,
        mut tell: impl FnMut(&PackageName, &RemovedVersion) + Send,
        mut looked: impl FnMut() + Send,
    ) -> Result<OldVersionsReport> {
        if let Some(kept) = self.policy().retention.downloads.filter(|kept| *kept < options.older_than) {
            return Err(Error::invalid_request(format!(
                "Download counts are kept for {} days only, so nobody knows what was downloaded before; ask for no \
                 more days than that",
                kept.as_secs() / 86_400
            )));
        }
        let mut report = OldVersionsReport::default();
        let Ok(before) = self.now().checked_sub(options.older_than) else { return Ok(report) };
        let mut after: Option<PackageName> = None;
        loop {
            let names = self.inner().queries.ask(PackagesMadeBefore((before, after.clone(), NAMES))).await?;
            let Some(last) = names.last() else { return Ok(report) };
            after = Some(last.clone());
            for name in &names {
                self.remove_old_of(name, before, options.dry_run, &mut report, &mut tell).await?;
                report.packages += 1;
                looked();
            }
        }
    }

    async fn remove_old_of(
        &self,
        name: &PackageName,
        before: Timestamp,
        dry_run: bool,
        report: &mut OldVersionsReport,
        tell: &mut (impl FnMut(&PackageName, &RemovedVersion) + Send),
    ) -> Result<()> {
        // Most packages have nothing to remove: then a read tells, and no row is locked.
        let facts = self.inner().queries.ask(OldVersionsOf((name.clone(), before))).await?;
        let all = self.removal(name, before, facts.versions.len());
        let found = all.decide(&facts)?.answer;
        if dry_run || found.removed.is_empty() {
            report.add(name, &found, tell);
            return Ok(());
        }
        loop {
            let done = self.inner().commands.execute(&self.removal(name, before, AT_ONCE)).await?;
            report.add(name, &OldVersions { kept: BTreeMap::new(), ..done.clone() }, tell);
            for removed in &done.removed {
                tracing::info!(
                    event = "old_version_removed",
                    package = %name,
                    version = %removed.version,
                    size_bytes = removed.archive_size,
                    "a version that nobody uses was removed"
                );
            }
            if !done.has_more {
                report.add(name, &OldVersions { removed: Vec::new(), ..done }, tell);
                return Ok(());
            }
        }
    }

    fn removal(&self, package: &PackageName, before: Timestamp, most: usize) -> RemoveOldVersions {
        let now = self.now();
        let entry = |_| {
            NewAuditEntry::new(AuditEvent::VersionRemove, now)
                .with_actor(OPERATOR)
                .with_package(package)
                .with("cause", OldVersionsFacts::CAUSE)
        };
        let audit = (0..most).map(entry).collect();
        RemoveOldVersions { package: package.clone(), before, now, audit }
    }
}

impl OldVersionsReport {
    fn add(
        &mut self,
        name: &PackageName,
        found: &OldVersions,
        tell: &mut (impl FnMut(&PackageName, &RemovedVersion) + Send),
    ) {
        for removed in &found.removed {
            tell(name, removed);
            self.removed += 1;
            self.bytes += removed.archive_size;
        }
        for (reason, count) in &found.kept {
            *self.kept.entry(*reason).or_default() += count;
        }
    }
}
