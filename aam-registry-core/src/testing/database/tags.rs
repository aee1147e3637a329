//! Dist-tags and what `latest` names.

use futures_util::future::join_all;

use super::{
    changes::{unyank, yank},
    world::{
        actor, after, audit_of, commit, dead_actors, entry, latest, manifest, now, package_name, publish, published,
        refused, tag, upload, v,
    },
};
use crate::{
    decide::{PublishCommit, TagChange, Yank},
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database},
    types::{Actor, AuditEvent, DistTag, LatestPolicy, PackageName, Reach, TagRules},
};

fn change(actor: &Actor, package: &PackageName, name: &str, version: Option<&str>) -> TagChange {
    let event = if version.is_some() { AuditEvent::TagSet } else { AuditEvent::TagRemove };
    let audit = entry(event, actor).with_package(package).with("tag", name);
    let (actor, package) = (actor.clone(), package.clone());
    TagChange {
        actor,
        package,
        tag: tag(name),
        version: version.map(v),
        rules: TagRules::at_most(100),
        now: now(),
        audit,
    }
}

async fn set(db: &dyn Database, actor: &Actor, name: &PackageName, tag: &str, version: &str) -> Result<()> {
    db.execute(&change(actor, name, tag, Some(version))).await
}

async fn remove(db: &dyn Database, actor: &Actor, name: &PackageName, tag: &str) -> Result<()> {
    db.execute(&change(actor, name, tag, None)).await
}

/// The package's tags and the versions they name, as text.
async fn tags(db: &dyn Database, name: &PackageName) -> Vec<(String, String)> {
    let package = db.package(name, Reach::Everything).await.expect("read").expect("a package");
    package.dist_tags.iter().map(|(tag, version)| (tag.to_string(), version.to_string())).collect()
}

fn pairs<const N: usize>(tags: [(&str, &str); N]) -> Vec<(String, String)> {
    tags.map(|(tag, version)| (tag.to_owned(), version.to_owned())).to_vec()
}

/// Publishes with the policy that `latest` is the newest version.
async fn publish_newest(db: &dyn Database, actor: &Actor, name: &PackageName, version: &str) {
    let upload = upload(db, actor).await;
    let commit = commit(actor, upload, manifest(name, version));
    let commit = PublishCommit { latest_policy: LatestPolicy::Newest, ..commit };
    db.commit_publish(&commit).await.expect("publish");
}

/// A tag is set, moved and removed; it names the version as published; each change is in the audit log.
pub async fn a_tag_is_set_moved_and_removed(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0+b1", "1.1.0"]).await;
    set(db, &actor, &name, "beta", "1.0.0+other").await.expect("set");
    assert_eq!(tags(db, &name).await, pairs([("beta", "1.0.0+b1"), ("latest", "1.1.0")]));
    let tagged = db.version(&name, &v("1.0.0"), Reach::Everything).await.expect("read").expect("a version");
    assert_eq!(tagged.dist_tags, [tag("beta")]);

    let moved = TagChange { now: after(5), ..change(&actor, &name, "beta", Some("1.1.0")) };
    db.execute(&moved).await.expect("move");
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.updated_at, moved.now);
    let tagged = db.version(&name, &v("1.1.0"), Reach::Everything).await.expect("read").expect("a version");
    assert_eq!(tagged.dist_tags, [tag("beta"), DistTag::latest()]);

    remove(db, &actor, &name, "beta").await.expect("remove");
    assert_eq!(tags(db, &name).await, pairs([("latest", "1.1.0")]));
    let events: Vec<_> = audit_of(db, &name).await.iter().map(|one| one.entry.event).collect();
    assert_eq!(events[..3], [AuditEvent::TagRemove, AuditEvent::TagSet, AuditEvent::TagSet]);
}

/// Setting a tag to the version that it names changes nothing.
pub async fn a_tag_that_is_so_already_is_no_change(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0"]).await;
    for (tag, entries) in [("beta", 2), ("beta", 2), ("latest", 2)] {
        set(db, &actor, &name, tag, "1.0.0").await.expect("set");
        assert_eq!(audit_of(db, &name).await.len(), entries);
    }
}

/// `TagNotFound` for a tag that the package does not have, or no longer has.
pub async fn an_unknown_tag_cannot_be_removed(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0"]).await;
    refused(remove(db, &actor, &name, "beta").await, ErrorCode::TagNotFound);
    set(db, &actor, &name, "beta", "1.0.0").await.expect("set");
    remove(db, &actor, &name, "beta").await.expect("remove");
    refused(remove(db, &actor, &name, "beta").await, ErrorCode::TagNotFound);
    assert_eq!(audit_of(db, &name).await.len(), 3);
}

