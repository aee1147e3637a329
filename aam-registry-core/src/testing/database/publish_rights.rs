//! Who may publish what.

use futures_util::future::join_all;

use super::world::{
    actor, admin, audit_of, commit, entry, manifest, now, package_name, publish, published, refused, scope, scope_name,
    scoped_name, tag, try_publish, upload, v, word,
};
use crate::{
    decide::{MemberChange, PublishCheck, PublishCommit, PublishQuotas},
    error::{Error, ErrorCode},
    ports::{CommandHandlerExt, Database},
    types::{Actor, AuditEvent, PackageName, Reach, ScopeName, ScopeRole, Sight},
};

/// Asserts that check and commit give the same refusal.
async fn forbidden(db: &dyn Database, actor: &Actor, name: &PackageName, version: &str) {
    let check = PublishCheck {
        actor: actor.clone(),
        package: name.clone(),
        version: v(version),
        quotas: PublishQuotas::default(),
        now: now(),
    };
    refused(db.check_publish(&check).await, ErrorCode::Forbidden);
    refused(try_publish(db, actor, manifest(name, version)).await, ErrorCode::Forbidden);
}

/// The user who publishes a new unscoped name owns it; nobody else publishes there, not even an
/// existing version.
pub async fn a_new_name_is_its_publishers(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.owners, std::slice::from_ref(&owner.username));
    let other = actor(db).await;
    forbidden(db, &other, &name, "1.0.1").await;
    forbidden(db, &other, &name, "1.0.0").await;
    publish(db, &owner, &name, &["1.0.1"]).await;
    assert_eq!(audit_of(db, &name).await.len(), 2);
}

/// Of several users who claim a name concurrently, one gets it.
pub async fn of_claims_at_once_one_holds(db: &dyn Database) {
    let name = package_name();
    let actors = join_all((0..6).map(|_| actor(db))).await;
    let claims = actors
        .iter()
        .enumerate()
        .map(async |(at, actor)| try_publish(db, actor, manifest(&name, &format!("1.0.{at}"))).await);
    let results = join_all(claims).await;
    let winner = results.iter().position(Result::is_ok).expect("one claim holds");
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::Forbidden);
    }
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.owners, [actors[winner].username.clone()]);
    assert_eq!(package.versions.len(), 1);
}

/// A user who may publish but not tag can set a new tag with a publish, and can move no existing one.
pub async fn a_publish_moves_a_tag_only_for_who_may_tag(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let name = scoped_name(&scope);
    publish(db, &owner, &name, &["2.0.0"]).await;
    let contributor = actor(db).await;
    let joining = MemberChange {
        actor: owner.clone(),
        scope: scope.clone(),
        member: contributor.username.clone(),
        role: Some(ScopeRole::Contributor),
        max_members: 100,
        now: now(),
        audit: entry(AuditEvent::ScopeMemberSet, &owner),
    };
    db.execute(&joining).await.expect("set a member");
    let tagged = async |actor: &Actor, version: &str, asked: &str| {
        let upload = upload(db, actor).await;
        db.commit_publish(&PublishCommit { tag: Some(tag(asked)), ..commit(actor, upload, manifest(&name, version)) })
            .await
    };
    let first = tagged(&contributor, "0.1.0", "beta").await.expect("a new tag");
    assert_eq!(first.dist_tags, [tag("beta")]);
    refused(tagged(&contributor, "0.1.1", "beta").await, ErrorCode::Forbidden);
    refused(tagged(&contributor, "0.1.1", "latest").await, ErrorCode::Forbidden);
    let moved = tagged(&owner, "0.1.1", "beta").await.expect("an owner's publish");
    assert_eq!(moved.dist_tags, [tag("beta")]);
    let latest = tagged(&owner, "0.1.2", "latest").await.expect("an owner's publish");
    assert_eq!(latest.dist_tags, [tag("latest")]);
}

/// Every member of a scope can publish new and existing packages there, and does not become an owner by
/// it.
pub async fn every_role_publishes_in_its_scope(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let existing = scoped_name(&scope);
    publish(db, &owner, &existing, &["1.0.0"]).await;
    for (role, version) in
        [(ScopeRole::Contributor, "1.1.0"), (ScopeRole::Member, "1.2.0"), (ScopeRole::Owner, "1.3.0")]
    {
        let member = actor(db).await;
        let change = MemberChange {
            max_members: 100,
            actor: owner.clone(),
            scope: scope.clone(),
            member: member.username.clone(),
            role: Some(role),
            now: now(),
            audit: entry(AuditEvent::ScopeMemberSet, &owner),
        };
        forbidden(db, &member, &existing, version).await;
        forbidden(db, &member, &scoped_name(&scope), "1.0.0").await;
        db.execute(&change).await.expect("set a member");
        publish(db, &member, &existing, &[version]).await;
        let new = scoped_name(&scope);
        publish(db, &member, &new, &["1.0.0"]).await;
        let owners = db.package(&new, Reach::Everything).await.expect("read").expect("a package").owners;
        assert_eq!(owners.contains(&member.username), role == ScopeRole::Owner, "{role:?}");

        let audit = entry(AuditEvent::ScopeMemberRemove, &owner);
        db.execute(&MemberChange { role: None, audit, ..change }).await.expect("remove a member");
        forbidden(db, &member, &new, "1.0.1").await;
    }
}

