//! Private packages.

use serde_json::json;

use super::world::{
    actor, admin, audit_of, entry, manifest, manifest_with, now, package_name, publish, refused, scope, scoped_name,
    tag, try_publish, v,
};
use crate::{
    decide::{Audience, MemberChange, OwnerChange, TagChange, TextChange, Unyank, VisibilityChange, Yank},
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database},
    types::{
        Actor, AuditEvent, LatestPolicy, Memberships, PackageName, PageRequest, Reach, ScopeName, ScopeRole,
        SearchQuery, SearchSort, Sight, TagRules, VersionBounds, VersionRange, VersionText, Visibility,
    },
};

/// An owner, a scope of the owner, and a private package in it.
async fn private(db: &dyn Database) -> (Actor, ScopeName, PackageName) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let name = scoped_name(&scope);
    let first = manifest_with(&name, "1.0.0", &json!({"private": true}));
    try_publish(db, &owner, first).await.expect("publish");
    (owner, scope, name)
}

fn change(by: &Actor, package: &PackageName, visibility: Visibility) -> VisibilityChange {
    let audit = entry(AuditEvent::VisibilityChange, by).with_package(package);
    VisibilityChange { actor: by.clone(), package: package.clone(), visibility, now: now(), audit }
}

async fn set(db: &dyn Database, by: &Actor, package: &PackageName, visibility: Visibility) -> Result<()> {
    db.execute(&change(by, package, visibility)).await
}

async fn set_role(db: &dyn Database, owner: &Actor, scope: &ScopeName, member: &Actor, role: ScopeRole) {
    let change = MemberChange {
        max_members: 100,
        actor: owner.clone(),
        scope: scope.clone(),
        member: member.username.clone(),
        role: Some(role),
        now: now(),
        audit: entry(AuditEvent::ScopeMemberSet, owner),
    };
    db.execute(&change).await.expect("set a member");
}

async fn add_owner(db: &dyn Database, by: &Actor, package: &PackageName, owner: &Actor) -> Result<()> {
    let audit = entry(AuditEvent::OwnershipAdd, by).with_package(package);
    let (actor, package, owner) = (by.clone(), package.clone(), owner.username.clone());
    db.execute(&OwnerChange { max_owners: 100, actor, package, owner, owns: true, now: now(), audit }).await
}

/// Which of the reads of a package find it within `reach`.
async fn found(db: &dyn Database, name: &PackageName, reach: Reach) -> [bool; 11] {
    let (one, range) = (v("1.0.0"), VersionRange { before: None, bounds: VersionBounds::LISTED });
    let audience = if reach == Reach::Public { Audience::Members } else { Audience::Private };
    [
        db.package(name, reach).await.expect("read").is_some(),
        db.version_list(name, &range, reach).await.expect("read").is_some(),
        db.versions(name, reach).await.expect("read").is_some(),
        db.version_numbers(name, reach).await.expect("read").is_some(),
        db.tags(name, reach).await.expect("read").is_some(),
        db.owners(name, reach).await.expect("read").is_some(),
        db.version(name, &one, reach).await.expect("read").is_some(),
        db.located_version(name, &one, reach).await.expect("read").is_some(),
        db.files(name, &one, reach).await.expect("read").is_some(),
        db.readme(name, &one, reach).await.expect("read").is_some(),
        db.archive_location(name, &one, audience).await.expect("read").is_some(),
    ]
}

/// A private package is not there for reads of public ones, whichever it is, and says what it is to others.
pub async fn a_private_package_is_out_of_reach(db: &dyn Database) {
    let (owner, _, name) = private(db).await;
    // In both orders, since what one read leaves behind must not answer the other.
    for _ in 0..2 {
        assert_eq!(found(db, &name, Reach::Public).await, [false; 11]);
        assert_eq!(found(db, &name, Reach::Everything).await, [true; 11]);
    }
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.visibility, Visibility::Private);
    let detail = db.version(&name, &v("1.0.0"), Reach::Everything).await.expect("read").expect("a version");
    assert_eq!(detail.location().visibility, Visibility::Private);
    let location = db.archive_location(&name, &v("1.0.0"), Audience::Private).await.expect("read");
    assert_eq!(location, Some(detail.location()));

    set(db, &owner, &name, Visibility::Public).await.expect("change");
    for reach in Reach::ALL {
        assert_eq!(found(db, &name, reach).await, [true; 11], "{reach:?}");
    }
    let package = db.package(&name, Reach::Public).await.expect("read").expect("a package");
    assert_eq!(package.visibility, Visibility::Public);
    set(db, &owner, &name, Visibility::Private).await.expect("change");
    assert_eq!(found(db, &name, Reach::Public).await, [false; 11]);
}

