//! What commands are decided by.

use super::tables::{StoredPackage, StoredScope, StoredVersion, Tables};
use crate::{
    decide::{
        CallerAccount, CallerFacts, CallerPublisher, CallerToken, ExistingVersion, LatestFacts, MemberChange,
        MemberFacts, MemberState, NewToken, NewTokenFacts, OwnerState, PackageAccess, PackageFacts, PackageReads,
        PackageState, PublishFacts, Usage, VersionState,
    },
    types::{Actor, Credential, Gates, PackageName, PublisherTokenId, ScopeRole, TokenId, UserId, Username, Version},
};

impl Tables {
    pub(super) fn caller(&self, actor: &Actor) -> CallerFacts {
        let account = self.users.get(&actor.user).map(|account| CallerAccount {
            roles: account.user.roles,
            disabled: account.user.disabled,
            session_generation: account.session_generation,
            kept_session: account.kept_session.clone(),
            has_second_factor: account.user.otp_enabled,
        });
        let (mut session_revoked, mut token, mut publisher) = (false, None, None);
        match &actor.credential {
            Credential::Session { id, .. } => {
                session_revoked = self.revoked_sessions.contains_key(&(actor.user, id.clone()));
            }
            Credential::Token(id) => {
                let held = self.tokens.get(id).filter(|stored| stored.token.user == actor.user);
                token = held.map(|stored| CallerToken { expires_at: stored.token.expires_at });
            }
            Credential::Publisher { token, .. } => publisher = self.caller_publisher(*token),
            Credential::Operator | Credential::Host => {}
        }
        CallerFacts { account, session_revoked, token, publisher }
    }

    fn caller_publisher(&self, token: PublisherTokenId) -> Option<CallerPublisher> {
        let token = self.publisher_tokens.get(&token)?;
        let publisher = self.publishers.get(&token.publisher)?;
        Some(CallerPublisher {
            package: publisher.package.clone(),
            pending: publisher.pending,
            expires_at: token.expires_at,
            created_by: publisher.created_by,
            creator_is_enabled: self.is_enabled(publisher.created_by),
            creator_role: self.scope_role(&publisher.package, publisher.created_by),
        })
    }

    pub(super) fn token_owner(&self, id: TokenId) -> Option<UserId> {
        self.tokens.get(&id).map(|stored| stored.token.user)
    }

    pub(super) fn member_facts(&self, change: &MemberChange) -> MemberFacts {
        let scope = self.scopes.get(&change.scope);
        let role = |user: UserId| scope.and_then(|scope| scope.members.get(&user).copied());
        MemberFacts {
            caller: self.caller(&change.actor),
            scope_exists: scope.is_some(),
            scope_requires_2fa: scope.is_some_and(|scope| scope.require_2fa),
            role: role(change.actor.user),
            member: self.user_named(&change.member).map(|user| MemberState { user: user.id, role: role(user.id) }),
            other_owners: scope.map_or(0, |scope| self.enabled_but(scope.owners(), &change.member)),
            member_count: scope.map_or(0, |scope| scope.members.len() as u64),
        }
    }

    /// How many of those users are not disabled and not `but`.
    fn enabled_but(&self, users: impl Iterator<Item = UserId>, but: &Username) -> u64 {
        let counts = |user: &UserId| {
            self.users.get(user).is_some_and(|account| !account.user.disabled && account.user.username != *but)
        };
        users.filter(counts).count() as u64
    }

    pub(super) fn package_access(&self, actor: &Actor, name: &PackageName) -> PackageAccess {
        let package = self.packages.get(name);
        PackageAccess {
            caller: self.caller(actor),
            package_owner: package.is_some_and(|package| package.owners.contains(&actor.user)),
            scope_role: self.scope_role(name, actor.user),
            scope_requires_2fa: name
                .scope()
                .and_then(|scope| self.scopes.get(&scope))
                .is_some_and(|scope| scope.require_2fa),
            package: package.map(|package| PackageState {
                updated_at: package.updated_at,
                visibility: package.visibility,
                trusted_only: package.trusted_only,
                has_open_version: package.has_open_version(),
            }),
        }
    }

