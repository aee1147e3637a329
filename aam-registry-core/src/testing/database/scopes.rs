//! Scopes and their members.

use futures_util::future::join_all;

use super::world::{
    actor, admin, audit_by, dead_actors, disabled_user, entry, new_scope, now, refused, scope, scope_name, session,
    stranger_name,
};
use crate::{
    decide::MemberChange,
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database},
    types::{AccountRoles, Actor, AuditEvent, ScopeMember, ScopeName, ScopeRole, Sight, Username},
};

fn change(by: &Actor, scope: &ScopeName, member: &Username, role: Option<ScopeRole>) -> MemberChange {
    let event = if role.is_some() { AuditEvent::ScopeMemberSet } else { AuditEvent::ScopeMemberRemove };
    let (scope, member) = (scope.clone(), member.clone());
    MemberChange { actor: by.clone(), scope, member, role, max_members: 100, now: now(), audit: entry(event, by) }
}

async fn set(db: &dyn Database, by: &Actor, scope: &ScopeName, member: &Actor, role: ScopeRole) -> Result<()> {
    db.execute(&change(by, scope, &member.username, Some(role))).await
}

async fn remove(db: &dyn Database, by: &Actor, scope: &ScopeName, member: &Actor) -> Result<()> {
    db.execute(&change(by, scope, &member.username, None)).await
}

/// The members of a scope, by name.
async fn members(db: &dyn Database, scope: &ScopeName) -> Vec<(Username, ScopeRole)> {
    let scope = db.scope(scope, &Sight::unrestricted()).await.expect("read").expect("a scope");
    scope.members.into_iter().map(|ScopeMember { username, role }| (username, role)).collect()
}

fn by_name<const N: usize>(members: [(&Actor, ScopeRole); N]) -> Vec<(Username, ScopeRole)> {
    let mut members = members.map(|(actor, role)| (actor.username.clone(), role)).to_vec();
    members.sort_by(|a, b| a.0.cmp(&b.0));
    members
}

/// How many audit entries about changes of members `actor` has.
async fn changes(db: &dyn Database, actor: &Actor) -> usize {
    let of_members = [AuditEvent::ScopeMemberSet, AuditEvent::ScopeMemberRemove];
    audit_by(db, actor).await.iter().filter(|one| of_members.contains(&one.entry.event)).count()
}

/// The user who creates a scope owns it, and the creation is in the audit log.
pub async fn a_new_scope_is_its_makers(db: &dyn Database) {
    let (actor, name, at) = (actor(db).await, scope_name(), now());
    db.execute(&new_scope(&actor, &name, at, &entry(AuditEvent::ScopeCreate, &actor))).await.expect("create");
    let scope = db.scope(&name, &Sight::unrestricted()).await.expect("read").expect("a scope");
    assert_eq!((scope.name, scope.created_at), (name.clone(), at));
    assert_eq!(members(db, &name).await, by_name([(&actor, ScopeRole::Owner)]));

    let mut expected = vec![name, ScopeName::from(&actor.username)];
    expected.sort();
    let scopes = db.scopes_of(actor.user, 100).await.expect("read");
    assert_eq!(db.scopes_of(actor.user, 1).await.expect("read"), scopes[..1], "no more than asked for");
    assert_eq!(scopes, expected.into_iter().map(|name| (name, ScopeRole::Owner)).collect::<Vec<_>>());
    let made = audit_by(db, &actor).await.iter().filter(|one| one.entry.event == AuditEvent::ScopeCreate).count();
    assert_eq!(made, 1);
}

/// `ScopeExists`, for its owner and for others.
pub async fn a_scope_is_taken_once(db: &dyn Database) {
    let (owner, other) = (actor(db).await, actor(db).await);
    let name = scope(db, &owner).await;
    for actor in [&owner, &other] {
        let again = db.execute(&new_scope(actor, &name, now(), &entry(AuditEvent::ScopeCreate, actor))).await;
        refused(again, ErrorCode::ScopeExists);
    }
    assert_eq!(members(db, &name).await, by_name([(&owner, ScopeRole::Owner)]));
    assert!(audit_by(db, &other).await.iter().all(|one| one.entry.event != AuditEvent::ScopeCreate));
}

