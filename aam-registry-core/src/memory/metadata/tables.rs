use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};

use super::queued_jobs::QueuedJobs;
use crate::{
    decide::{PublisherToken, QuarantineState, YankState},
    types::{
        AccountState, ApprovalStatus, ArchiveFile, ArchiveKey, AuditEntry, ChainLink, DistTag, DownloadBatchId,
        EvalName, EvalResult, Gates, Invitation, InvitationId, LatestTag, LoginSession, Manifest, NewAuditEntry,
        OneTimeToken, PackageName, PublishedVersion, PublisherId, PublisherTokenId, Reach, ReadOnlyMode, Report,
        ReportId, ScopeName, ScopeRole, SecondFactor, Sha256Digest, Token, TokenId, TokenNotice, TrustedPublisher,
        UploadId, User, UserId, Username, Version, VersionStatus, VersionTexts, Visibility,
    },
};

/// All that is stored.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) users: BTreeMap<UserId, AccountState>,
    /// Until when a revocation has to be remembered, by user and session.
    pub(super) revoked_sessions: BTreeMap<(UserId, String), Timestamp>,
    pub(super) second_factors: BTreeMap<UserId, SecondFactor>,
    /// Those that are listed, and those whose places are remembered.
    pub(super) sessions: Vec<LoginSession>,
    /// Those that were not used, with whose they are.
    pub(super) one_time_tokens: Vec<(UserId, OneTimeToken)>,
    pub(super) tokens: BTreeMap<TokenId, StoredToken>,
    /// The ids of tokens that there were.
    pub(super) revoked_tokens: BTreeSet<TokenId>,
    /// The notices that were told.
    pub(super) token_notices: Vec<(TokenId, TokenNotice)>,
    pub(super) read_only: Option<ReadOnlyMode>,
    pub(super) invitations: BTreeMap<InvitationId, Invitation>,
    pub(super) scopes: BTreeMap<ScopeName, StoredScope>,
    pub(super) packages: BTreeMap<PackageName, StoredPackage>,
    pub(super) uploads: BTreeMap<UploadId, StoredUpload>,
    /// The batches of downloads that were added.
    pub(super) download_batches: BTreeSet<DownloadBatchId>,
    /// In the order of their append; the first `sequenced` have a position.
    pub(super) audit: Vec<AuditEntry>,
    pub(super) sequenced: usize,
    pub(super) chain_head: ChainLink,
    pub(super) jobs: QueuedJobs,
    pub(super) reports: BTreeMap<ReportId, Report>,
    pub(super) publishers: BTreeMap<PublisherId, TrustedPublisher>,
    pub(super) publisher_tokens: BTreeMap<PublisherTokenId, PublisherToken>,
    /// Until when each has to be remembered.
    pub(super) used_id_tokens: BTreeMap<Sha256Digest, Timestamp>,
}

pub(super) struct StoredToken {
    pub(super) token: Token,
    pub(super) secret: Sha256Digest,
}

pub(super) struct StoredScope {
    pub(super) created_at: Timestamp,
    /// Who made it; nobody for the scope of a username.
    pub(super) created_by: Option<UserId>,
    pub(super) require_2fa: bool,
    pub(super) members: BTreeMap<UserId, ScopeRole>,
}

pub(super) struct StoredPackage {
    pub(super) visibility: Visibility,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// Those listed with the package itself, not those of its scope.
    pub(super) owners: BTreeSet<UserId>,
    pub(super) latest: Option<LatestTag>,
    /// All tags but `latest`.
    pub(super) tags: BTreeMap<DistTag, Version>,
    /// In the order of publishing.
    pub(super) versions: Vec<StoredVersion>,
    pub(super) gates: Gates,
    /// Whether its trusted publishers alone may publish it.
    pub(super) trusted_only: bool,
}

