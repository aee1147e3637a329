//! Packages and their versions, as reads return them.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::types::{
    ArchiveKey, ArchiveLocation, ArtifactType, Constraint, DistTag, EvalResult, Manifest, PackageName, Quarantine,
    Sha256Digest, Username, Version, VersionStatus, VersionTexts, Visibility,
};

/// A package with its owners, dist-tags and newest versions, read at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    /// Its full name.
    pub name: PackageName,
    /// The manifest of the version that `latest` names; if there is none, of the version published
    /// last that is within reach.
    pub manifest: Manifest,
    /// When its first version was published.
    pub created_at: Timestamp,
    /// When any part of it last changed.
    pub updated_at: Timestamp,
    /// Its owners, by name. For a scoped package, the scope's owners and those added to the package.
    pub owners: Vec<Username>,
    /// Who may see it.
    pub visibility: Visibility,
    /// Downloads of all versions; may lag by a minute.
    pub downloads: u64,
    /// Every dist-tag and the version it names.
    pub dist_tags: BTreeMap<DistTag, Version>,
    /// Its versions within [`VersionBounds::LISTED`](crate::types::VersionBounds::LISTED),
    /// newest published first, yanked ones included.
    pub versions: Vec<VersionSummary>,
    /// How many versions it has in total.
    pub version_count: u64,
}

impl Package {
    /// The version that `latest` names.
    pub fn latest(&self) -> Option<&Version> {
        self.dist_tags.get(&DistTag::latest())
    }
}

/// One version as its package lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionSummary {
    /// The version as published, build metadata included.
    pub version: Version,
    /// When its publish was committed.
    pub published_at: Timestamp,
    /// Whether it was yanked, that is, excluded from resolution.
    pub yanked: bool,
    /// What those in charge of it say about it.
    pub texts: VersionTexts,
    /// The digest of its archive.
    pub sha256: Sha256Digest,
    /// The size of its archive, in bytes.
    pub archive_size: u64,
    /// The packages it depends on.
    pub dependencies: BTreeMap<PackageName, Constraint>,
    /// Where it stands.
    pub status: VersionStatus,
}

impl VersionSummary {
    /// Whether a resolution chooses it only where exactly this version is demanded: it is yanked, or not everybody
    /// sees it.
    pub fn is_by_demand_only(&self) -> bool {
        self.yanked || !self.status.is_open()
    }
}

/// Everything about one version except the contents of its archive.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionDetail {
    /// The package.
    pub package: PackageName,
    /// The same fields as in the package's list of versions.
    pub summary: VersionSummary,
    /// Its manifest.
    pub manifest: Manifest,
    /// Who published it: a username, or `trusted-publisher:<issuer>:<subject>`.
    pub published_by: String,
    /// Why it was yanked, if a reason was given.
    pub yanked_reason: Option<String>,
    /// Where its archive is stored.
    pub archive: ArchiveKey,
    /// The dist-tags that name it, by name.
    pub dist_tags: Vec<DistTag>,
    /// Downloads of this version; may lag by a minute.
    pub downloads: u64,
    /// Who may see its package.
    pub visibility: Visibility,
    /// Its quarantine, if it is in one.
    pub quarantine: Option<Quarantine>,
    /// The last result of each of its evals, by name.
    pub eval_results: Vec<EvalResult>,
}

impl VersionDetail {
    /// Where its archive is stored.
    pub fn location(&self) -> ArchiveLocation {
        ArchiveLocation {
            package: self.package.clone(),
            version: self.summary.version.clone(),
            archive: self.archive.clone(),
            sha256: self.summary.sha256,
            size: self.summary.archive_size,
            visibility: self.visibility,
            status: self.summary.status,
        }
    }
}

/// What is needed of a version to choose it or to read its archive: without its manifest, which may be large.
#[derive(Clone, Debug, PartialEq)]
pub struct LocatedVersion {
    /// The same fields as in the package's list of versions.
    pub summary: VersionSummary,
    /// Where its archive is stored.
    pub location: ArchiveLocation,
}

/// One package in a search result.
#[derive(Clone, Debug, PartialEq)]
pub struct PackageSummary {
    /// The full name.
    pub name: PackageName,
    /// From the manifest of `latest`.
    pub description: String,
    /// From the manifest of `latest`.
    pub author: Option<String>,
    /// The version that `latest` names.
    pub latest_version: Version,
    /// From the manifest of `latest`.
    pub keywords: Vec<String>,
    /// The artifact types that `latest` contains.
    pub artifact_types: Vec<ArtifactType>,
    /// Downloads of all versions; may lag by a minute.
    pub downloads: u64,
    /// When any part of the package last changed.
    pub updated_at: Timestamp,
}

/// One regular file of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveFile {
    /// Its path from the root, separated by `/`, without a leading `./`.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// Whether its owner may execute it.
    pub executable: bool,
}

/// Sizes of the whole registry, for gauges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistryTotals {
    /// Packages.
    pub packages: u64,
    /// Versions, yanked ones included.
    pub versions: u64,
    /// Users.
    pub users: u64,
    /// All downloads that were ever counted.
    pub downloads: u64,
    /// Bytes of all archives.
    pub storage_bytes: u64,
}