/// `InvalidTag` for a yanked version, `latest` included.
pub async fn a_yanked_version_gets_no_tag(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0", "1.1.0"]).await;
    db.execute(&yank(&actor, &name, "1.1.0")).await.expect("yank");
    for tag in ["beta", "latest"] {
        refused(set(db, &actor, &name, tag, "1.1.0").await, ErrorCode::InvalidTag);
    }
    assert_eq!(tags(db, &name).await, pairs([("latest", "1.0.0")]));
}

/// Only users with the right change tags, only of existing packages and versions, and only with a valid
/// credential.
pub async fn a_tag_change_is_checked(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    let other = actor(db).await;
    set(db, &owner, &name, "beta", "1.0.0").await.expect("set");
    refused(set(db, &owner, &name, "x", "1.0.1").await, ErrorCode::VersionNotFound);
    for actor in [&owner, &other] {
        refused(set(db, actor, &package_name(), "x", "1.0.0").await, ErrorCode::PackageNotFound);
        refused(remove(db, actor, &package_name(), "x").await, ErrorCode::PackageNotFound);
    }
    refused(set(db, &other, &name, "x", "1.0.0").await, ErrorCode::Forbidden);
    refused(remove(db, &other, &name, "beta").await, ErrorCode::Forbidden);
    for (what, dead) in dead_actors(db, &owner).await {
        let removed = remove(db, &dead, &name, "beta").await;
        assert_eq!(removed.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
    }
    assert_eq!(tags(db, &name).await, pairs([("beta", "1.0.0"), ("latest", "1.0.0")]));
    assert_eq!(audit_of(db, &name).await.len(), 2);
}

/// A publish moves the requested tag, and no other.
pub async fn a_publish_sets_the_tag_it_asks_for(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0"]).await;
    set(db, &actor, &name, "beta", "1.0.0").await.expect("set");
    set(db, &actor, &name, "stable", "1.0.0").await.expect("set");
    let upload = upload(db, &actor).await;
    let commit = PublishCommit { tag: Some(tag("beta")), ..commit(&actor, upload, manifest(&name, "1.1.0-rc.1")) };
    let made = db.commit_publish(&commit).await.expect("publish");
    assert_eq!(made.dist_tags, [tag("beta")]);
    assert_eq!(tags(db, &name).await, pairs([("beta", "1.1.0-rc.1"), ("latest", "1.0.0"), ("stable", "1.0.0")]));
}

/// `latest` names the highest release, by SemVer precedence and not by text or time.
pub async fn latest_is_the_highest_release(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    for (version, expected) in [
        ("1.0.0-beta", "1.0.0-beta"),
        ("1.0.0-alpha", "1.0.0-beta"),
        ("0.9.0", "0.9.0"),
        ("2.0.0-rc.1", "0.9.0"),
        ("0.10.0", "0.10.0"),
        ("0.9.1", "0.10.0"),
        ("0.10.1+build", "0.10.1+build"),
    ] {
        publish(db, &actor, &name, &[version]).await;
        assert_eq!(latest(db, &name).await.as_deref(), Some(expected), "after {version}");
    }
}

/// Under the policy `newest` the version published last is `latest`, whatever its number.
pub async fn latest_may_be_the_newest(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    for version in ["2.0.0", "1.0.0", "3.0.0-rc.1"] {
        publish_newest(db, &actor, &name, version).await;
        assert_eq!(latest(db, &name).await.as_deref(), Some(version));
    }
    for (version, expected) in [("3.0.0-rc.1", "1.0.0"), ("2.0.0", "1.0.0")] {
        let yank = Yank { latest_policy: LatestPolicy::Newest, ..yank(&actor, &name, version) };
        db.execute(&yank).await.expect("yank");
        assert_eq!(latest(db, &name).await.as_deref(), Some(expected));
    }
}

/// A yank moves `latest` to the next highest version, a pre-release only if no release is left; taking
/// it back moves `latest` back.
pub async fn latest_follows_yanks(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0-rc.1", "1.0.0", "2.0.0-rc.1", "1.1.0"]).await;
    for (yanked, expected) in [("1.1.0", "1.0.0"), ("1.0.0", "2.0.0-rc.1"), ("2.0.0-rc.1", "1.0.0-rc.1")] {
        let result = db.execute(&yank(&actor, &name, yanked)).await.expect("yank");
        assert_eq!(result.moved_tags, [(DistTag::latest(), v(expected))].into());
        assert_eq!(latest(db, &name).await.as_deref(), Some(expected));
    }
    db.execute(&yank(&actor, &name, "1.0.0-rc.1")).await.expect("yank");
    assert_eq!(latest(db, &name).await, None);
    for (restored, expected) in [("2.0.0-rc.1", "2.0.0-rc.1"), ("1.0.0", "1.0.0"), ("1.0.0-rc.1", "1.0.0")] {
        db.execute(&unyank(&actor, &name, restored)).await.expect("unyank");
        assert_eq!(latest(db, &name).await.as_deref(), Some(expected), "after {restored}");
    }
}

/// A version chosen by an owner stays `latest` until a version is published that is higher than all
/// before.
pub async fn latest_set_by_hand_holds_until_something_higher(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0", "2.0.0", "0.5.0"]).await;
    set(db, &actor, &name, "latest", "1.0.0").await.expect("set");
    assert_eq!(latest(db, &name).await.as_deref(), Some("1.0.0"));
    publish(db, &actor, &name, &["1.0.1"]).await;
    assert_eq!(latest(db, &name).await.as_deref(), Some("1.0.0"), "2.0.0 was there and not wanted");
    let yanked = db.execute(&yank(&actor, &name, "0.5.0")).await.expect("yank");
    assert_eq!((yanked.moved_tags, latest(db, &name).await.as_deref()), ([].into(), Some("1.0.0")));
    publish(db, &actor, &name, &["2.0.1"]).await;
    assert_eq!(latest(db, &name).await.as_deref(), Some("2.0.1"));
    publish(db, &actor, &name, &["2.0.2"]).await;
    assert_eq!(latest(db, &name).await.as_deref(), Some("2.0.2"), "the choice is over");
}

/// A pre-release may be chosen, and stays `latest` when lower releases are published.
pub async fn latest_set_by_hand_may_be_a_prerelease(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0", "2.0.0-rc.1"]).await;
    set(db, &actor, &name, "latest", "2.0.0-rc.1").await.expect("set");
    publish(db, &actor, &name, &["1.0.1"]).await;
    assert_eq!(latest(db, &name).await.as_deref(), Some("2.0.0-rc.1"));
    publish(db, &actor, &name, &["2.0.0"]).await;
    assert_eq!(latest(db, &name).await.as_deref(), Some("2.0.0"));
}

/// A yank ends an owner's choice, and taking it back does not restore the choice.
pub async fn latest_set_by_hand_ends_with_a_yank(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0", "2.0.0"]).await;
    set(db, &actor, &name, "latest", "1.0.0").await.expect("set");
    let yanked = db.execute(&yank(&actor, &name, "1.0.0")).await.expect("yank");
    assert_eq!(yanked.moved_tags, [(DistTag::latest(), v("2.0.0"))].into());
    db.execute(&unyank(&actor, &name, "1.0.0")).await.expect("unyank");
    assert_eq!(latest(db, &name).await.as_deref(), Some("2.0.0"));
}

/// `QuotaExceeded` for one tag more than a package may have beside `latest`, also if several are set at once, and for
/// one that a publish asks for; tags that exist may still be moved.
pub async fn a_package_has_no_more_tags_than_it_may(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0"]).await;
    let two = |tag: &str| TagChange { rules: TagRules::at_most(2), ..change(&actor, &name, tag, Some("1.0.0")) };
    let changes = ["a", "b", "c", "d"].map(two);
    let results = join_all(changes.iter().map(|change| db.execute(change))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2, "{results:?}");
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::QuotaExceeded);
    }
    let publish = async |asked: &str, version: &str| {
        let commit = commit(&actor, upload(db, &actor).await, manifest(&name, version));
        db.commit_publish(&PublishCommit { tag: Some(tag(asked)), tags: TagRules::at_most(2), ..commit }).await
    };
    refused(publish("more", "1.1.0").await, ErrorCode::QuotaExceeded);
    let set: Vec<_> = tags(db, &name).await.into_iter().map(|(tag, _)| tag).filter(|tag| tag != "latest").collect();
    publish(&set[0], "1.2.0").await.expect("moves a tag");
    publish("latest", "1.3.0").await.expect("`latest` does not count");
    db.execute(&two(&set[1])).await.expect("it is so already");
    remove(db, &actor, &name, &set[1]).await.expect("remove");
    db.execute(&two("more")).await.expect("there is room again");
}
