//! What a commit creates from an upload, and when it refuses.

use futures_util::future::join_all;
use serde_json::json;

use super::world::{
    actor, after, audit_of, commit, dead_actors, expired, latest, logged_out, manifest, manifest_with, now,
    package_name, publish, published, refused, tag, try_publish, upload, v,
};
use crate::{
    decide::{PublishCheck, PublishCommit, PublishQuotas, Published, Yank},
    error::{Error, ErrorCode},
    ports::{CommandHandlerExt, Database},
    types::{
        Actor, ApprovalStatus, ArchiveFile, AuditEvent, DistTag, LatestPolicy, PackageName, Reach, Sha256Digest,
        UploadId, VersionStatus, VersionSummary, VersionTexts, Visibility,
    },
};

fn check(actor: &Actor, package: &PackageName, version: &str) -> PublishCheck {
    PublishCheck {
        actor: actor.clone(),
        package: package.clone(),
        version: v(version),
        quotas: PublishQuotas::default(),
        now: now(),
    }
}

/// Every read returns the fields of the commit, and the publish has one audit entry.
pub async fn a_commit_makes_a_version(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    let manifest = manifest_with(
        &name,
        "1.2.3-rc.1+build.5",
        &json!({
            "author": "Zoë \"Q\" O'Neil", "license": "MIT", "repository": "https://example.com/r",
            "homepage": "https://example.com", "keywords": ["audit", "b-2"], "x-unknown": {"kept": [1, 2.5, null]},
            "dependencies": {"@my_org/style-guide": ">=1.0,<2.0", "greet-kit": "1.0.0"},
        }),
    );
    let file = |path: &str, executable| ArchiveFile {
        path: path.to_owned(),
        size: u64::from(u32::MAX) + 1,
        sha256: Sha256Digest::of(path.as_bytes()),
        executable,
    };
    let upload = upload(db, &actor).await;
    let commit = PublishCommit {
        archive_size: 52_428_800,
        files: vec![file("aam.yaml", false), file("skills/greeter/run.sh", true), file("é.md", false)],
        readme: Some("# Hi\r\n\"quoted\" \u{1f600}\n".to_owned()),
        tag: Some(tag("beta")),
        ..commit(&actor, upload, manifest.clone())
    };
    let tags = vec![tag("beta"), DistTag::latest()];
    let made = db.commit_publish(&commit).await.expect("commit");
    assert_eq!(
        made,
        Published {
            published_at: commit.now,
            dist_tags: tags.clone(),
            waiting_tag: None,
            visibility: Visibility::Public,
            approval: ApprovalStatus::Approved
        }
    );

    let summary = VersionSummary {
        version: manifest.version.clone(),
        published_at: commit.now,
        yanked: false,
        texts: VersionTexts::default(),
        sha256: commit.sha256,
        archive_size: commit.archive_size,
        dependencies: manifest.dependencies.clone(),
        status: VersionStatus::OPEN,
    };
    // Requested without its build metadata, which does not matter.
    let version = v("1.2.3-rc.1");
    let detail = db.version(&name, &version, Reach::Everything).await.expect("read").expect("a version");
    assert_eq!(detail.summary, summary);
    assert_eq!(detail.summary.version.to_string(), "1.2.3-rc.1+build.5");
    assert_eq!(detail.manifest, manifest);
    assert_eq!((&detail.package, &detail.archive), (&name, &commit.archive));
    assert_eq!(detail.published_by, actor.username.as_str());
    assert_eq!((detail.yanked_reason, detail.dist_tags, detail.downloads), (None, tags, 0));
    assert_eq!(db.versions(&name, Reach::Everything).await.expect("read"), Some(vec![summary.clone()]));
    assert_eq!(db.files(&name, &version, Reach::Everything).await.expect("read"), Some(commit.files.clone()));
    assert_eq!(db.readme(&name, &version, Reach::Everything).await.expect("read"), Some(commit.readme.clone()));

    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!((package.name, package.manifest, package.versions), (name.clone(), manifest, vec![summary]));
    assert_eq!((package.created_at, package.updated_at), (commit.now, commit.now));
    assert_eq!((package.visibility, package.downloads), (Visibility::Public, 0));
    assert_eq!(package.dist_tags.keys().collect::<Vec<_>>(), [&tag("beta"), &DistTag::latest()]);
    let audit = audit_of(db, &name).await;
    assert_eq!(audit.into_iter().map(|one| one.entry).collect::<Vec<_>>(), [commit.audit]);
}