/// A user can publish in the scope with the own name.
pub async fn everybody_has_a_scope_to_publish_in(db: &dyn Database) {
    let (owner, other) = (actor(db).await, actor(db).await);
    let name = scoped_name(&ScopeName::from(&owner.username));
    forbidden(db, &other, &name, "1.0.0").await;
    publish(db, &owner, &name, &["1.0.0"]).await;
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.owners, [owner.username]);
}

/// `Forbidden`; the scope is not created.
pub async fn nobody_publishes_in_a_scope_that_does_not_exist(db: &dyn Database) {
    let (actor, scope) = (actor(db).await, scope_name());
    forbidden(db, &actor, &scoped_name(&scope), "1.0.0").await;
    assert_eq!(db.scope(&scope, &Sight::unrestricted()).await.expect("read"), None);
}

/// An administrator cannot publish a version of another user's package.
pub async fn an_administrator_publishes_only_the_own(db: &dyn Database) {
    let (owner, plain) = published(db, &["1.0.0"]).await;
    let scoped = scoped_name(&scope(db, &owner).await);
    let admin = admin(db).await;
    forbidden(db, &admin, &plain, "1.0.1").await;
    forbidden(db, &admin, &scoped, "1.0.0").await;
    publish(db, &admin, &package_name(), &["1.0.0"]).await;
}

/// `NameTooSimilar` for a new unscoped name that differs from another only in hyphens.
pub async fn a_name_like_another_is_refused(db: &dyn Database) {
    let (first, second) = (word(), word());
    let name = |text: String| text.parse::<PackageName>().expect("a name");
    let existing = name(format!("{first}-{second}"));
    let (owner, other) = (actor(db).await, actor(db).await);
    publish(db, &owner, &existing, &["1.0.0"]).await;
    for similar in [format!("{first}{second}"), format!("{first}-{second}-")] {
        let similar = name(similar);
        let check = PublishCheck {
            actor: other.clone(),
            package: similar.clone(),
            version: v("1.0.0"),
            quotas: PublishQuotas::default(),
            now: now(),
        };
        for refusal in [
            db.check_publish(&check).await.expect_err("a check of a similar name"),
            try_publish(db, &other, manifest(&similar, "1.0.0")).await.expect_err("a similar name"),
        ] {
            let Error::NameTooSimilar { name, existing: like } = refusal else { panic!("{refusal:?}") };
            assert_eq!((name, like), (similar.to_string(), existing.to_string()));
        }
        assert_eq!(db.package(&similar, Reach::Everything).await.expect("read"), None);
    }
    publish(db, &owner, &existing, &["1.0.1"]).await;
}

/// `InvalidManifest` for a new unscoped name with `--`, which could be taken for a scope and a name;
/// within a scope it is allowed.
pub async fn a_new_name_without_a_scope_holds_no_double_hyphen(db: &dyn Database) {
    let owner = actor(db).await;
    let confusing: PackageName = format!("{}--{}", word(), word()).parse().expect("a name");
    let check = PublishCheck {
        actor: owner.clone(),
        package: confusing.clone(),
        version: v("1.0.0"),
        quotas: PublishQuotas::default(),
        now: now(),
    };
    for refusal in [
        db.check_publish(&check).await.expect_err("a check of such a name"),
        try_publish(db, &owner, manifest(&confusing, "1.0.0")).await.expect_err("such a name"),
    ] {
        assert_eq!(refusal.code(), ErrorCode::InvalidManifest, "{refusal:?}");
    }
    assert_eq!(db.package(&confusing, Reach::Everything).await.expect("read"), None);
    let scope = scope(db, &owner).await;
    publish(db, &owner, &PackageName::scoped(&scope, confusing.bare()).expect("a name"), &["1.0.0"]).await;
}

/// Scoped names are not compared for similarity.
pub async fn scoped_names_may_be_alike(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    let (first, second) = (word(), word());
    for bare in [format!("{first}-{second}"), format!("{first}{second}")] {
        publish(db, &owner, &PackageName::scoped(&scope, &bare).expect("a name"), &["1.0.0"]).await;
    }
    publish(db, &owner, &first.parse().expect("a name"), &["1.0.0"]).await;
    publish(db, &owner, &PackageName::scoped(&scope, &first).expect("a name"), &["1.0.0"]).await;
}

/// Of similar names that are claimed concurrently, one is accepted.
pub async fn of_names_alike_claimed_at_once_one_is_taken(db: &dyn Database) {
    let (first, second) = (word(), word());
    let names = [format!("{first}{second}"), format!("{first}-{second}"), format!("{first}{second}-")]
        .map(|name| name.parse::<PackageName>().expect("a name"));
    let owner = actor(db).await;
    let results = join_all(names.iter().map(|name| try_publish(db, &owner, manifest(name, "1.0.0")))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::NameTooSimilar);
    }
}
