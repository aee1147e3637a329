//! Decisions as pure functions: each command by itself, and what holds for any sequence of them.

mod accounts;
mod gate;
mod laws;
mod packages;
mod publishing;
mod reports;
mod scopes;
mod tag_gates;
mod trusted_publishing;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    CallerAccount, CallerFacts, Changes, LatestFacts, PackageAccess, PackageFacts, PackageState, PublishCommit,
    PublishQuotas, VersionState, VisibilityChange,
};
use crate::types::{
    AccountRoles, Actor, ApprovalStatus, ArchiveKey, AuditEvent, Credential, LatestPolicy, LatestTag, Manifest,
    NewAuditEntry, PublishedVersion, Sha256Digest, TagRules, UploadId, UserId, Username, Version, VersionStatus,
    VersionTexts, Visibility,
};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// The number of the user who administers the registry.
const ADMIN: usize = 3;

fn after(seconds: i64) -> Timestamp {
    NOW + SignedDuration::from_secs(seconds)
}

fn username(at: usize) -> Username {
    format!("user-{at}").parse().expect("a name")
}

fn user(at: usize) -> UserId {
    uuid::Uuid::from_u128(at as u128 + 1).into()
}

fn actor(at: usize) -> Actor {
    Actor { user: user(at), username: username(at), credential: Credential::Host, roles: AccountRoles::all() }
}

fn entry() -> NewAuditEntry {
    NewAuditEntry::new(AuditEvent::TagSet, NOW)
}

/// A user who is there.
fn caller(at: usize) -> CallerFacts {
    let roles = if at == ADMIN { AccountRoles::ADMIN } else { AccountRoles::NONE };
    let account = CallerAccount { roles, ..CallerAccount::default() };
    CallerFacts { account: Some(account), ..CallerFacts::default() }
}

fn v(text: &str) -> Version {
    text.parse().expect("a version")
}

/// Facts of a package that the first user owns, with these versions, the last
/// of which is `latest`, and of the version `wanted`.
fn facts(versions: &[&str], wanted: &str) -> PackageFacts {
    let published: Vec<_> =
        versions.iter().map(|text| PublishedVersion::new(v(text), false, VersionStatus::OPEN)).collect();
    let found = published.iter().find(|one| one.version == v(wanted)).map(|one| VersionState {
        version: one.version.clone(),
        yanked: None,
        texts: VersionTexts::default(),
        tags: Vec::new(),
        status: VersionStatus::OPEN,
        published_by: user(0),
        wanted_tag: None,
        wanted_tag_is_set: false,
        last_decision: None,
        archive: ArchiveKey::from(UploadId::generate()),
        evals: Vec::new(),
    });
    let tag = versions.last().map(|text| LatestTag { version: v(text), instead_of: None });
    PackageFacts {
        access: PackageAccess {
            caller: caller(0),
            package_owner: true,
            scope_role: None,
            scope_requires_2fa: false,
            package: Some(PackageState {
                updated_at: after(10),
                visibility: Visibility::Public,
                trusted_only: false,
                has_open_version: true,
            }),
        },
        version: found,
        latest: LatestFacts { tag, published },
        ..PackageFacts::default()
    }
}

/// The change of a package's visibility by the first user.
fn visibility_change(package: &str, visibility: Visibility) -> VisibilityChange {
    let package = package.parse().expect("a name");
    VisibilityChange { actor: actor(0), package, visibility, now: NOW, audit: entry() }
}

/// The same package, private.
fn private(package: PackageState) -> PackageState {
    PackageState { visibility: Visibility::Private, ..package }
}

/// The publish of a version by the first user.
fn commit(name: &str, version: &str) -> PublishCommit {
    let upload = UploadId::generate();
    let document = json!({
        "name": name, "version": version, "description": "For tests",
        "artifacts": {"skills": [{"name": "greeter", "path": "skills/greeter", "description": "Greets"}]},
    });
    PublishCommit {
        actor: actor(0),
        upload,
        archive: ArchiveKey::from(upload),
        manifest: Manifest::from_document(document).expect("a manifest"),
        sha256: Sha256Digest::of(b"archive"),
        archive_size: 1,
        files: Vec::new(),
        readme: None,
        tag: None,
        approval: ApprovalStatus::Approved,
        tags: TagRules::at_most(2),
        quotas: PublishQuotas::default(),
        latest_policy: LatestPolicy::Highest,
        now: NOW,
        audit: entry(),
    }
}

/// What is written, in short, and whether it is on record.
fn written(changes: &Changes<'_>) -> Vec<String> {
    assert_eq!(changes.writes.is_empty(), changes.audit.is_empty(), "each change is on record, and nothing else");
    changes.writes.iter().map(|write| format!("{write:?}")).collect()
}
