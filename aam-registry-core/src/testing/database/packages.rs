//! Reads of packages, and the totals of the registry.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    changes::{unyank, yank},
    world::{
        actor, commit, manifest, manifest_with, now, package_name, publish, published, scope, try_publish, upload, v,
        word,
    },
};
use crate::{
    decide::PublishCommit,
    ports::{CommandHandlerExt, Database},
    types::{
        LocatedVersion, PackageName, PublishedVersion, Reach, VersionBounds, VersionList, VersionRange, VersionStatus,
    },
};

/// The order is that of the publishes, not that of the versions or of clocks that differ.
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
    let listed = db.versions(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(listed.iter().map(|one| one.version.clone()).collect::<Vec<_>>(), expected);
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.versions, listed);
}

/// A list ends at its bounds, says whether there are older versions, and can continue before any
/// version.
pub async fn a_list_of_versions_keeps_to_its_bounds(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    let needs: Map<String, Value> = (0..100).map(|n| (format!("dependency-{n}"), json!("^1.0"))).collect();
    for version in ["1.0.0", "2.0.0", "3.0.0+build"] {
        let manifest = manifest_with(&name, version, &json!({"dependencies": needs}));
        try_publish(db, &actor, manifest).await.expect("publish");
    }
    publish(db, &actor, &name, &["4.0.0"]).await;
    let all = db.versions(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(all.len(), 4);
    let list = async |before: Option<&str>, versions, dependencies| {
        let range = VersionRange { before: before.map(v), bounds: VersionBounds { versions, dependencies } };
        db.version_list(&name, &range, Reach::Everything).await.expect("read").expect("a package")
    };
    // Each of the three older versions has some two thousand bytes of dependencies.
    for (before, versions, dependencies, expected, has_older) in [
        (None, 9, 1 << 20, 0..4, false),
        (None, 4, 1 << 20, 0..4, false),
        (None, 3, 1 << 20, 0..3, true),
        (None, 9, 100, 0..2, true),
        (None, 9, 3000, 0..3, true),
        (None, 9, 0, 0..0, true),
        (Some("4.0.0"), 9, 100, 1..2, true),
        (Some("3.0.0"), 9, 1 << 20, 2..4, false),
        (Some("2.0.0"), 9, 100, 3..4, false),
        (Some("1.0.0"), 9, 1 << 20, 4..4, false),
        (Some("9.0.0"), 9, 1 << 20, 4..4, false),
    ] {
        let listed = list(before, versions, dependencies).await;
        let expected = VersionList { versions: all[expected].to_vec(), total: 4, has_older };
        assert_eq!(listed, expected, "before {before:?}, {versions} versions, {dependencies} bytes");
    }
    let range = VersionRange { before: None, bounds: VersionBounds::LISTED };
    assert_eq!(db.version_list(&package_name(), &range, Reach::Everything).await.expect("read"), None);
}

/// The separate reads of tags, owners, version numbers and what locates a version agree with the package.
pub async fn the_small_reads_tell_what_the_package_tells(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0", "2.0.0", "1.5.0"]).await;
    db.execute(&yank(&actor, &name, "2.0.0")).await.expect("yank");
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.version_count, 3);
    assert_eq!(db.tags(&name, Reach::Everything).await.expect("read"), Some(package.dist_tags));
    assert_eq!(db.owners(&name, Reach::Everything).await.expect("read"), Some(package.owners));
    let numbers = [("1.5.0", true), ("2.0.0", false), ("1.0.0", true)];
    let numbers = numbers.map(|(version, visible)| PublishedVersion::new(v(version), !visible, VersionStatus::OPEN));
    assert_eq!(db.version_numbers(&name, Reach::Everything).await.expect("read"), Some(numbers.to_vec()));
    let located = async |name: &PackageName, version: &str| {
        db.located_version(name, &v(version), Reach::Everything).await.expect("read")
    };
    for version in ["2.0.0", "1.5.0+build", "1.0.0"] {
        let detail = db.version(&name, &v(version), Reach::Everything).await.expect("read").expect("a version");
        let expected = LocatedVersion { location: detail.location(), summary: detail.summary };
        assert_eq!(located(&name, version).await, Some(expected), "{version}");
    }
    for version in ["1.5.0", "1.0.0"] {
        db.execute(&yank(&actor, &name, version)).await.expect("yank");
    }
    assert!(located(&name, "1.5.0").await.expect("a version").summary.yanked, "also where it was read before");
    assert_eq!(located(&name, "7.0.0").await, None);
    assert_eq!(located(&package_name(), "1.0.0").await, None);
    assert_eq!(db.tags(&name, Reach::Everything).await.expect("read"), Some(BTreeMap::new()));
    let unknown = package_name();
    assert_eq!(db.tags(&unknown, Reach::Everything).await.expect("read"), None);
    assert_eq!(db.owners(&unknown, Reach::Everything).await.expect("read"), None);
    assert_eq!(db.version_numbers(&unknown, Reach::Everything).await.expect("read"), None);
}

