//! The removal of old versions that nobody uses.

use jiff::tz::TimeZone;
use serde_json::json;

use super::world::{
    actor, after, audit_of, commit, manifest, manifest_with, package_name, publish, published, tag, upload, v,
};
use crate::{
    decide::{KeptFor, OldVersions, RemoveOldVersions, TagChange},
    ports::{CommandHandlerExt, Database, OldVersionsOf, PackagesMadeBefore, QueryHandlerExt},
    types::{
        Actor, AuditEvent, DownloadBatch, DownloadCount, NewAuditEntry, PackageName, PublishedVersion, Reach, TagRules,
    },
};

/// A removal of what is older than an hour from now: all that a test has published.
fn removal(package: &PackageName, most: usize) -> RemoveOldVersions {
    let (before, now) = (after(3600), after(7200));
    let entry = |_| NewAuditEntry::new(AuditEvent::VersionRemove, now).with_package(package);
    RemoveOldVersions { package: package.clone(), before, now, audit: (0..most).map(entry).collect() }
}

async fn remove(db: &dyn Database, package: &PackageName, most: usize) -> OldVersions {
    db.execute(&removal(package, most)).await.expect("removed")
}

fn numbers(done: &OldVersions) -> Vec<String> {
    done.removed.iter().map(|removed| removed.version.to_string()).collect()
}

async fn depend(db: &dyn Database, by: &Actor, on: &PackageName, constraint: &str) {
    let manifest = manifest_with(&package_name(), "1.0.0", &json!({"dependencies": {on.as_str(): constraint}}));
    let commit = commit(by, upload(db, by).await, manifest);
    db.commit_publish(&commit).await.expect("published");
}

/// What a tag names, what was downloaded lately and what another package demands stays; the rest becomes a tombstone,
/// a part at a time, and each removal is recorded.
pub async fn old_versions_are_removed_unless_they_are_used(db: &dyn Database) {
    let versions = ["1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0", "3.0.0"];
    let (by, name) = published(db, &versions).await;
    let (now, audit) = (after(0), NewAuditEntry::new(AuditEvent::TagSet, after(0)));
    let set = TagChange {
        actor: by.clone(),
        package: name.clone(),
        tag: tag("stable"),
        version: Some(v("1.1.0")),
        rules: TagRules::at_most(10),
        now,
        audit,
    };
    db.execute(&set).await.expect("tagged");
    let day = after(3600).to_zoned(TimeZone::UTC).date();
    let count = DownloadCount { package: name.clone(), version: v("1.2.0"), day, count: 1 };
    db.add_downloads(&DownloadBatch::new(now, vec![count])).await.expect("counted");
    depend(db, &by, &name, "~2.0").await;

    let facts = db.ask(OldVersionsOf((name.clone(), after(3600)))).await.expect("read");
    assert_eq!(facts.versions.len(), versions.len());
    let first = remove(db, &name, 1).await;
    assert_eq!((numbers(&first), first.has_more), (vec!["1.0.0".to_owned()], true));
    let rest = remove(db, &name, 10).await;
    assert_eq!((numbers(&rest), rest.has_more), (vec!["2.1.0".to_owned()], false));
    let kept: Vec<_> = rest.kept.iter().map(|(reason, count)| (*reason, *count)).collect();
    assert_eq!(kept, [(KeptFor::Tag, 2), (KeptFor::Downloads, 1), (KeptFor::Dependants, 1)]);
    assert_eq!(numbers(&remove(db, &name, 10).await), [""; 0], "nothing is left to remove");

    let listed = db.version_numbers(&name, Reach::Everything).await.expect("read").expect("the package");
    let is_removed = |one: &PublishedVersion| one.status.is_removed();
    let mut gone: Vec<_> = listed.iter().filter(|one| is_removed(one)).map(|one| one.version.to_string()).collect();
    gone.sort();
    assert_eq!(gone, ["1.0.0", "2.1.0"]);
    let recorded = audit_of(db, &name).await.into_iter().filter(|entry| entry.entry.event == AuditEvent::VersionRemove);
    assert_eq!(recorded.count(), 2);

    // Its number is never used again.
    let again = commit(&by, upload(db, &by).await, manifest(&name, "1.0.0"));
    db.commit_publish(&again).await.expect_err("the number is taken");
    // A package that is not there has nothing to remove.
    assert_eq!(remove(db, &package_name(), 10).await, OldVersions::default());
}

/// Packages are listed in the order of their names, from a name on, and no more than are asked for.
pub async fn packages_are_listed_by_age(db: &dyn Database) {
    let by = actor(db).await;
    let (first, second) = (package_name(), package_name());
    for name in [&first, &second] {
        publish(db, &by, name, &["1.0.0"]).await;
    }
    let (first, second) = if first.as_str() < second.as_str() { (first, second) } else { (second, first) };
    let list = async |before, from: Option<&PackageName>, limit| {
        db.ask(PackagesMadeBefore((before, from.cloned(), limit))).await.expect("read")
    };
    assert_eq!(list(after(3600), Some(&first), 1).await.len(), 1);
    assert!(list(after(3600), Some(&first), 100_000).await.contains(&second));
    assert!(!list(after(3600), Some(&second), 100_000).await.contains(&second));
    assert!(!list(after(-3600), None, 100_000).await.contains(&first), "it is younger");
}
