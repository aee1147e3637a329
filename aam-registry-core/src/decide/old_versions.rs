//! The removal of old versions that nobody has used for long.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Changes, Decision, PackageState, Write};
use crate::{
    error::Result,
    types::{ArchiveKey, Change, Constraint, Moderation, NewAuditEntry, PackageName, UserId, Version, VersionStatus},
};

/// Removes versions of a package that are old and were not downloaded for as long, up to as many as there are audit
/// entries. What is left of one is a tombstone: its number is never used again.
#[derive(Clone, Debug)]
pub struct RemoveOldVersions {
    /// The package.
    pub package: PackageName,
    /// Versions published before it, and not downloaded since, are old.
    pub before: Timestamp,
    /// The instant.
    pub now: Timestamp,
    /// An entry for the audit log for each version that may be removed at once; those that are used get its version.
    pub audit: Vec<NewAuditEntry>,
}

/// What the removal of old versions is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldVersionsFacts {
    /// The package, if it exists.
    pub package: Option<PackageState>,
    /// Its versions in the order of publishing, without those that were removed.
    pub versions: Vec<VersionUse>,
    /// What versions of other packages that were not removed demand of it, each once.
    pub demands: Vec<Constraint>,
}

impl OldVersionsFacts {
    /// What the audit entry of a removal has as its `cause`, so that it is told from one by a moderator.
    pub const CAUSE: &str = "unused";
}

/// How a version is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionUse {
    /// The version as published.
    pub version: Version,
    /// When it was published.
    pub published_at: Timestamp,
    /// Who published it.
    pub published_by: UserId,
    /// Where it stands.
    pub status: VersionStatus,
    /// Where its archive is stored.
    pub archive: ArchiveKey,
    /// How many bytes that has.
    pub archive_size: u64,
    /// Whether a dist-tag names it, `latest` included.
    pub is_tagged: bool,
    /// Whether it was downloaded on the day of [`RemoveOldVersions::before`] or later.
    pub is_downloaded: bool,
}

/// Why an old version stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeptFor {
    /// It waits for approval or was refused, or is in quarantine: people decide about it.
    Undecided,
    /// A dist-tag names it.
    Tag,
    /// It was downloaded lately.
    Downloads,
    /// Another package depends on it.
    Dependants,
    /// No other version would be left.
    Only,
}

impl KeptFor {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Undecided, Self::Tag, Self::Downloads, Self::Dependants, Self::Only];

    /// The reason as text, such as `dependants`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Undecided => "undecided",
            Self::Tag => "tag",
            Self::Downloads => "downloads",
            Self::Dependants => "dependants",
            Self::Only => "only",
        }
    }
}

/// A version that was removed, or would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedVersion {
    /// The version as published.
    pub version: Version,
    /// When it was published.
    pub published_at: Timestamp,
    /// How many bytes its archive has.
    pub archive_size: u64,
}

/// What became of the old versions of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OldVersions {
    /// Those that were removed, oldest first.
    pub removed: Vec<RemovedVersion>,
    /// Whether there are more to remove.
    pub has_more: bool,
    /// How many stay, and why.
    pub kept: BTreeMap<KeptFor, u64>,
}

impl RemoveOldVersions {
    /// What caches have to drop.
    pub(super) fn invalidates(&self) -> Change {
        Change::Package(self.package.clone())
    }

    /// Removes them.
    ///
    /// # Errors
    /// None. A package that does not exist has no old versions.
    pub fn decide(&self, facts: &OldVersionsFacts) -> Result<Decision<'static, OldVersions>> {
        let Some(package) = facts.package else { return Ok(Decision::unchanged(OldVersions::default())) };
        let (unused, kept) = self.sort_out(facts);
        let has_more = unused.len() > self.audit.len();
        let (mut writes, mut audit, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for (found, entry) in unused.into_iter().zip(&self.audit) {
            let status = VersionStatus { moderation: Moderation::Removed, ..found.status };
            let (name, version) = (|| self.package.clone(), &found.version);
            writes.push(Write::SetStatus { package: name(), version: version.clone(), status });
            writes.push(Write::DiscardArchive {
                package: name(),
                version: version.clone(),
                archive: found.archive.clone(),
                by: found.published_by,
            });
            audit.push(entry.clone().with_version(version).with_visibility(package.visibility));
            removed.push(RemovedVersion {
                version: version.clone(),
                published_at: found.published_at,
                archive_size: found.archive_size,
            });
        }
        let answer = OldVersions { removed, has_more, kept };
        if writes.is_empty() {
            return Ok(Decision::unchanged(answer));
        }
        writes.push(Write::Touch { package: self.package.clone(), at: package.instant(self.now) });
        Ok(Decision { answer, changes: Changes { writes, audit, invalidates: Some(self.invalidates()) } })
    }