/// A version without a README has none; an unknown version or package has neither files nor a README.
pub async fn what_was_not_published_is_not_there(db: &dyn Database) {
    let (_, name) = published(db, &["1.0.0"]).await;
    assert_eq!(db.readme(&name, &v("1.0.0"), Reach::Everything).await.expect("read"), Some(None));
    let (other, version) = (package_name(), v("1.0.1"));
    assert_eq!(db.version(&name, &version, Reach::Everything).await.expect("read"), None);
    assert_eq!(db.files(&name, &version, Reach::Everything).await.expect("read"), None);
    assert_eq!(db.readme(&name, &version, Reach::Everything).await.expect("read"), None);
    assert_eq!(db.package(&other, Reach::Everything).await.expect("read"), None);
    assert_eq!(db.versions(&other, Reach::Everything).await.expect("read"), None);
    assert_eq!(db.version(&other, &version, Reach::Everything).await.expect("read"), None);
}

/// `Timeout` for an upload that was already committed, was never begun or belongs to another user.
pub async fn an_upload_is_committed_once(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0"]).await;
    let consumed = upload(db, &actor).await;
    db.commit_publish(&commit(&actor, consumed, manifest(&name, "1.0.1"))).await.expect("commit");
    let others = upload(db, &super::world::actor(db).await).await;
    for upload in [consumed, others, UploadId::generate()] {
        let commit = commit(&actor, upload, manifest(&name, "1.0.2"));
        refused(db.commit_publish(&commit).await, ErrorCode::Timeout);
    }
    assert_eq!(db.versions(&name, Reach::Everything).await.expect("read").expect("a package").len(), 2);
    assert_eq!(audit_of(db, &name).await.len(), 2);
}

/// After a refused commit, the upload can be committed with the fault corrected.
pub async fn a_refused_commit_leaves_the_upload(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0"]).await;
    let upload = upload(db, &actor).await;
    refused(db.commit_publish(&commit(&actor, upload, manifest(&name, "1.0.0"))).await, ErrorCode::VersionExists);
    assert!(db.renew_upload(upload, std::time::Duration::from_mins(15)).await.expect("renew"), "the upload died");
    db.commit_publish(&commit(&actor, upload, manifest(&name, "1.0.1"))).await.expect("commit");
}

/// `VersionExists` with the version and digest of the existing one, even if only build metadata
/// differs.
pub async fn a_version_is_published_once(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0+first"]).await;
    let existing = db.version(&name, &v("1.0.0"), Reach::Everything).await.expect("read").expect("a version").summary;
    for version in ["1.0.0+first", "1.0.0", "1.0.0+second"] {
        let refusals = [
            db.check_publish(&check(&actor, &name, version)).await.expect_err("a check of an existing version"),
            try_publish(db, &actor, manifest(&name, version)).await.expect_err("a second publish"),
        ];
        for refusal in refusals {
            let Error::VersionExists { package, version, sha256 } = refusal else { panic!("{refusal:?}") };
            assert_eq!((package, version.to_string().as_str(), sha256), (name.clone(), "1.0.0+first", existing.sha256));
        }
    }
    assert_eq!(db.versions(&name, Reach::Everything).await.expect("read").expect("a package"), [existing]);
    assert_eq!(audit_of(db, &name).await.len(), 1);
}

/// The number of a yanked version cannot be published again.
pub async fn a_yanked_version_still_exists(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0"]).await;
    let yank = Yank {
        actor: actor.clone(),
        package: name.clone(),
        version: v("1.0.0"),
        reason: None,
        latest_policy: LatestPolicy::Highest,
        now: now(),
        audit: super::world::entry(AuditEvent::VersionYank, &actor),
    };
    db.execute(&yank).await.expect("yank");
    refused(try_publish(db, &actor, manifest(&name, "1.0.0")).await, ErrorCode::VersionExists);
}

