//! What holds whatever commands come, in whatever order: small worlds in
//! memory that commands are decided for and applied to, one after the other.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{NOW, actor, caller, commit, entry, user, username};
use crate::{
    decide::{
        AccountActor, AccountChange, AccountFacts, AccountUpdate, Action, CallerAccount, CallerFacts, CallerToken,
        Changes, ExistingVersion, LatestFacts, MemberChange, MemberFacts, MemberState, NewToken, NewTokenFacts,
        OwnerChange, OwnerState, PackageAccess, PackageCommand, PackageFacts, PackageState, PublishCommit,
        PublishFacts, Rights, TagChange, Unyank, VersionState, Write, Yank, YankState,
    },
    error::{Error, Result},
    types::{
        AccountRole, AccountRoles, AccountState, Actor, ArchiveKey, Credential, DistTag, LatestPolicy, LatestTag,
        PackageName, PublishedVersion, ScopeRole, Sha256Digest, TagRules, Token, TokenId, TokenScope, TokenScopes,
        UploadId, User, UserId, Version, VersionStatus, VersionTexts, Visibility,
    },
};

/// How many users there are; the last one is an administrator.
const USERS: usize = super::ADMIN + 1;

/// A scope or a package: who has a role in the one, and who is listed with the other.
#[derive(Clone, Debug, Default)]
struct People {
    roles: BTreeMap<UserId, ScopeRole>,
    owners: Vec<UserId>,
}

impl People {
    fn member_facts(&self, change: &MemberChange, by: usize, member: usize) -> MemberFacts {
        let role = |at| self.roles.get(&user(at)).copied();
        MemberFacts {
            member_count: 2,
            caller: caller(by),
            scope_exists: change.scope.as_str() == "team",
            scope_requires_2fa: false,
            role: role(by),
            member: Some(MemberState { user: user(member), role: role(member) }),
            other_owners: self
                .roles
                .iter()
                .filter(|(id, role)| **id != user(member) && **role == ScopeRole::Owner)
                .count() as u64,
        }
    }

    fn owner_facts(&self, by: usize, owner: usize) -> PackageFacts {
        let role = |at| self.roles.get(&user(at)).copied();
        PackageFacts {
            access: PackageAccess {
                caller: caller(by),
                package_owner: self.owners.contains(&user(by)),
                scope_role: role(by),
                scope_requires_2fa: false,
                package: Some(PackageState {
                    updated_at: NOW,
                    visibility: Visibility::Public,
                    trusted_only: false,
                    has_open_version: true,
                }),
            },
            user: Some(OwnerState {
                user: user(owner),
                package_owner: self.owners.contains(&user(owner)),
                scope_role: role(owner),
            }),
            other_owners: self.owners.iter().filter(|id| **id != user(owner)).count() as u64,
            ..PackageFacts::default()
        }
    }