/// The manifest of the first version decides; later ones change nothing.
pub async fn only_the_first_version_makes_a_package_private(db: &dyn Database) {
    let (owner, scope, name) = private(db).await;
    publish(db, &owner, &name, &["1.0.1"]).await;
    assert!(db.package(&name, Reach::Public).await.expect("read").is_none());
    let open = scoped_name(&scope);
    publish(db, &owner, &open, &["1.0.0"]).await;
    let later = manifest_with(&open, "1.0.1", &json!({"private": true}));
    let published = try_publish(db, &owner, later).await.expect("publish");
    assert_eq!(published.visibility, Visibility::Public);
    assert!(db.package(&open, Reach::Public).await.expect("read").is_some());
}

/// Owners and administrators change the visibility of packages in scopes; each change is in the audit log, once.
pub async fn a_visibility_comes_and_goes(db: &dyn Database) {
    let (owner, scope, name) = private(db).await;
    let member = actor(db).await;
    set_role(db, &owner, &scope, &member, ScopeRole::Member).await;
    refused(set(db, &member, &name, Visibility::Public).await, ErrorCode::Forbidden);
    refused(set(db, &actor(db).await, &name, Visibility::Public).await, ErrorCode::PackageNotFound);
    set(db, &owner, &name, Visibility::Private).await.expect("is so already");
    assert_eq!(audit_of(db, &name).await.len(), 1);

    let change = change(&owner, &name, Visibility::Public);
    db.execute(&change).await.expect("change");
    let package = db.package(&name, Reach::Public).await.expect("read").expect("a package");
    assert_eq!(package.updated_at, change.now);
    set(db, &admin(db).await, &name, Visibility::Private).await.expect("an administrator may");
    let entries = audit_of(db, &name).await;
    let told: Vec<_> =
        entries.iter().map(|read| (read.entry.event, read.entry.metadata["visibility"].clone())).collect();
    assert_eq!(
        told,
        [
            (AuditEvent::VisibilityChange, json!("private")),
            (AuditEvent::VisibilityChange, json!("public")),
            (AuditEvent::PackagePublish, json!("private")),
        ]
    );

    let unscoped = package_name();
    publish(db, &owner, &unscoped, &["1.0.0"]).await;
    refused(set(db, &owner, &unscoped, Visibility::Private).await, ErrorCode::InvalidRequest);
    set(db, &owner, &unscoped, Visibility::Public).await.expect("is so already");
}

/// Whoever may not see a private package is refused every change of it as if it did not exist; whoever may see it
/// and lacks the right is told so.
pub async fn who_may_not_see_a_package_finds_nothing_to_change(db: &dyn Database) {
    let (owner, scope, name) = private(db).await;
    let (stranger, contributor, outside) = (actor(db).await, actor(db).await, actor(db).await);
    set_role(db, &owner, &scope, &contributor, ScopeRole::Contributor).await;
    add_owner(db, &owner, &name, &outside).await.expect("add");
    for (by, code) in [(&stranger, ErrorCode::PackageNotFound), (&contributor, ErrorCode::Forbidden)] {
        let (actor, package, version, latest_policy) = (by.clone(), name.clone(), v("1.0.0"), LatestPolicy::Highest);
        let audit = || entry(AuditEvent::VersionYank, by).with_package(&name);
        let yank = Yank {
            actor: actor.clone(),
            package: package.clone(),
            version: version.clone(),
            reason: None,
            latest_policy,
            now: now(),
            audit: audit(),
        };
        refused(db.execute(&yank).await, code);
        let unyank = Unyank {
            actor: actor.clone(),
            package: package.clone(),
            version: version.clone(),
            latest_policy,
            now: now(),
            audit: audit(),
        };
        refused(db.execute(&unyank).await, code);
        let text = TextChange {
            actor: actor.clone(),
            package: package.clone(),
            version: version.clone(),
            text: VersionText::Deprecation,
            value: Some("old".to_owned()),
            now: now(),
            audit: audit(),
        };
        refused(db.execute(&text).await, code);
        let tagged = TagChange {
            actor,
            package,
            tag: tag("beta"),
            version: Some(version),
            rules: TagRules::at_most(100),
            now: now(),
            audit: audit(),
        };
        refused(db.execute(&tagged).await, code);
        refused(add_owner(db, by, &name, by).await, code);
        refused(set(db, by, &name, Visibility::Public).await, code);
        let rights = db.rights(by, &name).await.expect("read");
        assert_eq!(rights.is_some(), code == ErrorCode::Forbidden);
    }
    // As for a package of the scope that does not exist.
    for package in [&name, &scoped_name(&scope)] {
        refused(try_publish(db, &stranger, manifest(package, "2.0.0")).await, ErrorCode::Forbidden);
    }
    publish(db, &outside, &name, &["1.1.0"]).await;
    publish(db, &contributor, &name, &["1.2.0"]).await;
}

