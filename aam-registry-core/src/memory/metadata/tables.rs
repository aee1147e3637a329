use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};

use crate::{
    error::{Error, Result},
    types::{
        AccountState, Actor, ArchiveFile, ArchiveKey, AuditEntry, Credential, DistTag, DownloadBatchId, LatestPolicy,
        LatestTag, Manifest, NewAuditEntry, PackageName, PublishedVersion, Rights, ScopeName, ScopeRole, Sha256Digest,
        Token, TokenId, UploadId, User, UserId, Username, Version, is_session_ended,
    },
};

/// All that is stored.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) users: BTreeMap<UserId, AccountState>,
    /// Until when a revocation has to be remembered, by user and session.
    pub(super) revoked_sessions: BTreeMap<(UserId, String), Timestamp>,
    pub(super) tokens: BTreeMap<TokenId, StoredToken>,
    /// The ids of tokens that there were.
    pub(super) revoked_tokens: BTreeSet<TokenId>,
    pub(super) scopes: BTreeMap<ScopeName, StoredScope>,
    pub(super) packages: BTreeMap<PackageName, StoredPackage>,
    pub(super) uploads: BTreeMap<UploadId, StoredUpload>,
    /// The batches of downloads that were added.
    pub(super) download_batches: BTreeSet<DownloadBatchId>,
    /// In the order of their append; the first `sequenced` have a position.
    pub(super) audit: Vec<AuditEntry>,
    pub(super) sequenced: usize,
}

pub(super) struct StoredToken {
    pub(super) token: Token,
    pub(super) secret: Sha256Digest,
}

pub(super) struct StoredScope {
    pub(super) created_at: Timestamp,
    pub(super) members: BTreeMap<UserId, ScopeRole>,
}

pub(super) struct StoredPackage {
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// Those listed with the package itself, not those of its scope.
    pub(super) owners: BTreeSet<UserId>,
    pub(super) latest: Option<LatestTag>,
    /// All tags but `latest`.
    pub(super) tags: BTreeMap<DistTag, Version>,
    /// In the order of publishing.
    pub(super) versions: Vec<StoredVersion>,
}

pub(super) struct StoredVersion {
    pub(super) manifest: Manifest,
    pub(super) published_at: Timestamp,
    pub(super) published_by: UserId,
    pub(super) yanked: Option<StoredYank>,
    pub(super) deprecated: Option<String>,
    pub(super) archive: ArchiveKey,
    pub(super) sha256: Sha256Digest,
    pub(super) archive_size: u64,
    pub(super) files: Vec<ArchiveFile>,
    pub(super) readme: Option<String>,
    pub(super) days: BTreeMap<Date, u64>,
    /// The sum of `days` as of the last refresh.
    pub(super) downloads: u64,
}

#[derive(Clone)]
pub(super) struct StoredYank {
    pub(super) at: Timestamp,
    pub(super) reason: Option<String>,
}

pub(super) struct StoredUpload {
    pub(super) user: UserId,
    pub(super) lease_until: Timestamp,
    pub(super) abandoned_at: Option<Timestamp>,
}

impl Tables {
    /// Requires that the actor exists, is not disabled and holds a live credential.
    pub(super) fn require_live(&self, actor: &Actor, now: Timestamp) -> Result<&User> {
        let account = self.users.get(&actor.user).filter(|account| !account.user.disabled);
        let account = account.ok_or_else(Error::credential_ended)?;
        let live = match &actor.credential {
            Credential::Session { id, generation, expires_at } => {
                let (current, kept) = (account.session_generation, account.kept_session.as_deref());
                *expires_at > now
                    && !is_session_ended(id, *generation, current, kept)
                    && !self.revoked_sessions.contains_key(&(actor.user, id.clone()))
            }
            Credential::Token(id) => self.tokens.get(id).is_some_and(|stored| {
                stored.token.user == actor.user && stored.token.expires_at.is_none_or(|end| end > now)
            }),
            Credential::Operator | Credential::Host => true,
        };
        if live { Ok(&account.user) } else { Err(Error::credential_ended()) }
    }

    /// What the actor, who is live, is to a package.
    pub(super) fn rights(&self, actor: &Actor, name: &PackageName) -> Rights {
        let is_admin = self.users.get(&actor.user).is_some_and(|account| account.user.is_admin);
        Rights {
            admin: actor.as_admin && is_admin,
            package_owner: self.packages.get(name).is_some_and(|package| package.owners.contains(&actor.user)),
            scope_role: name.scope().and_then(|scope| self.scopes.get(&scope)?.members.get(&actor.user).copied()),
        }
    }

    pub(super) fn user_named(&self, name: &Username) -> Option<&User> {
        self.users.values().map(|account| &account.user).find(|user| user.username == *name)
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

impl StoredScope {
    pub(super) fn owners(&self) -> impl Iterator<Item = UserId> + '_ {
        self.members.iter().filter(|(_, role)| **role == ScopeRole::Owner).map(|(user, _)| *user)
    }

    /// Whether `user` is the only owner.
    pub(super) fn has_only_owner(&self, user: UserId) -> bool {
        self.owners().eq([user])
    }
}

impl StoredPackage {
    pub(super) fn version(&self, version: &Version) -> Option<&StoredVersion> {
        self.versions.iter().find(|one| one.manifest.version == *version)
    }

    /// The version of `latest`; where there is none, the newest.
    pub(super) fn foremost(&self) -> Option<&StoredVersion> {
        self.latest.as_ref().and_then(|latest| self.version(&latest.version)).or_else(|| self.versions.last())
    }

    pub(super) fn dist_tags(&self) -> BTreeMap<DistTag, Version> {
        let latest = self.latest.iter().map(|latest| (DistTag::latest(), latest.version.clone()));
        latest.chain(self.tags.iter().map(|(tag, version)| (tag.clone(), version.clone()))).collect()
    }

    pub(super) fn downloads(&self) -> u64 {
        self.versions.iter().map(|version| version.downloads).sum()
    }

    /// Recomputes `latest` and gives what it was before.
    pub(super) fn recompute_latest(&mut self, policy: LatestPolicy) -> Option<LatestTag> {
        let next = policy.recompute(self.latest.as_ref(), &self.published());
        std::mem::replace(&mut self.latest, next)
    }

    /// The number of every version in the order of publishing, and whether it may be chosen.
    pub(super) fn published(&self) -> Vec<PublishedVersion> {
        let published = |one: &StoredVersion| PublishedVersion {
            version: one.manifest.version.clone(),
            visible: one.yanked.is_none(),
        };
        self.versions.iter().map(published).collect()
    }

    /// Sets a tag, `latest` by hand included; whether that changed what it names.
    pub(super) fn set_tag(&mut self, tag: &DistTag, version: Version) -> bool {
        if tag.is_latest() {
            let changed = self.latest.as_ref().is_none_or(|latest| latest.version != version);
            self.latest = Some(LatestTag::set_by_hand(version, self.latest.as_ref()));
            changed
        } else {
            self.tags.insert(tag.clone(), version.clone()) != Some(version)
        }
    }
}