    fn apply(&mut self, changes: Changes<'_>) {
        assert_eq!(changes.writes.is_empty(), changes.audit.is_empty(), "each change is on record, and nothing else");
        for write in changes.writes {
            match write {
                Write::SetMember { user, role: Some(role), .. } => drop(self.roles.insert(user, role)),
                Write::SetMember { user, role: None, .. } => drop(self.roles.remove(&user)),
                Write::SetOwner { user, owns: true, .. } => self.owners.push(user),
                Write::SetOwner { user, owns: false, .. } => self.owners.retain(|one| *one != user),
                Write::Touch { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    fn change_member(&mut self, by: usize, member: usize, role: Option<ScopeRole>) -> Result<()> {
        let change = MemberChange {
            actor: actor(by),
            scope: "team".parse().expect("a scope"),
            member: username(member),
            role,
            max_members: 100,
            now: NOW,
            audit: entry(),
        };
        let facts = self.member_facts(&change, by, member);
        let changes = change.decide(&facts)?.changes;
        self.apply(changes);
        Ok(())
    }

    fn change_owner(&mut self, package: &str, by: usize, owner: usize, owns: bool) -> Result<()> {
        let package = package.parse().expect("a name");
        let (actor, owner_name) = (actor(by), username(owner));
        let change = OwnerChange { actor, package, owner: owner_name, owns, max_owners: 100, now: NOW, audit: entry() };
        let facts = self.owner_facts(by, owner);
        let changes = change.decide(&facts)?.changes;
        self.apply(changes);
        Ok(())
    }

    fn rights(&self, at: usize) -> Rights {
        Rights {
            account: AccountRoles::NONE,
            package_owner: self.owners.contains(&user(at)),
            scope_role: self.roles.get(&user(at)).copied(),
            ..Rights::default()
        }
    }
}

fn role() -> impl Strategy<Value = Option<ScopeRole>> {
    option::of(select(&ScopeRole::ALL[..]))
}

/// Who changes whose membership to what.
fn member_changes() -> impl Strategy<Value = Vec<(usize, usize, Option<ScopeRole>)>> {
    vec((0..USERS, 0..USERS, role()), 0..40)
}

proptest! {
    /// However members come and go, by owners, themselves and administrators, an owner is left.
    #[test]
    fn a_scope_keeps_an_owner(changes in member_changes()) {
        let mut team = People { roles: [(user(0), ScopeRole::Owner)].into(), ..People::default() };
        for (by, member, role) in changes {
            let owners = |team: &People| team.roles.values().filter(|role| **role == ScopeRole::Owner).count();
            let before = owners(&team);
            let result = team.change_member(by, member, role);
            prop_assert!(owners(&team) > 0);
            if let Err(Error::LastOwner(_)) = result {
                prop_assert_eq!(before, 1, "the refusal was needed");
            }
        }
    }

    /// However owners come and go, one is left of a package without a scope.
    #[test]
    fn an_unscoped_package_keeps_an_owner(changes in vec((0..USERS, 0..USERS, any::<bool>()), 0..40)) {
        let mut kit = People { owners: vec![user(0)], ..People::default() };
        for (by, owner, owns) in changes {
            let before = kit.owners.clone();
            let result = kit.change_owner("kit", by, owner, owns);
            prop_assert!(!kit.owners.is_empty());
            if result.is_err() {
                prop_assert_eq!(&kit.owners, &before, "a refusal changes nothing");
            }
        }
    }

    /// Whatever a member without the role of an owner does by itself, it may do nothing afterwards that it could not before.
    #[test]
    fn nobody_raises_oneself(
        has in select(&[None, Some(ScopeRole::Contributor), Some(ScopeRole::Member)][..]),
        changes in vec((0..USERS - 1, role(), any::<bool>(), any::<bool>()), 0..40),
    ) {
        let mut team = People { roles: [(user(0), ScopeRole::Owner)].into(), ..People::default() };
        if let Some(role) = has {
            team.roles.insert(user(1), role);
        }
        let before = team.rights(1);
        for (whose, role, of_package, owns) in changes {
            // What is refused is refused; what is not may only lessen.
            let _ = if of_package { team.change_owner("@team/kit", 1, whose, owns) } else { team.change_member(1, whose, role) };
            for action in Action::ALL {
                prop_assert!(before.permit(*action) || !team.rights(1).permit(*action), "{:?}", action);
            }
            prop_assert_eq!(team.roles.get(&user(0)), Some(&ScopeRole::Owner), "the owner is still one");
        }
    }

    /// However administrators grant, revoke and are disabled, by each other or the operator, one is left who can act.
    #[test]
    fn the_registry_keeps_an_administrator(
        changes in vec((option::of(0..USERS), 0..USERS, roles(), roles(), option::of(any::<bool>())), 0..40),
    ) {
        let mut accounts: Vec<_> = (0..USERS).map(account).collect();
        for (by, of, granted, revoked, disabled) in changes {
            let update = disabled.filter(|_| by.is_none()).map_or(AccountUpdate::Roles { granted, revoked }, AccountUpdate::Disabled);
            let change = AccountChange {
                by: by.map_or(AccountActor::Operator, |at| AccountActor::Admin(actor(at))),
                username: username(of),
                update,
                now: NOW,
                audit: vec![entry()],
            };
            let before = accounts[of].clone();
            let others = || accounts.iter().filter(|one| one.user.id != before.user.id);
            let facts = AccountFacts {
                account: Some(before.clone()),
                caller: by.map(|at| CallerFacts { account: Some(as_caller(&accounts[at])), ..CallerFacts::default() }).unwrap_or_default(),
                has_other_admin: others().any(|one| one.user.administers()),
                ..AccountFacts::default()
            };
            let may = by.is_none_or(|at| accounts[at].user.administers());
            match change.decide(&facts) {
                Ok(decision) => {
                    prop_assert!(may, "who is no administrator changes nothing");
                    for write in &decision.changes.writes {
                        match write {
                            Write::UpdateAccount(after) => accounts[of] = after.clone(),
                            Write::ForgetSessions { .. } => {}
                            other => panic!("{other:?}"),
                        }
                    }
                }
                Err(Error::LastAdmin(_)) => prop_assert!(!facts.has_other_admin && before.user.administers()),
                Err(error) => prop_assert!(!may, "{}", error),
            }
            prop_assert!(accounts.iter().any(|one| one.user.administers()));
        }
    }

    /// A token that is made with a token can do nothing that this cannot, and not
    /// for longer, through any number of generations; and it is its maker's.
    #[test]
    fn a_token_never_exceeds_the_one_it_was_made_with(
        wanted in vec((vec(select(&TokenScope::ALL[..]), 0..4), option::of(1..100_i64)), 1..12),
    ) {
        let mut held: Option<Token> = None;
        for (scopes, days) in wanted {
            let credential = held.as_ref().map_or(Credential::Host, |token| Credential::Token(token.id));
            let caller = CallerFacts {
                token: held.as_ref().map(|token| CallerToken { expires_at: token.expires_at }),
                ..caller(0)
            };
            let token = Token {
                id: TokenId::generate(),
                user: user(1),
                name: "next".into(),
                scopes: scopes.into_iter().collect(),
                packages: Vec::new(),
                created_at: NOW,
                expires_at: days.map(|days| NOW + SignedDuration::from_hours(24 * days)),
                last_used_at: None,
                last_used_from: None,
            };
            let new = NewToken {
                actor: Actor { credential, ..actor(0) },
                scopes: held.as_ref().map_or(TokenScopes::all(), |token| token.scopes),
                token,
                secret: Sha256Digest::of(b"secret"),
                max_tokens: None,
                audit: entry(),
            };
            let Ok(decision) = new.decide(&NewTokenFacts { caller: caller.clone(), live_tokens: 0 }) else { continue };
            let [Write::CreateToken { token: made, .. }] = &decision.changes.writes[..] else { panic!("{decision:?}") };
            prop_assert_eq!(made.user, user(0), "whatever user the token named");
            if let Some(held) = &held {
                prop_assert!(made.scopes.iter().all(|scope| held.scopes.contains(scope)));
                let ends = |token: &Token| token.expires_at.unwrap_or(Timestamp::MAX);
                prop_assert!(ends(made) <= ends(held));
            }
            held = Some(made.clone());
        }
    }

    /// However versions are published, yanked, unyanked and tagged, `latest`
    /// names a version that may be chosen, and none only where there is none;
    /// where nobody chose it by hand it is what the policy picks.
    #[test]
    fn latest_is_what_the_rule_says(steps in vec((0..4_u8, 0..VERSIONS.len()), 0..40), newest in any::<bool>()) {
        let policy = if newest { LatestPolicy::Newest } else { LatestPolicy::Highest };
        let mut kit = Kit { policy, ..Kit::default() };
        for (step, version) in steps {
            let version = VERSIONS[version];
            let before = kit.clone();
            if kit.step(step, version).is_err() {
                prop_assert_eq!(&kit.latest, &before.latest, "a refusal changes nothing");
            }
            let visible = || kit.latest.published.iter().filter(|one| one.visible).map(|one| &one.version);
            let named = kit.latest.tag.as_ref().map(|tag| &tag.version);
            prop_assert_eq!(named.is_none(), visible().next().is_none());
            prop_assert!(named.is_none_or(|named| visible().any(|one| one == named)));
            if let Some(LatestTag { version, instead_of: None }) = &kit.latest.tag {
                // What was chosen by hand may look so until there is another choice.
                let chosen_anew = before.latest.published != kit.latest.published;
                prop_assert!(!chosen_anew || Some(version) == policy.pick(visible()));
            }
        }
    }
}

fn roles() -> impl Strategy<Value = AccountRoles> {
    vec(select(&AccountRole::ALL[..]), 0..3).prop_map(|roles| roles.into_iter().collect())
}

/// An account; the last one is an administrator.
fn account(at: usize) -> AccountState {
    let roles = if at == super::ADMIN { AccountRoles::ADMIN } else { AccountRoles::NONE };
    let user = User {
        id: user(at),
        username: username(at),
        email: format!("user-{at}@example.com"),
        email_verified: false,
        otp_enabled: false,
        roles,
        disabled: false,
        created_at: NOW,
    };
    AccountState { user, password_hash: "hash".into(), session_generation: 0, kept_session: None }
}

/// What a decision knows of an account that acts.
fn as_caller(account: &AccountState) -> CallerAccount {
    let User { roles, disabled, .. } = account.user;
    CallerAccount { roles, disabled, ..CallerAccount::default() }
}

const VERSIONS: [&str; 5] = ["1.0.0", "2.0.0-rc.1", "2.0.0", "0.9.0", "1.0.1"];

/// A package without a scope, owned by the first user.
#[derive(Clone, Debug, Default)]
struct Kit {
    policy: LatestPolicy,
    latest: LatestFacts,
}

impl Kit {
    fn step(&mut self, step: u8, version: &str) -> Result<()> {
        let version: Version = version.parse().expect("a version");
        let package: PackageName = "kit".parse().expect("a name");
        let (actor, latest_policy, now, audit) = (actor(0), self.policy, NOW, entry());
        let facts = self.facts(&version);
        match step {
            0 => {
                let commit = PublishCommit { latest_policy, ..commit("kit", &version.to_string()) };
                let access = PackageAccess { package: facts.access.package, ..facts.access };
                let existing = facts.version.map(|VersionState { version, status, .. }| {
                    let sha256 = Sha256Digest::of(b"archive");
                    ExistingVersion { version, sha256, status }
                });
                let latest = self.latest.clone();
                let facts = PublishFacts { access, existing, upload_is_live: true, latest, ..PublishFacts::default() };
                let decision = commit.decide(&facts)?;
                let [Write::Publish(new), ..] = &decision.changes.writes[..] else { panic!("{decision:?}") };
                self.latest.published.push(PublishedVersion::new(version, false, VersionStatus::OPEN));
                self.latest.tag.clone_from(&new.latest.after);
            }
            1 => {
                let yank = Yank { actor, package, version, reason: None, latest_policy, now, audit };
                let changes = yank.decide(&facts)?.changes;
                self.apply(changes);
            }
            2 => {
                let unyank = Unyank { actor, package, version, latest_policy, now, audit };
                let changes = unyank.decide(&facts)?.changes;
                self.apply(changes);
            }
            _ => {
                let (tag, version) = (DistTag::latest(), Some(version));
                let change = TagChange { actor, package, tag, version, rules: TagRules::at_most(100), now, audit };
                let changes = change.decide(&facts)?.changes;
                self.apply(changes);
            }
        }
        Ok(())
    }

    fn facts(&self, version: &Version) -> PackageFacts {
        let found = self.latest.published.iter().find(|one| one.version == *version);
        let access = PackageAccess {
            caller: caller(0),
            package_owner: true,
            scope_role: None,
            scope_requires_2fa: false,
            package: (!self.latest.published.is_empty()).then_some(PackageState {
                updated_at: NOW,
                visibility: Visibility::Public,
                has_open_version: true,
                trusted_only: false,
            }),
        };
        let version = found.map(|one| VersionState {
            version: one.version.clone(),
            yanked: (!one.visible).then_some(YankState { at: NOW, reason: None }),
            texts: VersionTexts::default(),
            tags: Vec::new(),
            status: VersionStatus::OPEN,
            published_by: user(0),
            wanted_tag: None,
            wanted_tag_is_set: false,
            last_decision: None,
            archive: ArchiveKey::from(UploadId::generate()),
            evals: Vec::new(),
        });
        PackageFacts { access, version, latest: self.latest.clone(), ..PackageFacts::default() }
    }

    fn apply(&mut self, changes: Changes<'_>) {
        for write in changes.writes {
            match write {
                Write::SetYank { version, yanked, .. } => {
                    for one in self.latest.published.iter_mut().filter(|one| one.version == version) {
                        one.visible = yanked.is_none();
                    }
                }
                Write::MoveLatest { latest, .. } => self.latest.tag = latest.after,
                Write::Touch { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