/// Of several concurrent commits of one version, one succeeds; the others fail with `VersionExists` and
/// its digest.
pub async fn of_commits_at_once_one_wins(db: &dyn Database) {
    let (actor, name) = published(db, &["0.9.0"]).await;
    let mut commits = Vec::new();
    for build in 0..6 {
        let upload = upload(db, &actor).await;
        commits.push(commit(&actor, upload, manifest(&name, &format!("1.0.0+build.{build}"))));
    }
    let results = join_all(commits.iter().map(|commit| db.commit_publish(commit))).await;
    let won: Vec<_> = commits.iter().zip(&results).filter(|(_, result)| result.is_ok()).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    let winner = won[0].0;
    for result in results.iter().filter_map(|result| result.as_ref().err()) {
        let Error::VersionExists { sha256, .. } = result else { panic!("{result:?}") };
        assert_eq!(*sha256, winner.sha256);
    }
    let detail = db.version(&name, &v("1.0.0"), Reach::Everything).await.expect("read").expect("a version");
    assert_eq!((detail.summary.sha256, detail.archive), (winner.sha256, winner.archive.clone()));
    assert_eq!(audit_of(db, &name).await.len(), 2);
}

/// Different versions published concurrently all succeed, and `latest` names the highest.
pub async fn versions_published_at_once_all_count(db: &dyn Database) {
    let (actor, name) = published(db, &["0.1.0"]).await;
    let versions = ["1.0.0", "3.0.0", "2.0.0", "4.0.0-rc.1"];
    let results = join_all(versions.map(|version| try_publish(db, &actor, manifest(&name, version)))).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(latest(db, &name).await.as_deref(), Some("3.0.0"));
    assert_eq!(db.versions(&name, Reach::Everything).await.expect("read").expect("a package").len(), 5);
}

/// A deleted or disabled user, or one who logged out, publishes nothing, even if that happened during
/// the upload.
pub async fn a_dead_credential_publishes_nothing(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    let mut dead = dead_actors(db, &owner).await;
    dead.push(("logged out on the way", logged_out(db, &owner).await));
    dead.push(("expired on the way", expired(&owner)));
    for (what, actor) in dead {
        for package in [&name, &package_name()] {
            let checked = db.check_publish(&check(&actor, package, "1.0.1")).await;
            assert_eq!(checked.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
            let upload = upload(db, &owner).await;
            let made = db.commit_publish(&commit(&actor, upload, manifest(package, "1.0.1"))).await;
            assert_eq!(made.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
            assert_eq!(db.version(package, &v("1.0.1"), Reach::Everything).await.expect("read"), None, "{what}");
        }
    }
    assert_eq!(audit_of(db, &name).await.len(), 1);
}

/// A successful check changes nothing.
pub async fn a_check_changes_nothing(db: &dyn Database) {
    let (actor, name) = (actor(db).await, package_name());
    for _ in 0..2 {
        db.check_publish(&check(&actor, &name, "1.0.0")).await.expect("check");
    }
    assert_eq!(db.package(&name, Reach::Everything).await.expect("read"), None);
    publish(db, &super::world::actor(db).await, &name, &["1.0.0"]).await;
}

/// Whatever the clock says, a later event is not dated earlier: a version, a yank, the package's last
/// change.
pub async fn a_clock_that_is_behind_dates_nothing_back(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0"]).await;
    let before = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    let behind = after(-600);
    let mut late = commit(&actor, upload(db, &actor).await, manifest(&name, "1.1.0"));
    late.now = behind;
    let published = db.commit_publish(&late).await.expect("commit");
    assert!(published.published_at >= before.updated_at);
    let found = db.version(&name, &v("1.1.0"), Reach::Everything).await.expect("read").expect("a version").summary;
    assert_eq!(found.published_at, published.published_at);
    let yank = crate::decide::Yank {
        actor: actor.clone(),
        package: name.clone(),
        version: v("1.1.0"),
        reason: None,
        latest_policy: crate::types::LatestPolicy::Highest,
        now: behind,
        audit: super::world::entry(crate::types::AuditEvent::VersionYank, &actor).with_package(&name),
    };
    assert!(db.execute(&yank).await.expect("yank").yanked_at >= published.published_at);
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert!(package.updated_at >= published.published_at && package.created_at == before.created_at);
}