/// What a user is to scopes and private packages is told at once.
pub async fn memberships_tell_what_a_user_may_see(db: &dyn Database) {
    let (owner, scope, name) = private(db).await;
    let outside = actor(db).await;
    assert_eq!(db.memberships(outside.user).await.expect("read").packages, []);
    add_owner(db, &owner, &name, &outside).await.expect("add");
    let memberships = async |of: &Actor| Memberships::clone(&*db.memberships(of.user).await.expect("read"));
    assert_eq!(memberships(&outside).await.packages, std::slice::from_ref(&name));
    set_role(db, &owner, &scope, &outside, ScopeRole::Contributor).await;
    let own = ScopeName::from(&outside.username);
    let mut expected = vec![(own, ScopeRole::Owner), (scope.clone(), ScopeRole::Contributor)];
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(memberships(&outside).await.scopes, expected);
    set(db, &owner, &name, Visibility::Public).await.expect("change");
    assert_eq!(memberships(&outside).await.packages, [], "a public package is seen by all");
    assert!(memberships(&owner).await.scopes.contains(&(scope, ScopeRole::Owner)));
}

/// A search, a profile and a scope tell of private packages that are in sight, in their numbers too.
pub async fn a_list_holds_the_private_packages_in_sight(db: &dyn Database) {
    let (owner, scope, hidden) = private(db).await;
    let (open, outside) = (scoped_name(&scope), actor(db).await);
    publish(db, &owner, &open, &["1.0.0"]).await;
    for name in [&hidden, &open] {
        add_owner(db, &owner, name, &outside).await.expect("add");
    }
    let of_scope = Sight { scopes: vec![scope.clone()], ..Sight::default() };
    let of_package = Sight { packages: vec![hidden.clone()], ..Sight::default() };
    let of_another = Sight { scopes: vec![ScopeName::from(&outside.username)], ..Sight::default() };
    let page = PageRequest { page: 1, limit: 20 };
    for (sight, sees) in [
        (Sight::default(), false),
        (of_another, false),
        (of_scope, true),
        (of_package, true),
        (Sight::unrestricted(), true),
    ] {
        let mut expected = vec![open.clone()];
        expected.extend(sees.then(|| hidden.clone()));
        expected.sort();
        let listed = SearchQuery { scope: Some(scope.clone()), ..SearchQuery::everything(SearchSort::Name, page) };
        let by_name = SearchQuery { text: Some(hidden.bare().to_owned()), scope: None, ..listed.clone() };
        for (query, total) in [(listed, expected.len() as u64), (by_name, u64::from(sees))] {
            let found = db.search(&SearchQuery { sight: sight.clone(), ..query }).await.expect("search");
            assert_eq!((found.total, found.items.len() as u64), (total, total), "{sight:?}");
        }
        let profile = db.profile(&outside.username, &sight).await.expect("read").expect("a profile");
        assert_eq!(profile.packages, expected, "{sight:?}");
        let profile = db.profile(&owner.username, &sight).await.expect("read").expect("a profile");
        assert_eq!(profile.packages, expected, "{sight:?}");
        let collaborators = db.scope(&scope, &sight).await.expect("read").expect("a scope").collaborators;
        let mut packages: Vec<_> = collaborators.into_iter().map(|one| one.package).collect();
        packages.dedup();
        assert_eq!(packages, expected, "{sight:?}");
    }
    let everybody = SearchQuery { scope: Some(scope), ..SearchQuery::everything(SearchSort::Name, page) };
    set(db, &owner, &hidden, Visibility::Public).await.expect("change");
    assert_eq!(db.search(&everybody).await.expect("search").total, 2);
    set(db, &owner, &open, Visibility::Private).await.expect("change");
    let left = db.search(&everybody).await.expect("search");
    assert_eq!(left.items.iter().map(|item| &item.name).collect::<Vec<_>>(), [&hidden]);
}
