//! Downloads that the audit log is to have, gathered so that it gets one entry for many.

use std::{collections::BTreeMap, mem};

use jiff::{Timestamp, civil::Date};
use uuid::Uuid;

use crate::types::{AuditEvent, NewAuditEntry, PackageName, Version, Visibility};

/// The most combinations of version and reader that are told apart between two turns; the downloads of further ones
/// are in an entry without a package.
const MOST: usize = 65_536;

/// What was downloaded on a day, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Downloaded {
    pub(super) package: PackageName,
    pub(super) version: Version,
    pub(super) is_private: bool,
    /// The username of the reader, noted only for the audit log.
    pub(super) reader: Option<String>,
    /// Whether it counts as a download; else only the audit log is to have it.
    pub(super) counts: bool,
    pub(super) day: Date,
}

/// What one entry is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Read {
    package: PackageName,
    version: Version,
    is_private: bool,
    reader: Option<String>,
}

/// Downloads that the audit log does not have yet.
#[derive(Debug, Default)]
pub(super) struct Reads {
    counts: BTreeMap<Read, u64>,
    /// Downloads for which there was no room in `counts`.
    others: u64,
    /// Entries that were made and may not be in the log yet.
    entries: BTreeMap<Uuid, NewAuditEntry>,
    /// When entries were made last.
    since: Option<Timestamp>,
}

impl Reads {
    /// Adds `count` downloads.
    pub(super) fn add(&mut self, downloaded: &Downloaded, count: u64) {
        let Downloaded { package, version, is_private, reader, .. } = downloaded.clone();
        let read = Read { package, version, is_private, reader };
        if self.counts.len() < MOST || self.counts.contains_key(&read) {
            *self.counts.entry(read).or_default() += count;
        } else {
            self.others += count;
        }
    }

    /// The entries that the log does not have yet, with those of the downloads until `now`.
    pub(super) fn to_log(&mut self, now: Timestamp) -> Vec<NewAuditEntry> {
        // While the log takes nothing, counts go on to be added up.
        if self.entries.is_empty() {
            let since = self.since.replace(now);
            let entry = |count: u64| {
                let entry = NewAuditEntry::new(AuditEvent::PackageDownload, now).with("count", count);
                match since {
                    Some(since) => entry.with("since", since.to_string()),
                    None => entry,
                }
            };
            let counts = mem::take(&mut self.counts).into_iter().map(|(read, count)| {
                let visibility = if read.is_private { Visibility::Private } else { Visibility::Public };
                let about = entry(count).with_package(&read.package).with_version(&read.version);
                NewAuditEntry { actor: read.reader, ..about.with_visibility(visibility) }
            });
            let others = mem::take(&mut self.others);
            let others = (others > 0).then(|| entry(others));
            self.entries = counts.chain(others).map(|entry| (entry.id, entry)).collect();
        }
        self.entries.values().cloned().collect()
    }

    /// Forgets an entry that the log has.
    pub(super) fn logged(&mut self, entry: &NewAuditEntry) {
        self.entries.remove(&entry.id);
    }
}