/// `ScopeExists` for the name of a user.
pub async fn the_name_of_a_user_is_no_free_scope(db: &dyn Database) {
    let (actor, other) = (actor(db).await, actor(db).await);
    let name = ScopeName::from(&other.username);
    let made = db.execute(&new_scope(&actor, &name, now(), &entry(AuditEvent::ScopeCreate, &actor))).await;
    refused(made, ErrorCode::ScopeExists);
}

/// Of several users who create a scope concurrently, one succeeds and the others fail with
/// `ScopeExists`.
pub async fn of_scopes_made_at_once_one_is_made(db: &dyn Database) {
    let name = scope_name();
    let actors = join_all((0..6).map(|_| actor(db))).await;
    let results =
        join_all(actors.iter().map(async |actor| {
            db.execute(&new_scope(actor, &name, now(), &entry(AuditEvent::ScopeCreate, actor))).await
        }))
        .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::ScopeExists);
    }
    assert_eq!(members(db, &name).await.len(), 1);
}

/// Owners add members, change their roles and remove them; each change is in the audit log.
pub async fn members_come_and_change_and_go(db: &dyn Database) {
    let (owner, member) = (actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    for role in [ScopeRole::Contributor, ScopeRole::Member, ScopeRole::Owner, ScopeRole::Member] {
        set(db, &owner, &scope, &member, role).await.expect("set");
        assert_eq!(members(db, &scope).await, by_name([(&owner, ScopeRole::Owner), (&member, role)]));
        assert!(db.scopes_of(member.user, 100).await.expect("read").contains(&(scope.clone(), role)));
    }
    remove(db, &owner, &scope, &member).await.expect("remove");
    assert_eq!(members(db, &scope).await, by_name([(&owner, ScopeRole::Owner)]));
    assert_eq!(db.scopes_of(member.user, 100).await.expect("read").len(), 1, "only its own");
    assert_eq!(changes(db, &owner).await, 5);
}

/// `Forbidden` for members, contributors and others.
pub async fn only_owners_change_members(db: &dyn Database) {
    let (owner, member, contributor, other) = (actor(db).await, actor(db).await, actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    set(db, &owner, &scope, &member, ScopeRole::Member).await.expect("set");
    set(db, &owner, &scope, &contributor, ScopeRole::Contributor).await.expect("set");
    for by in [&member, &contributor, &other] {
        refused(set(db, by, &scope, &other, ScopeRole::Contributor).await, ErrorCode::Forbidden);
        refused(set(db, by, &scope, by, ScopeRole::Owner).await, ErrorCode::Forbidden);
        refused(remove(db, by, &scope, &owner).await, ErrorCode::Forbidden);
        assert_eq!(changes(db, by).await, 0);
    }
    assert_eq!(members(db, &scope).await.len(), 3);
}

/// An administrator may, if the credential allows acting as one.
pub async fn an_administrator_changes_members(db: &dyn Database) {
    let (owner, member, admin) = (actor(db).await, actor(db).await, admin(db).await);
    let scope = scope(db, &owner).await;
    let plain = Actor { roles: AccountRoles::NONE, ..admin.clone() };
    refused(set(db, &plain, &scope, &member, ScopeRole::Member).await, ErrorCode::Forbidden);
    let impostor = Actor { roles: AccountRoles::all(), ..member.clone() };
    refused(set(db, &impostor, &scope, &member, ScopeRole::Member).await, ErrorCode::Forbidden);
    set(db, &admin, &scope, &member, ScopeRole::Member).await.expect("set");
    remove(db, &admin, &scope, &member).await.expect("remove");
}

/// A member with any role can leave.
pub async fn a_member_may_leave(db: &dyn Database) {
    let (owner, other) = (actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    for role in [ScopeRole::Contributor, ScopeRole::Member, ScopeRole::Owner] {
        set(db, &owner, &scope, &other, role).await.expect("set");
        remove(db, &other, &scope, &other).await.expect("leave");
        assert_eq!(members(db, &scope).await, by_name([(&owner, ScopeRole::Owner)]));
    }
}

/// `LastOwner`, whether the owner would be removed or get a lower role.
pub async fn the_last_owner_stays(db: &dyn Database) {
    let (owner, other) = (actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    set(db, &owner, &scope, &other, ScopeRole::Member).await.expect("set");
    refused(remove(db, &owner, &scope, &owner).await, ErrorCode::LastOwner);
    refused(set(db, &owner, &scope, &owner, ScopeRole::Member).await, ErrorCode::LastOwner);
    set(db, &owner, &scope, &owner, ScopeRole::Owner).await.expect("staying is fine");

    set(db, &owner, &scope, &other, ScopeRole::Owner).await.expect("set");
    set(db, &other, &scope, &owner, ScopeRole::Contributor).await.expect("no longer the last");
    refused(remove(db, &other, &scope, &other).await, ErrorCode::LastOwner);
    let expected = by_name([(&owner, ScopeRole::Contributor), (&other, ScopeRole::Owner)]);
    assert_eq!(members(db, &scope).await, expected);
}

/// `LastOwner`: an owner whose account is disabled does not count.
pub async fn a_disabled_owner_is_not_the_one_that_stays(db: &dyn Database) {
    let (owner, gone) = (actor(db).await, session(&disabled_user(db).await));
    let scope = scope(db, &owner).await;
    set(db, &owner, &scope, &gone, ScopeRole::Owner).await.expect("set");
    refused(remove(db, &owner, &scope, &owner).await, ErrorCode::LastOwner);
    refused(set(db, &owner, &scope, &owner, ScopeRole::Member).await, ErrorCode::LastOwner);
    remove(db, &owner, &scope, &gone).await.expect("an owner is left");
}

/// `Forbidden`, even if the scope with a user's name has other owners.
pub async fn a_user_keeps_the_scope_of_its_name(db: &dyn Database) {
    let (user, other) = (actor(db).await, actor(db).await);
    let scope = ScopeName::from(&user.username);
    set(db, &user, &scope, &other, ScopeRole::Owner).await.expect("share");
    for by in [&user, &other] {
        refused(set(db, by, &scope, &user, ScopeRole::Member).await, ErrorCode::Forbidden);
        refused(remove(db, by, &scope, &user).await, ErrorCode::Forbidden);
    }
    set(db, &other, &scope, &user, ScopeRole::Owner).await.expect("it is so already");
    remove(db, &user, &scope, &other).await.expect("others may go");
    assert_eq!(members(db, &scope).await, by_name([(&user, ScopeRole::Owner)]));
}

/// A user who may not change members gets the same refusal whether or not the other person is a member
/// or a user.
pub async fn a_refusal_does_not_tell_who_is_there(db: &dyn Database) {
    let (owner, stranger) = (actor(db).await, actor(db).await);
    let scope = ScopeName::from(&owner.username);
    let mut told = Vec::new();
    for person in [owner.username.clone(), actor(db).await.username, stranger_name()] {
        let set = db.execute(&change(&stranger, &scope, &person, Some(ScopeRole::Member))).await;
        let remove = db.execute(&change(&stranger, &scope, &person, None)).await;
        told.push([set, remove].map(|result| {
            let error = result.expect_err("refused");
            (error.code(), error.to_string())
        }));
    }
    assert!(
        told.iter().flatten().all(|refusal| refusal.0 == ErrorCode::Forbidden && *refusal == told[0][0]),
        "{told:?}"
    );
}

/// However many owners leave at once, one remains.
pub async fn two_owners_leaving_at_once_leave_one(db: &dyn Database) {
    let owners = [actor(db).await, actor(db).await, actor(db).await];
    let scope = scope(db, &owners[0]).await;
    for owner in &owners[1..] {
        set(db, &owners[0], &scope, owner, ScopeRole::Owner).await.expect("set");
    }
    let results = join_all(owners.iter().map(|owner| remove(db, owner, &scope, owner))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2);
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::LastOwner);
    }
    assert_eq!(members(db, &scope).await.len(), 1);
}

/// `ScopeNotFound`, or `UserNotFound` in an existing scope.
pub async fn unknown_scopes_and_users_are_told_apart(db: &dyn Database) {
    let (owner, member) = (actor(db).await, actor(db).await);
    let (scope, nowhere) = (scope(db, &owner).await, scope_name());
    assert_eq!(db.scope(&nowhere, &Sight::unrestricted()).await.expect("read"), None);
    refused(set(db, &owner, &nowhere, &member, ScopeRole::Member).await, ErrorCode::ScopeNotFound);
    refused(remove(db, &owner, &nowhere, &member).await, ErrorCode::ScopeNotFound);
    let nobody = stranger_name();
    let set = db.execute(&change(&owner, &scope, &nobody, Some(ScopeRole::Member))).await;
    refused(set, ErrorCode::UserNotFound);
    refused(db.execute(&change(&owner, &scope, &nobody, None)).await, ErrorCode::UserNotFound);
    assert_eq!(changes(db, &owner).await, 0);
}

/// Setting the role that a member has, or removing a user who is not a member, succeeds and leaves no
/// audit entry.
pub async fn a_membership_that_is_so_already_is_no_change(db: &dyn Database) {
    let (owner, member) = (actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    remove(db, &owner, &scope, &member).await.expect("nobody to remove");
    remove(db, &member, &scope, &member).await.expect("nobody to leave");
    set(db, &owner, &scope, &member, ScopeRole::Member).await.expect("set");
    set(db, &owner, &scope, &member, ScopeRole::Member).await.expect("the same again");
    assert_eq!((changes(db, &owner).await, changes(db, &member).await), (1, 0));
}

/// A deleted or disabled user, or one who logged out, creates no scope and changes no member.
pub async fn a_dead_credential_changes_no_scope(db: &dyn Database) {
    let (owner, member) = (actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    for (what, dead) in dead_actors(db, &owner).await {
        let name = scope_name();
        let made = db.execute(&new_scope(&dead, &name, now(), &entry(AuditEvent::ScopeCreate, &dead))).await;
        assert_eq!(made.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
        assert_eq!(db.scope(&name, &Sight::unrestricted()).await.expect("read"), None, "{what}");
        let set = set(db, &dead, &scope, &member, ScopeRole::Member).await;
        assert_eq!(set.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
        let left = remove(db, &dead, &scope, &dead).await;
        assert_eq!(left.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
    }
    assert_eq!(members(db, &scope).await, by_name([(&owner, ScopeRole::Owner)]));
}

/// `QuotaExceeded` for one member more than a scope may have, also if several are added at once; roles may still be
/// changed.
pub async fn a_scope_has_no_more_members_than_it_may(db: &dyn Database) {
    let (owner, first, second) = (actor(db).await, actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    let two =
        |member: &Actor, role| MemberChange { max_members: 2, ..change(&owner, &scope, &member.username, Some(role)) };
    let changes = [two(&first, ScopeRole::Member), two(&second, ScopeRole::Member)];
    let results = join_all(changes.iter().map(|change| db.execute(change))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let (added, other) = if results[0].is_ok() { (&first, &second) } else { (&second, &first) };
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::QuotaExceeded);
    }
    db.execute(&two(added, ScopeRole::Contributor)).await.expect("a role changes");
    remove(db, &owner, &scope, added).await.expect("remove");
    db.execute(&two(other, ScopeRole::Member)).await.expect("there is room again");
}