    pub(super) fn package_facts(&self, reads: PackageReads<'_>) -> PackageFacts {
        let access = self.package_access(reads.actor, reads.package);
        let Some(package) = self.packages.get(reads.package) else {
            return PackageFacts { access, ..PackageFacts::default() };
        };
        let user = reads.user.and_then(|name| self.user_named(name));
        PackageFacts {
            access,
            version: reads.version.and_then(|version| package.version(version)).map(|found| package.state(found)),
            latest: package.latest_facts(),
            tag: reads.tag.and_then(|tag| package.tags.get(tag).cloned()),
            gates: if reads.gates { package.gates.clone() } else { Gates::new() },
            tag_count: package.tags.len() as u64,
            user: user.map(|user| OwnerState {
                user: user.id,
                package_owner: package.owners.contains(&user.id),
                scope_role: self.scope_role(reads.package, user.id),
            }),
            other_owners: reads.user.map_or(0, |user| self.enabled_but(package.owners.iter().copied(), user)),
            owner_count: package.owners.len() as u64,
        }
    }

    pub(super) fn publish_facts(&self, actor: &Actor, name: &PackageName, version: &Version) -> PublishFacts {
        let package = self.packages.get(name);
        let existing = package.and_then(|package| package.version(version)).map(|found| ExistingVersion {
            version: found.manifest.version.clone(),
            sha256: found.sha256,
            status: found.status,
        });
        let key = name.similarity_key();
        let mut unscoped = self.packages.keys().filter(|other| other.scope().is_none());
        PublishFacts {
            access: self.package_access(actor, name),
            scope_exists: name.scope().is_some_and(|scope| self.scopes.contains_key(&scope)),
            existing,
            similar: unscoped.find(|other| other.similarity_key() == key).cloned(),
            usage: self.usage(name),
            upload_is_live: false,
            tag_is_set: false,
            tag_count: 0,
            latest: package.map(StoredPackage::latest_facts).unwrap_or_default(),
            gates: Gates::new(),
        }
    }

    /// How much there is of what a publish of that package adds to.
    fn usage(&self, name: &PackageName) -> Usage {
        let kept = |package: &StoredPackage| {
            let kept = package.versions.iter().filter(|version| !version.status.is_removed());
            kept.map(|version| version.archive_size).fold((0, 0), |(count, size), more| (count + 1, size + more))
        };
        let versions = self.packages.get(name).map_or(0, |package| kept(package).0);
        let Some(scope) = name.scope() else { return Usage { versions, ..Usage::default() } };
        let inside = self.packages.iter().filter(|(other, _)| other.scope().as_ref() == Some(&scope));
        let (packages, storage) = inside.fold((0, 0), |(count, size), (_, one)| (count + 1, size + kept(one).1));
        Usage { packages, storage, versions }
    }

    pub(super) fn new_token_facts(&self, new: &NewToken) -> NewTokenFacts {
        let (user, now) = (new.actor.user, new.audit.timestamp);
        let live = self.tokens.values().filter(|stored| stored.token.user == user && !stored.token.is_expired(now));
        NewTokenFacts { caller: self.caller(&new.actor), live_tokens: live.count() as u64 }
    }

    pub(super) fn scope_role(&self, name: &PackageName, user: UserId) -> Option<ScopeRole> {
        let scope: &StoredScope = name.scope().and_then(|scope| self.scopes.get(&scope))?;
        scope.members.get(&user).copied()
    }
}

impl StoredPackage {
    fn latest_facts(&self) -> LatestFacts {
        LatestFacts { tag: self.latest.clone(), published: self.published() }
    }

    fn state(&self, found: &StoredVersion) -> VersionState {
        let version = found.manifest.version.clone();
        let yanked = found.yanked.clone();
        let tags = self.tags.iter().filter(|(_, named)| **named == version).map(|(tag, _)| tag.clone()).collect();
        let evals = found.evals.values().map(|result| (result.name.clone(), result.status)).collect();
        VersionState {
            version,
            yanked,
            texts: found.texts.clone(),
            tags,
            status: found.status,
            published_by: found.published_by,
            wanted_tag: found.wanted_tag.clone(),
            wanted_tag_is_set: found.wanted_tag.as_ref().is_some_and(|tag| self.tags.contains_key(tag)),
            last_decision: found.approvals.last().map(|approval| approval.status),
            archive: found.archive.clone(),
            evals,
        }
    }
}