pub(super) struct StoredVersion {
    pub(super) manifest: Manifest,
    pub(super) published_at: Timestamp,
    pub(super) published_by: UserId,
    /// The name of the trusted publisher that published it.
    pub(super) publisher: Option<String>,
    pub(super) yanked: Option<YankState>,
    pub(super) texts: VersionTexts,
    pub(super) archive: ArchiveKey,
    pub(super) sha256: Sha256Digest,
    pub(super) archive_size: u64,
    pub(super) files: Vec<ArchiveFile>,
    pub(super) readme: Option<String>,
    pub(super) status: VersionStatus,
    pub(super) wanted_tag: Option<DistTag>,
    /// In the order in which they were made.
    pub(super) approvals: Vec<StoredApproval>,
    /// In the order in which they were made; the last is that of a quarantine that lasts, unless it was lifted.
    pub(super) recalls: Vec<StoredRecall>,
    /// The last of each eval, by name.
    pub(super) evals: BTreeMap<EvalName, EvalResult>,
    pub(super) days: BTreeMap<Date, u64>,
    /// The downloads of days that were dropped.
    pub(super) dropped_downloads: u64,
    /// The sum of both as of the last refresh.
    pub(super) downloads: u64,
}

pub(super) struct StoredApproval {
    pub(super) approver: UserId,
    pub(super) status: ApprovalStatus,
    pub(super) comment: Option<String>,
    pub(super) at: Timestamp,
}

pub(super) struct StoredRecall {
    pub(super) quarantine: QuarantineState,
    pub(super) lifted_at: Option<Timestamp>,
}

pub(super) struct StoredUpload {
    pub(super) user: UserId,
    pub(super) lease_until: Timestamp,
    pub(super) abandoned_at: Option<Timestamp>,
}

impl Tables {
    pub(super) fn user_named(&self, name: &Username) -> Option<&User> {
        self.users.values().map(|account| &account.user).find(|user| user.username == *name)
    }

    /// Whether the account is there and not disabled.
    pub(super) fn is_enabled(&self, id: UserId) -> bool {
        self.users.get(&id).is_some_and(|account| !account.user.disabled)
    }

    pub(super) fn username(&self, id: UserId) -> Option<&Username> {
        self.users.get(&id).map(|account| &account.user.username)
    }

    /// The owners of a package: those listed, and those of its scope.
    pub(super) fn owners(&self, name: &PackageName, package: &StoredPackage) -> BTreeSet<UserId> {
        package.owners.iter().copied().chain(self.scope_owners(name)).collect()
    }

    /// The owners of the scope a package is in.
    pub(super) fn scope_owners(&self, name: &PackageName) -> impl Iterator<Item = UserId> + '_ {
        let scope = name.scope().and_then(|scope| self.scopes.get(&scope));
        scope.into_iter().flat_map(StoredScope::owners)
    }

    pub(super) fn append(&mut self, entry: &NewAuditEntry) {
        self.audit.push(AuditEntry { entry: entry.clone(), chained: None });
    }
}

impl StoredVersion {
    /// Whether lists of versions within that reach hold it.
    pub(super) fn is_listed(&self, reach: Reach) -> bool {
        reach.includes_version(self.status) && !self.status.is_removed()
    }
}

impl StoredScope {
    pub(super) fn owners(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().filter(|(_, role)| **role == ScopeRole::Owner).map(|(user, _)| *user)
    }
}

impl StoredPackage {
    pub(super) fn version(&self, version: &Version) -> Option<&StoredVersion> {
        self.versions.iter().find(|one| one.manifest.version == *version)
    }

    /// The version of `latest`; where there is none, the newest that is listed.
    pub(super) fn foremost(&self, reach: Reach) -> Option<&StoredVersion> {
        let newest = || self.versions.iter().rev().find(|one| one.is_listed(reach));
        self.latest.as_ref().and_then(|latest| self.version(&latest.version)).or_else(newest)
    }

    /// Whether everybody sees it.
    pub(super) fn is_public(&self) -> bool {
        !self.visibility.is_private() && self.has_open_version()
    }

    /// Whether it has a version that everybody sees who sees the package.
    pub(super) fn has_open_version(&self) -> bool {
        self.versions.iter().any(|one| one.status.is_open())
    }

    pub(super) fn dist_tags(&self) -> BTreeMap<DistTag, Version> {
        let latest = self.latest.iter().map(|latest| (DistTag::latest(), latest.version.clone()));
        latest.chain(self.tags.iter().map(|(tag, version)| (tag.clone(), version.clone()))).collect()
    }

    pub(super) fn downloads(&self) -> u64 {
        self.versions.iter().map(|version| version.downloads).sum()
    }

    /// The number of every version in the order of publishing, and whether it may be chosen.
    pub(super) fn published(&self) -> Vec<PublishedVersion> {
        let published =
            |one: &StoredVersion| PublishedVersion::new(one.manifest.version.clone(), one.yanked.is_some(), one.status);
        self.versions.iter().map(published).collect()
    }
}
