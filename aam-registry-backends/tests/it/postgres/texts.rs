//! Text that PostgreSQL cannot store unchanged.

use std::time::Duration;

use aam_registry_core::{
    decide::{LogOut, NewToken, PublishCommit, PublishQuotas, TextChange, Yank},
    ports::{AuditLog, Clock, CommandHandlerExt, PackageStore, PublishStore, SystemClock, TokenStore, UserStore},
    types::{
        Actor, ApprovalStatus, ArchiveKey, AuditEvent, AuditFilter, Credential, LatestPolicy, Manifest, NewAuditEntry,
        NewUpload, PackageName, PageRequest, Reach, SearchQuery, SearchSort, Sha256Digest, Sight, TagRules, Token,
        TokenId, TokenScopes, UploadId, Version, VersionText,
    },
};
use jiff::SignedDuration;
use serde_json::json;

use super::world::{actor, database};

/// Contains a NUL, which PostgreSQL cannot store in text, and the character by which the adapter replaces it.
const ODD: &str = "a\0b\u{1}0 zoë\u{fffd}";

#[expect(clippy::too_many_lines, reason = "one text after the other, in the order of what holds it")]
#[tokio::test]
async fn any_text_comes_back_as_it_was() {
    let (store, _database) = database().await;
    let owner = actor(&store, "owner").await;
    let name: PackageName = "kit".parse().expect("a name");
    let version: Version = "1.0.0".parse().expect("a version");
    let now = SystemClock.now();
    let audit = |event| NewAuditEntry::new(event, now).with_actor(ODD).with("reason", ODD);

    let document = json!({
        "name": "kit", "version": "1.0.0", "description": ODD, "author": ODD, "keywords": ["odd"],
        "artifacts": {"skills": [{"name": "s", "path": "s", "description": ODD}]},
    });
    let (upload, lease) = (UploadId::generate(), Duration::from_hours(1));
    store.begin_upload(&NewUpload { id: upload, user: owner.user, lease }).await.expect("begin");
    let commit = PublishCommit {
        actor: owner.clone(),
        upload,
        archive: ArchiveKey::from(upload),
        manifest: Manifest::from_document(document).expect("a manifest"),
        sha256: Sha256Digest::of(b""),
        archive_size: 1,
        files: Vec::new(),
        readme: Some(ODD.to_owned()),
        tag: None,
        approval: ApprovalStatus::Approved,
        tags: TagRules::at_most(100),
        quotas: PublishQuotas::default(),
        latest_policy: LatestPolicy::Highest,
        now,
        audit: audit(AuditEvent::PackagePublish),
    };
    store.commit_publish(&commit).await.expect("publish");
    let deprecation = TextChange {
        actor: owner.clone(),
        package: name.clone(),
        version: version.clone(),
        text: VersionText::Deprecation,
        value: Some(ODD.to_owned()),
        now,
        audit: audit(AuditEvent::VersionDeprecate),
    };
    store.execute(&deprecation).await.expect("deprecate");
    let query = SearchQuery {
        text: Some(format!("{ODD} zoe")),
        artifact_type: None,
        scope: None,
        keyword: Some("odd".to_owned()),
        sort: SearchSort::Relevance,
        page: PageRequest { page: 1, limit: 10 },
        sight: Sight::default(),
    };
    let found = store.search(&query).await.expect("search");
    assert_eq!((found.items[0].description.as_str(), found.items[0].author.as_deref()), (ODD, Some(ODD)));
    let nothing = SearchQuery { text: None, keyword: Some(ODD.to_owned()), ..query };
    assert_eq!(store.search(&nothing).await.expect("search").total, 0);

    let detail = store.version(&name, &version, Reach::Everything).await.expect("read").expect("a version");
    assert_eq!(
        (detail.manifest.description.as_str(), detail.summary.texts.get(VersionText::Deprecation)),
        (ODD, Some(ODD))
    );
    assert_eq!(store.readme(&name, &version, Reach::Everything).await.expect("read"), Some(Some(ODD.to_owned())));
    let yank = Yank {
        actor: owner.clone(),
        package: name.clone(),
        version: version.clone(),
        reason: Some(ODD.to_owned()),
        latest_policy: LatestPolicy::Highest,
        now,
        audit: audit(AuditEvent::VersionYank),
    };
    store.execute(&yank).await.expect("yank");
    let detail = store.version(&name, &version, Reach::Everything).await.expect("read").expect("a version");
    assert_eq!(detail.yanked_reason.as_deref(), Some(ODD));

    let page = PageRequest { page: 1, limit: 10 };
    let filter = AuditFilter { package: None, event: None, actor: Some(ODD.to_owned()), from: None, to: None, page };
    let log = store.entries(&filter).await.expect("read");
    assert_eq!(log.total, 3);
    assert!(log.items.iter().all(|one| one.entry.actor.as_deref() == Some(ODD) && one.entry.metadata["reason"] == ODD));

    let token = Token {
        id: TokenId::generate(),
        user: owner.user,
        name: ODD.to_owned(),
        scopes: TokenScopes::all(),
        packages: Vec::new(),
        created_at: now,
        expires_at: None,
        last_used_at: None,
        last_used_from: None,
    };
    let new = NewToken {
        actor: owner.clone(),
        scopes: TokenScopes::all(),
        token: token.clone(),
        secret: Sha256Digest::of(b"secret"),
        max_tokens: None,
        audit: audit(AuditEvent::TokenCreate),
    };
    store.execute(&new).await.expect("create");
    assert_eq!(store.tokens(&owner, now).await.expect("read"), [token]);
    let credential =
        Credential::Session { id: ODD.into(), generation: 0, expires_at: now + SignedDuration::from_hours(1) };
    let by = Actor { credential, ..owner.clone() };
    store.execute(&LogOut { actor: by, now, audit: audit(AuditEvent::UserLogout) }).await.expect("log out");
    assert_eq!(store.session_user(owner.user, ODD, 0).await.expect("read"), None);
    assert!(store.session_user(owner.user, "other", 0).await.expect("read").is_some());
    assert!(store.login(&format!("{ODD}@x")).await.expect("read").is_none());
}