    /// The old versions that nothing keeps, oldest first, and how many something keeps.
    fn sort_out<'f>(&self, facts: &'f OldVersionsFacts) -> (Vec<&'f VersionUse>, BTreeMap<KeptFor, u64>) {
        let (mut unused, mut kept) = (Vec::new(), BTreeMap::new());
        for found in facts.versions.iter().filter(|found| found.published_at < self.before) {
            match found.kept_for(&facts.demands) {
                Some(reason) => *kept.entry(reason).or_default() += 1,
                None => unused.push(found),
            }
        }
        let open = facts.versions.iter().filter(|found| found.status.is_open()).count();
        if unused.len() == open && unused.pop().is_some() {
            *kept.entry(KeptFor::Only).or_default() += 1;
        }
        (unused, kept)
    }
}

impl VersionUse {
    /// Why the version stays although it is old, whatever other versions there are.
    fn kept_for(&self, demands: &[Constraint]) -> Option<KeptFor> {
        if !self.status.is_open() {
            Some(KeptFor::Undecided)
        } else if self.is_tagged {
            Some(KeptFor::Tag)
        } else if self.is_downloaded {
            Some(KeptFor::Downloads)
        } else if demands.iter().any(|demand| demand.matches(&self.version)) {
            Some(KeptFor::Dependants)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::types::{AuditEvent, Visibility};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn old(version: &str) -> VersionUse {
        let upload = crate::types::UploadId::generate();
        VersionUse {
            version: version.parse().expect("a version"),
            published_at: NOW - SignedDuration::from_hours(48),
            published_by: UserId::generate(),
            status: VersionStatus::OPEN,
            archive: ArchiveKey::from(upload),
            archive_size: 10,
            is_tagged: false,
            is_downloaded: false,
        }
    }

    fn decided(versions: Vec<VersionUse>, demands: &[&str], most: usize) -> (Vec<String>, OldVersions) {
        let package = PackageState {
            updated_at: NOW,
            visibility: Visibility::Public,
            trusted_only: false,
            has_open_version: true,
        };
        let demands = demands.iter().map(|demand| demand.parse().expect("a constraint")).collect();
        let facts = OldVersionsFacts { package: Some(package), versions, demands };
        let command = RemoveOldVersions {
            package: "kit".parse().expect("a name"),
            before: NOW - SignedDuration::from_hours(24),
            now: NOW,
            audit: (0..most).map(|_| NewAuditEntry::new(AuditEvent::VersionRemove, NOW)).collect(),
        };
        let decision = command.decide(&facts).expect("nothing is refused");
        assert_eq!(decision.changes.audit.len(), decision.answer.removed.len(), "each removal is recorded");
        let removed = decision.answer.removed.iter().map(|removed| removed.version.to_string()).collect();
        (removed, decision.answer)
    }

    #[test]
    fn what_is_used_stays_and_the_rest_goes() {
        let versions = vec![
            old("1.0.0"),
            VersionUse { is_tagged: true, ..old("1.1.0") },
            VersionUse { is_downloaded: true, ..old("1.2.0") },
            VersionUse {
                status: VersionStatus { moderation: Moderation::Quarantined, ..VersionStatus::OPEN },
                ..old("1.3.0")
            },
            old("2.0.0"),
            VersionUse { published_at: NOW, ..old("3.0.0") },
        ];
        let (removed, answer) = decided(versions, &["^2", "=4.0.0"], 10);
        assert_eq!(removed, ["1.0.0"]);
        let kept: Vec<_> = answer.kept.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
        assert_eq!(kept, [("undecided", 1), ("tag", 1), ("downloads", 1), ("dependants", 1)]);
        assert!(!answer.has_more);
    }

    #[test]
    fn the_newest_stays_where_no_other_would() {
        let (removed, answer) = decided(vec![old("1.0.0"), old("2.0.0"), old("0.9.0")], &[], 10);
        assert_eq!(removed, ["1.0.0", "2.0.0"]);
        assert_eq!(answer.kept[&KeptFor::Only], 1);
        assert_eq!(decided(vec![old("1.0.0")], &[], 10).0, [""; 0]);
    }

    #[test]
    fn no_more_than_asked_for_go_at_once() {
        let versions = (0..5).map(|minor| old(&format!("1.{minor}.0"))).collect();
        let (removed, answer) = decided(versions, &[], 2);
        assert_eq!(removed, ["1.0.0", "1.1.0"]);
        assert!(answer.has_more);
    }
}
