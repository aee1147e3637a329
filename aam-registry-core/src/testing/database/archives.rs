//! Which archives should exist.

use super::{
    changes::yank,
    world::{actor, commit, manifest, package_name, published, upload, v},
};
use crate::{
    decide::Audience,
    ports::{CommandHandlerExt, Database},
    types::{ArchiveKey, Reach, UploadId},
};

/// How many archives are listed at once: few, so that there are several pages.
const PAGE: usize = 3;

/// The location is that of the version, with any build metadata, yanked or not.
pub async fn a_location_is_that_of_the_version(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0+linux"]).await;
    let detail = db.version(&name, &v("1.0.0"), Reach::Everything).await.expect("read").expect("a version");
    for asked in ["1.0.0", "1.0.0+linux", "1.0.0+other"] {
        let location =
            db.archive_location(&name, &v(asked), Audience::Everyone).await.expect("read").expect("a location");
        assert_eq!(location, detail.location(), "{asked}");
        assert_eq!(location.version.to_string(), "1.0.0+linux");
    }
    db.execute(&yank(&actor, &name, "1.0.0")).await.expect("yank");
    let location = db.archive_location(&name, &v("1.0.0"), Audience::Everyone).await.expect("read");
    assert_eq!(location, Some(detail.location()), "a yanked version keeps its archive");
    assert_eq!(db.archive_location(&name, &v("1.0.1"), Audience::Everyone).await.expect("read"), None);
    assert_eq!(db.archive_location(&package_name(), &v("1.0.0"), Audience::Everyone).await.expect("read"), None);
}

/// Every archive of a version is listed once, ordered by key, in pages.
pub async fn published_archives_are_listed_by_key(db: &dyn Database) {
    let (_, name) = published(db, &["1.0.0", "1.1.0", "1.2.0", "1.3.0-rc.1", "2.0.0"]).await;
    let mut expected = Vec::new();
    for version in db.versions(&name, Reach::Everything).await.expect("read").expect("a package") {
        expected.push(
            db.archive_location(&name, &version.version, Audience::Everyone).await.expect("read").expect("a location"),
        );
    }
    expected.sort_by(|a, b| a.archive.cmp(&b.archive));

    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let page = db.published_archives(after.as_ref(), PAGE).await.expect("list");
        assert!(page.len() <= PAGE && page.is_sorted_by(|a, b| a.archive < b.archive), "{page:?}");
        let Some(last) = page.last() else { break };
        assert!(after.is_none_or(|after| page[0].archive > after), "a page begins behind the last one");
        after = Some(last.archive.clone());
        listed.extend(page.into_iter().filter(|location| location.package == name));
    }
    assert_eq!(listed, expected);
}

/// An archive that a version or an upload refers to is not unreferenced, whatever the state of the
/// upload.
pub async fn only_what_nothing_refers_to_is_unreferenced(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    let (live, consumed) = (upload(db, &actor).await, upload(db, &actor).await);
    db.commit_publish(&commit(&actor, consumed, manifest(&name, "1.0.0"))).await.expect("commit");
    let lapsed = UploadId::generate();
    let began = crate::types::NewUpload { id: lapsed, user: actor.user, lease: std::time::Duration::ZERO };
    db.begin_upload(&began).await.expect("begin");

    let strangers = [ArchiveKey::from(UploadId::generate()), ArchiveKey::from(UploadId::generate())];
    let keys = [live, consumed, lapsed].map(ArchiveKey::from);
    let asked = [&strangers[0], &keys[0], &keys[1], &strangers[1], &keys[2]].map(Clone::clone);
    assert_eq!(db.unreferenced_archives(&asked).await.expect("read"), strangers);
    assert_eq!(db.unreferenced_archives(&[]).await.expect("read"), []);

    db.abandon_uploads(100_000).await.expect("sweep");
    assert_eq!(db.unreferenced_archives(&asked).await.expect("read"), strangers, "abandoned, and not yet deleted");
    db.forget_upload(lapsed).await.expect("forget");
    let unreferenced = db.unreferenced_archives(&asked).await.expect("read");
    assert_eq!(unreferenced, [&strangers[0], &strangers[1], &keys[2]].map(Clone::clone));
}

/// A registry has one id, on every connection.
pub async fn a_registry_keeps_its_id(db: &dyn Database) {
    let id = db.registry_id().await.expect("read");
    let again = futures_util::future::join_all((0..8).map(|_| db.registry_id())).await;
    assert!(again.into_iter().all(|again| again.expect("read") == id));
}
