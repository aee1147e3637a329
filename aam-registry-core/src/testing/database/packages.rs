//! Reads of packages, and the sizes of the whole.

use serde_json::json;

use super::{
    changes::{unyank, yank},
    world::{
        actor, commit, manifest, manifest_with, now, package_name, publish, published, scope, try_publish, upload, v,
        word,
    },
};
use crate::{
    ports::{Database, PublishCommit},
    types::PackageName,
};

/// The order is that of the publishes: neither the versions' own, nor that of clocks that disagree.
pub async fn versions_are_listed_newest_published_first(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    let at = now();
    let versions = ["1.0.0", "10.0.0", "2.0.0", "2.0.0-rc.1", "9.0.0"];
    for version in versions {
        let upload = upload(db, &actor).await;
        let commit = PublishCommit { now: at, ..commit(&actor, upload, manifest(&name, version)) };
        db.commit_publish(&commit).await.expect("publish");
    }
    let expected: Vec<_> = versions.into_iter().rev().map(v).collect();
    let listed = db.versions(&name).await.expect("read").expect("a package");
    assert_eq!(listed.iter().map(|one| one.version.clone()).collect::<Vec<_>>(), expected);
    let package = db.package(&name).await.expect("read").expect("a package");
    assert_eq!(package.versions, listed);
}

/// What a package says of itself is what the version behind `latest` says.
pub async fn a_package_is_described_by_latest(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    for (version, description) in [("2.0.0", "Second"), ("1.0.0", "First"), ("3.0.0-rc.1", "Third")] {
        let manifest = manifest_with(&name, version, &json!({"description": description}));
        try_publish(db, &actor, manifest).await.expect("publish");
    }
    let description = async || db.package(&name).await.expect("read").expect("a package").manifest.description.clone();
    assert_eq!(description().await, "Second");
    db.yank(&yank(&actor, &name, "2.0.0")).await.expect("yank");
    assert_eq!(description().await, "First");
    db.unyank(&unyank(&actor, &name, "2.0.0")).await.expect("unyank");
    assert_eq!(description().await, "Second");
}

/// A package keeps the time it was made at.
pub async fn a_package_was_created_with_its_first_version(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0"]).await;
    let first = db.package(&name).await.expect("read").expect("a package");
    publish(db, &actor, &name, &["1.0.1"]).await;
    let second = db.package(&name).await.expect("read").expect("a package");
    assert_eq!(second.created_at, first.created_at);
    assert_eq!(second.updated_at, second.versions[0].published_at);
    assert!(second.updated_at > first.updated_at);
}

/// One bare name in two scopes and outside of them is three packages.
pub async fn a_scope_is_part_of_the_name(db: &dyn Database) {
    let (actor, bare) = (actor(db).await, word());
    let (one, other) = (scope(db, &actor).await, scope(db, &actor).await);
    let scoped = |scope| PackageName::scoped(scope, &bare).expect("a name");
    let names = [bare.parse().expect("a name"), scoped(&one), scoped(&other)];
    for (name, version) in names.iter().zip(["1.0.0", "2.0.0", "3.0.0"]) {
        publish(db, &actor, name, &[version]).await;
    }
    for (name, version) in names.iter().zip(["1.0.0", "2.0.0", "3.0.0"]) {
        let versions = db.versions(name).await.expect("read").expect("a package");
        assert_eq!(versions.iter().map(|one| one.version.clone()).collect::<Vec<_>>(), [v(version)]);
    }
}

/// The totals grow by what is published and who registers, and a yank takes nothing away.
pub async fn totals_grow(db: &dyn Database) {
    let before = db.totals().await.expect("read");
    let (actor, name) = published(db, &["1.0.0", "1.0.1"]).await;
    let upload = upload(db, &actor).await;
    let large = PublishCommit { archive_size: 5_000_000_000, ..commit(&actor, upload, manifest(&name, "1.0.2")) };
    db.commit_publish(&large).await.expect("publish");
    db.yank(&yank(&actor, &name, "1.0.2")).await.expect("yank");
    let after = db.totals().await.expect("read");
    assert!(after.packages > before.packages);
    assert!(after.versions >= before.versions + 3);
    assert!(after.users > before.users);
    assert!(after.storage_bytes >= before.storage_bytes + 5_000_000_000);
}

/// A database that works says so.
pub async fn a_working_database_answers(db: &dyn Database) {
    db.check().await.expect("the database answers");
}
