//! All caches in this process.

use std::{
    collections::BTreeMap,
    hash::Hash,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use quick_cache::{Equivalent, sync::Cache};

use super::{MetadataCacheConfig, entries::Entries};
use crate::{
    decorate::{Freshness, LocationMark, Mark},
    ports::TokenHolder,
    types::{
        ArchiveLocation, DistTag, LocatedVersion, Manifest, Memberships, Package, PackageName, PublishedVersion, Reach,
        Sha256Digest, User, UserId, Version, VersionDetail, VersionSummary,
    },
};

/// How long a credential is cached as valid. A revocation must take effect within one second, and an
/// entry of the shared cache may already be this old when it is cached here.
pub(super) const CREDENTIAL_LIFETIME: Duration = Duration::from_millis(450);
const _: () = assert!(2 * CREDENTIAL_LIFETIME.as_millis() < 1000, "a revocation is in force within a second");

/// How many archive locations are cached, without a time limit: about 300 bytes each.
const LOCATIONS: usize = 100_000;
/// How many credentials are cached.
const CREDENTIALS: u64 = 10_000;
/// How many scopes and packages the cached memberships name.
const MEMBERSHIPS: u64 = 200_000;

#[derive(Debug)]
pub(super) struct Kept {
    pub(super) packages: Entries<NameOf, Mark, Package>,
    pub(super) lists: Entries<NameOf, Mark, Vec<VersionSummary>>,
    pub(super) versions: Entries<VersionOf, Mark, VersionDetail>,
    pub(super) located: Entries<VersionOf, Mark, LocatedVersion>,
    pub(super) numbers: Entries<NameOf, Mark, Vec<PublishedVersion>>,
    pub(super) tags: Entries<NameOf, Mark, BTreeMap<DistTag, Version>>,
    /// Locations change only if the database loses commits.
    pub(super) locations: Cache<VersionOf, Arc<KeptLocation>>,
    pub(super) sessions: Entries<(UserId, String, u64), u64, User>,
    pub(super) tokens: Entries<Sha256Digest, u64, TokenHolder>,
    pub(super) memberships: Entries<UserId, u64, Arc<Memberships>>,
    /// Counts events in this process that may have ended a credential.
    credentials: AtomicU64,
    /// Counts events in this process that may have changed by what a user sees private packages.
    standing: AtomicU64,
}

impl Kept {
    pub(super) fn new(config: &MetadataCacheConfig) -> Self {
        // These are small beside the other entries, so they get a small part of the capacity.
        let small = config.capacity() / 12;
        let third = (config.capacity() - 3 * small) / 3;
        Self {
            packages: Entries::new(third, 8 << 10),
            lists: Entries::new(third, 4 << 10),
            versions: Entries::new(third, 4 << 10),
            located: Entries::new(small, 1 << 10),
            numbers: Entries::new(small, 1 << 10),
            tags: Entries::new(small, 512),
            locations: Cache::new(LOCATIONS),
            sessions: Entries::new(CREDENTIALS, 1),
            tokens: Entries::new(CREDENTIALS, 1),
            memberships: Entries::new(MEMBERSHIPS, 16),
            credentials: AtomicU64::new(0),
            standing: AtomicU64::new(0),
        }
    }

    /// The mark for a credential that is read now.
    pub(super) fn credential_mark(&self) -> u64 {
        self.credentials.load(Ordering::Acquire)
    }

    /// The mark for memberships that are read now.
    pub(super) fn membership_mark(&self) -> u64 {
        self.standing.load(Ordering::Acquire)
    }

    /// Makes all cached memberships stale.
    pub(super) fn doubt_memberships(&self) {
        self.standing.fetch_add(1, Ordering::AcqRel);
    }

    /// Makes every cached credential stale.
    pub(super) fn doubt_credentials(&self) {
        self.credentials.fetch_add(1, Ordering::AcqRel);
    }
}

/// The location of an archive, and the mark that keeps it valid.
#[derive(Debug)]
pub(super) struct KeptLocation {
    pub(super) location: ArchiveLocation,
    pub(super) mark: LocationMark,
    pub(super) read_at: Instant,
}

impl KeptLocation {
    /// Whether the database need not be asked. While changes may go by unheard it is
    /// asked again before a second has passed, as for credentials.
    pub(super) fn is_current(&self, freshness: &Freshness) -> bool {
        freshness.locates(&self.mark)
            || (self.read_at.elapsed() < CREDENTIAL_LIFETIME && freshness.may_still_locate(&self.mark))
    }
}

/// The key of one package, as reads of that reach find it: what is kept of a private package is never
/// found by a read of public ones, not even to be refused, which would be faster than a miss.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct NameOf(Reach, PackageName);

/// The same key with a borrowed part.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct NameIn<'a>(pub(super) Reach, pub(super) &'a PackageName);

impl Equivalent<NameOf> for NameIn<'_> {
    fn equivalent(&self, key: &NameOf) -> bool {
        self.0 == key.0 && *self.1 == key.1
    }
}