/// The manifest of a package is that of the version `latest` names.
pub async fn a_package_is_described_by_latest(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    for (version, description) in [("2.0.0", "Second"), ("1.0.0", "First"), ("3.0.0-rc.1", "Third")] {
        let manifest = manifest_with(&name, version, &json!({"description": description}));
        try_publish(db, &actor, manifest).await.expect("publish");
    }
    let description = async || {
        db.package(&name, Reach::Everything).await.expect("read").expect("a package").manifest.description.clone()
    };
    assert_eq!(description().await, "Second");
    db.execute(&yank(&actor, &name, "2.0.0")).await.expect("yank");
    assert_eq!(description().await, "First");
    db.execute(&unyank(&actor, &name, "2.0.0")).await.expect("unyank");
    assert_eq!(description().await, "Second");
}

/// A package keeps its time of creation.
pub async fn a_package_was_created_with_its_first_version(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0"]).await;
    let first = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    publish(db, &actor, &name, &["1.0.1"]).await;
    let second = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(second.created_at, first.created_at);
    assert_eq!(second.updated_at, second.versions[0].published_at);
    assert!(second.updated_at > first.updated_at);
}

/// The same bare name in two scopes and without a scope makes three packages.
pub async fn a_scope_is_part_of_the_name(db: &dyn Database) {
    let (actor, bare) = (actor(db).await, word());
    let (one, other) = (scope(db, &actor).await, scope(db, &actor).await);
    let scoped = |scope| PackageName::scoped(scope, &bare).expect("a name");
    let names = [bare.parse().expect("a name"), scoped(&one), scoped(&other)];
    for (name, version) in names.iter().zip(["1.0.0", "2.0.0", "3.0.0"]) {
        publish(db, &actor, name, &[version]).await;
    }
    for (name, version) in names.iter().zip(["1.0.0", "2.0.0", "3.0.0"]) {
        let versions = db.versions(name, Reach::Everything).await.expect("read").expect("a package");
        assert_eq!(versions.iter().map(|one| one.version.clone()).collect::<Vec<_>>(), [v(version)]);
    }
}

/// The totals grow with publishes and registrations, and a yank does not reduce them.
pub async fn totals_grow(db: &dyn Database) {
    let before = db.totals().await.expect("read");
    let (actor, name) = published(db, &["1.0.0", "1.0.1"]).await;
    let upload = upload(db, &actor).await;
    let large = PublishCommit { archive_size: 5_000_000_000, ..commit(&actor, upload, manifest(&name, "1.0.2")) };
    db.commit_publish(&large).await.expect("publish");
    db.execute(&yank(&actor, &name, "1.0.2")).await.expect("yank");
    let after = db.totals().await.expect("read");
    assert!(after.packages > before.packages);
    assert!(after.versions >= before.versions + 3);
    assert!(after.users > before.users);
    assert!(after.storage_bytes >= before.storage_bytes + 5_000_000_000);
}

/// The health check of a working database succeeds.
pub async fn a_working_database_answers(db: &dyn Database) {
    db.check().await.expect("the database answers");
}
