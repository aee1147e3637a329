//! Owners of packages.

use futures_util::future::join_all;

use super::world::{
    actor, admin, audit_of, dead_actors, disabled_user, entry, now, package_name, publish, published, refused, scope,
    scoped_name, session, stranger_name,
};
use crate::{
    decide::{MemberChange, OwnerChange},
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database},
    types::{Actor, AuditEvent, Collaborator, PackageName, Reach, Scope, ScopeRole, Sight, Username},
};

fn change(by: &Actor, package: &PackageName, owner: &Username, event: AuditEvent) -> OwnerChange {
    let audit = entry(event, by).with_package(package).with("owner", owner.as_str());
    let (owns, actor, package) = (event == AuditEvent::OwnershipAdd, by.clone(), package.clone());
    OwnerChange { actor, package, owner: owner.clone(), owns, max_owners: 100, now: now(), audit }
}

async fn add(db: &dyn Database, by: &Actor, package: &PackageName, owner: &Actor) -> Result<()> {
    db.execute(&change(by, package, &owner.username, AuditEvent::OwnershipAdd)).await
}

async fn remove(db: &dyn Database, by: &Actor, package: &PackageName, owner: &Actor) -> Result<()> {
    db.execute(&change(by, package, &owner.username, AuditEvent::OwnershipRemove)).await
}

async fn owners(db: &dyn Database, name: &PackageName) -> Vec<Username> {
    db.package(name, Reach::Everything).await.expect("read").expect("a package").owners
}

fn names<const N: usize>(actors: [&Actor; N]) -> Vec<Username> {
    let mut names = actors.map(|actor| actor.username.clone()).to_vec();
    names.sort();
    names
}

/// Owners add and remove one another and themselves; a new owner has all rights of an owner; each
/// change is in the audit log.
pub async fn owners_come_and_go(db: &dyn Database) {
    let (first, name) = published(db, &["1.0.0"]).await;
    let second = actor(db).await;
    let change = change(&first, &name, &second.username, AuditEvent::OwnershipAdd);
    db.execute(&change).await.expect("add");
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!((package.owners, package.updated_at), (names([&first, &second]), change.now));

    publish(db, &second, &name, &["1.0.1"]).await;
    remove(db, &second, &name, &first).await.expect("remove");
    assert_eq!(owners(db, &name).await, names([&second]));
    refused(add(db, &first, &name, &first).await, ErrorCode::Forbidden);
    let profile = db.profile(&first.username, &Sight::unrestricted()).await.expect("read").expect("a profile");
    assert!(!profile.packages.contains(&name));

    add(db, &second, &name, &first).await.expect("add");
    remove(db, &second, &name, &second).await.expect("leave");
    assert_eq!(owners(db, &name).await, names([&first]));
    assert_eq!(audit_of(db, &name).await.len(), 6);
}

/// `LastOwner`: an unscoped package always has an owner.
pub async fn the_last_owner_of_a_package_stays(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    let admin = admin(db).await;
    refused(remove(db, &owner, &name, &owner).await, ErrorCode::LastOwner);
    refused(remove(db, &admin, &name, &owner).await, ErrorCode::LastOwner);
    assert_eq!(owners(db, &name).await, names([&owner]));
    assert_eq!(audit_of(db, &name).await.len(), 1);
}

/// `LastOwner`: an owner whose account is disabled does not count.
pub async fn a_disabled_owner_of_a_package_is_not_the_one_that_stays(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    let gone = session(&disabled_user(db).await);
    add(db, &owner, &name, &gone).await.expect("add");
    refused(remove(db, &owner, &name, &owner).await, ErrorCode::LastOwner);
    remove(db, &owner, &name, &gone).await.expect("an owner is left");
}

/// However many owners leave at once, one remains.
pub async fn owners_leaving_at_once_leave_one(db: &dyn Database) {
    let (first, name) = published(db, &["1.0.0"]).await;
    let others = [first.clone(), actor(db).await, actor(db).await];
    for other in &others[1..] {
        add(db, &first, &name, other).await.expect("add");
    }
    let results = join_all(others.iter().map(|owner| remove(db, owner, &name, owner))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2, "{results:?}");
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::LastOwner);
    }
    assert_eq!(owners(db, &name).await.len(), 1);
}

/// Adding an existing owner, or removing a user who is not an owner, succeeds and leaves no audit
/// entry.
pub async fn an_ownership_that_is_so_already_is_no_change(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    add(db, &owner, &name, &owner).await.expect("add");
    remove(db, &owner, &name, &actor(db).await).await.expect("remove");
    assert_eq!(owners(db, &name).await, names([&owner]));
    assert_eq!(audit_of(db, &name).await.len(), 1);
}