impl NameIn<'_> {
    pub(super) fn to_owned(self) -> NameOf {
        NameOf(self.0, self.1.clone())
    }
}

/// The key of one version of one package, as reads of that reach find it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct VersionOf(Reach, PackageName, Version);

/// The same key with borrowed parts.
#[derive(Clone, Copy, Debug, Hash)]
pub(super) struct VersionIn<'a>(pub(super) Reach, pub(super) &'a PackageName, pub(super) &'a Version);

impl Equivalent<VersionOf> for VersionIn<'_> {
    fn equivalent(&self, key: &VersionOf) -> bool {
        self.0 == key.0 && *self.1 == key.1 && *self.2 == key.2
    }
}

impl VersionIn<'_> {
    pub(super) fn to_owned(self) -> VersionOf {
        VersionOf(self.0, self.1.clone(), self.2.clone())
    }
}

/// The archive digests that some metadata names.
pub(super) trait Digests {
    /// Calls `tell` with each version and the digest of its archive.
    fn each(&self, tell: impl FnMut(&Version, &Sha256Digest));
}

impl Digests for Vec<VersionSummary> {
    fn each(&self, mut tell: impl FnMut(&Version, &Sha256Digest)) {
        for one in self {
            tell(&one.version, &one.sha256);
        }
    }
}

/// Contains no digests.
impl Digests for Vec<PublishedVersion> {
    fn each(&self, _: impl FnMut(&Version, &Sha256Digest)) {}
}

/// Contains no digests.
impl Digests for BTreeMap<DistTag, Version> {
    fn each(&self, _: impl FnMut(&Version, &Sha256Digest)) {}
}

impl Digests for VersionDetail {
    fn each(&self, mut tell: impl FnMut(&Version, &Sha256Digest)) {
        tell(&self.summary.version, &self.summary.sha256);
    }
}

impl Digests for LocatedVersion {
    fn each(&self, mut tell: impl FnMut(&Version, &Sha256Digest)) {
        tell(&self.summary.version, &self.summary.sha256);
    }
}

impl Digests for Package {
    fn each(&self, tell: impl FnMut(&Version, &Sha256Digest)) {
        self.versions.each(tell);
    }
}

/// The approximate memory of a value in bytes.
pub(super) trait Weigh {
    fn weight(&self) -> u64;
}

impl Weigh for Vec<VersionSummary> {
    fn weight(&self) -> u64 {
        128 + self.iter().map(Weigh::weight).sum::<u64>()
    }
}

impl Weigh for VersionSummary {
    fn weight(&self) -> u64 {
        320 + 120 * self.dependencies.len() as u64
    }
}

impl Weigh for LocatedVersion {
    fn weight(&self) -> u64 {
        320 + self.summary.weight()
    }
}

impl Weigh for Vec<PublishedVersion> {
    fn weight(&self) -> u64 {
        128 + 160 * self.len() as u64
    }
}

impl Weigh for BTreeMap<DistTag, Version> {
    fn weight(&self) -> u64 {
        128 + 256 * self.len() as u64
    }
}

impl Weigh for VersionDetail {
    fn weight(&self) -> u64 {
        // A result has at most some kilobytes, and most have little.
        1024 + self.manifest.weight() + 2048 * self.eval_results.len() as u64
    }
}

impl Weigh for Package {
    fn weight(&self) -> u64 {
        1024 + self.manifest.weight() + self.versions.weight() + 96 * self.dist_tags.len() as u64
    }
}

impl Weigh for Manifest {
    fn weight(&self) -> u64 {
        struct Length(u64);
        impl io::Write for Length {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 += bytes.len() as u64;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut length = Length(0);
        // A document that was parsed from JSON can be written as JSON.
        let _ = serde_json::to_writer(&mut length, &self.document);
        // The document consists of many small allocations, and its fields are stored a second time.
        4 * length.0
    }
}
