//! Uploads in progress, and the sweep of abandoned ones.

use std::time::Duration;

use super::world::{actor, commit, manifest, package_name, refused, upload};
use crate::{
    error::ErrorCode,
    ports::Database,
    types::{Actor, ArchiveKey, NewUpload, Reach, Upload, UploadId},
};

/// A limit high enough that the uploads of other cases do not displace those of this one.
const MANY: usize = 100_000;

/// An upload whose lease ends immediately.
async fn lapsed(db: &dyn Database, actor: &Actor) -> UploadId {
    let id = UploadId::generate();
    let upload = NewUpload { id, user: actor.user, lease: Duration::ZERO };
    db.begin_upload(&upload).await.expect("begin");
    id
}

async fn abandoned(db: &dyn Database, ago: Duration, id: UploadId) -> Option<Upload> {
    let uploads = db.abandoned_uploads(ago, MANY).await.expect("list");
    uploads.into_iter().find(|upload| upload.id == id)
}

/// Only a live upload is renewed.
pub async fn a_live_upload_is_renewed(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    assert!(!db.renew_upload(UploadId::generate(), Duration::from_mins(10)).await.expect("renew"), "unknown");
    let consumed = upload(db, &actor).await;
    assert!(db.renew_upload(consumed, Duration::from_mins(15)).await.expect("renew"));
    db.commit_publish(&commit(&actor, consumed, manifest(&name, "1.0.0"))).await.expect("commit");
    assert!(!db.renew_upload(consumed, Duration::from_mins(15)).await.expect("renew"), "consumed");
}

/// An upload whose lease was extended, or that became a version, is never abandoned.
pub async fn a_sweep_spares_renewed_and_committed_uploads(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    let (renewed, committed) = (UploadId::generate(), UploadId::generate());
    for id in [renewed, committed] {
        let begun = NewUpload { id, user: actor.user, lease: Duration::from_mins(1) };
        db.begin_upload(&begun).await.expect("begin");
    }
    assert!(db.renew_upload(renewed, Duration::from_mins(15)).await.expect("renew"));
    db.commit_publish(&commit(&actor, committed, manifest(&name, "1.0.0"))).await.expect("commit");
    db.abandon_uploads(MANY).await.expect("sweep");
    assert_eq!(abandoned(db, Duration::ZERO, renewed).await, None);
    assert_eq!(abandoned(db, Duration::ZERO, committed).await, None);
    db.commit_publish(&commit(&actor, renewed, manifest(&name, "1.0.1"))).await.expect("commit");
}

/// Renewing sets how long the lease lasts from now on, even if that is shorter than before.
pub async fn a_lease_lasts_as_long_as_it_was_renewed_for(db: &dyn Database) {
    let actor = actor(db).await;
    let (shortened, extended) = (upload(db, &actor).await, upload(db, &actor).await);
    assert!(db.renew_upload(extended, Duration::from_hours(24)).await.expect("renew"));
    assert!(db.renew_upload(shortened, Duration::ZERO).await.expect("renew"));
    db.abandon_uploads(MANY).await.expect("sweep");
    assert!(abandoned(db, Duration::ZERO, shortened).await.is_some());
    assert_eq!(abandoned(db, Duration::ZERO, extended).await, None);
}

/// An upload whose lease ran out is marked, cannot be committed or renewed any more, and is listed with
/// the key of its bytes.
pub async fn a_lapsed_upload_is_abandoned(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    let (alive, dead) = (upload(db, &actor).await, lapsed(db, &actor).await);
    db.abandon_uploads(MANY).await.expect("sweep");

    let found = abandoned(db, Duration::ZERO, dead).await.expect("an abandoned upload");
    assert_eq!((found.id, found.archive), (dead, ArchiveKey::from(dead)));
    assert_eq!(abandoned(db, Duration::from_hours(1), dead).await, None, "not abandoned an hour ago");
    assert_eq!(abandoned(db, Duration::ZERO, alive).await, None);
    assert!(!db.renew_upload(dead, Duration::from_mins(10)).await.expect("renew"));
    refused(db.commit_publish(&commit(&actor, dead, manifest(&name, "1.0.0"))).await, ErrorCode::Timeout);
    assert_eq!(db.package(&name, Reach::Everything).await.expect("read"), None);
    db.commit_publish(&commit(&actor, alive, manifest(&name, "1.0.0"))).await.expect("commit");
}

/// An abandoned upload is forgotten after its bytes are deleted; forgetting it again is no error.
pub async fn an_abandoned_upload_is_forgotten(db: &dyn Database) {
    let actor = actor(db).await;
    let (first, second) = (lapsed(db, &actor).await, lapsed(db, &actor).await);
    db.abandon_uploads(MANY).await.expect("sweep");
    for _ in 0..2 {
        db.forget_upload(first).await.expect("forget");
    }
    db.forget_upload(UploadId::generate()).await.expect("forget what never was");
    assert_eq!(abandoned(db, Duration::ZERO, first).await, None);
    assert!(abandoned(db, Duration::ZERO, second).await.is_some());
    let late = commit(&actor, first, manifest(&package_name(), "1.0.0"));
    refused(db.commit_publish(&late).await, ErrorCode::Timeout);
}

/// An upload that is not abandoned is not forgotten, because its bytes may become a version.
pub async fn a_live_upload_is_not_forgotten(db: &dyn Database) {
    let actor = actor(db).await;
    let alive = upload(db, &actor).await;
    db.forget_upload(alive).await.expect("forget");
    db.commit_publish(&commit(&actor, alive, manifest(&package_name(), "1.0.0"))).await.expect("commit");
}

/// A sweep handles no more uploads than its limit, and several sweeps handle all.
pub async fn a_sweep_keeps_to_its_limit(db: &dyn Database) {
    let actor = actor(db).await;
    let mut mine = Vec::new();
    for _ in 0..3 {
        mine.push(lapsed(db, &actor).await);
    }
    assert_eq!(db.abandon_uploads(0).await.expect("sweep"), 0);
    while db.abandon_uploads(2).await.expect("sweep") > 0 {}
    for id in mine {
        assert!(abandoned(db, Duration::ZERO, id).await.is_some());
    }
    assert_eq!(db.abandoned_uploads(Duration::ZERO, 2).await.expect("list").len(), 2);
}