/// Only owners and administrators change owners, and only of existing packages and to existing users.
pub async fn a_change_of_owners_is_checked(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    let (other, nobody) = (actor(db).await, stranger_name());
    for by in [&owner, &other] {
        refused(add(db, by, &package_name(), &other).await, ErrorCode::PackageNotFound);
        refused(remove(db, by, &package_name(), &other).await, ErrorCode::PackageNotFound);
    }
    refused(add(db, &other, &name, &other).await, ErrorCode::Forbidden);
    refused(remove(db, &other, &name, &owner).await, ErrorCode::Forbidden);
    for event in [AuditEvent::OwnershipAdd, AuditEvent::OwnershipRemove] {
        refused(db.execute(&change(&owner, &name, &nobody, event)).await, ErrorCode::UserNotFound);
    }
    for (what, dead) in dead_actors(db, &owner).await {
        for result in [add(db, &dead, &name, &other).await, remove(db, &dead, &name, &owner).await] {
            assert_eq!(result.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
        }
    }
    assert_eq!(owners(db, &name).await, names([&owner]));
    assert_eq!(audit_of(db, &name).await.len(), 1);

    add(db, &admin(db).await, &name, &other).await.expect("an administrator may");
}

/// A scoped package has the owners of its scope and those added to it; the former can be removed only
/// through the scope.
pub async fn scope_owners_own_its_packages(db: &dyn Database) {
    let (owner, friend, member) = (actor(db).await, actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    let name = scoped_name(&scope);
    publish(db, &owner, &name, &["1.0.0"]).await;
    let set_member = async |who: &Actor, role| {
        let change = MemberChange {
            max_members: 100,
            actor: owner.clone(),
            scope: scope.clone(),
            member: who.username.clone(),
            role: Some(role),
            now: now(),
            audit: entry(AuditEvent::ScopeMemberSet, &owner),
        };
        db.execute(&change).await.expect("set a member");
    };
    set_member(&member, ScopeRole::Member).await;
    assert_eq!(owners(db, &name).await, names([&owner]));
    refused(add(db, &member, &name, &member).await, ErrorCode::Forbidden);
    refused(remove(db, &owner, &name, &owner).await, ErrorCode::Forbidden);
    add(db, &owner, &name, &owner).await.expect("is one already");

    add(db, &owner, &name, &friend).await.expect("add");
    assert_eq!(owners(db, &name).await, names([&owner, &friend]));
    publish(db, &friend, &name, &["1.0.1"]).await;
    remove(db, &friend, &name, &friend).await.expect("leave");
    assert_eq!(owners(db, &name).await, names([&owner]));

    set_member(&member, ScopeRole::Owner).await;
    assert_eq!(owners(db, &name).await, names([&owner, &member]));
    refused(remove(db, &owner, &name, &member).await, ErrorCode::Forbidden);
}

/// A scope lists the owners that were added to its packages, up to a limit.
pub async fn a_scope_lists_who_owns_single_packages(db: &dyn Database) {
    let (owner, outside, other) = (actor(db).await, actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    let (first, second) = (scoped_name(&scope), scoped_name(&scope));
    for name in [&first, &second] {
        publish(db, &owner, name, &["1.0.0"]).await;
    }
    let shown = async || db.scope(&scope, &Sight::unrestricted()).await.expect("read").expect("a scope");
    assert_eq!(shown().await.collaborators, [], "the owner of the scope owns no single package");
    add(db, &owner, &first, &outside).await.expect("add");
    add(db, &owner, &second, &outside).await.expect("add");
    add(db, &owner, &second, &other).await.expect("add");
    let of = |actor: &Actor, package: &PackageName| Collaborator {
        username: actor.username.clone(),
        package: package.clone(),
    };
    let mut expected = vec![of(&outside, &first), of(&outside, &second), of(&other, &second)];
    expected.sort_by(|a, b| (&a.package, &a.username).cmp(&(&b.package, &b.username)));
    let scope_now = shown().await;
    assert_eq!((scope_now.collaborators, scope_now.has_more_collaborators), (expected, false));
    assert_eq!(scope_now.members.len(), 1, "they are no members");

    for _ in 3..=Scope::MAX_COLLABORATORS {
        add(db, &owner, &first, &actor(db).await).await.expect("add");
    }
    let scope_now = shown().await;
    assert_eq!((scope_now.collaborators.len(), scope_now.has_more_collaborators), (Scope::MAX_COLLABORATORS, true));
}

/// `QuotaExceeded` for one owner more than may be listed with a package, also if several are added at once; owners
/// may still be removed.
pub async fn a_package_has_no_more_owners_than_it_may(db: &dyn Database) {
    let (first, name) = published(db, &["1.0.0"]).await;
    let others = [actor(db).await, actor(db).await, actor(db).await];
    let to_add = |other: &Actor| OwnerChange {
        max_owners: 2,
        ..change(&first, &name, &other.username, AuditEvent::OwnershipAdd)
    };
    let changes: Vec<_> = others.iter().map(to_add).collect();
    let results = join_all(changes.iter().map(|change| db.execute(change))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let added = others.iter().zip(&results).find(|(_, result)| result.is_ok()).expect("one was added").0;
    for result in results.iter().filter_map(|result| result.as_ref().err()) {
        assert_eq!(result.code(), ErrorCode::QuotaExceeded);
    }
    db.execute(&to_add(added)).await.expect("it is so already");
    remove(db, &first, &name, added).await.expect("remove");
    db.execute(&to_add(&others[0])).await.expect("there is room again");
}
