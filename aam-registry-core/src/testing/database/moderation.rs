//! Versions that not everybody sees: approvals, quarantine, removals, recalls.

use std::time::Duration;

use super::world::{
    actor, admin, after, commit, entry, manifest, now, package_name, publish, refused, scope, scoped_name, tag,
    try_publish, upload, v, with_roles,
};
use crate::{
    decide::{
        ApprovalDecision, Audience, PublishCheck, PublishCommit, PublishQuotas, QuarantineChange, QuarantineCommand,
        SetGates, TagChange, VisibilityChange, Yank,
    },
    error::{ErrorCode, Result},
    ports::{ApprovalsOf, CommandHandlerExt, Database, QueryHandlerExt, RecallsSince, TagGates, VersionsByApproval},
    types::{
        AccountRole, Actor, ApprovalStatus, AuditEvent, DistTag, LatestPolicy, Moderation, ModerationCategory,
        PackageName, PageRequest, Reach, Recall, RecallQuery, Sight, TagRules, VersionBounds, VersionRange,
        VersionStatus, Visibility,
    },
};

const MANY: usize = 100_000;

/// Publishes a version that waits for approval.
async fn publish_pending(db: &dyn Database, by: &Actor, name: &PackageName, version: &str, wanted: Option<&str>) {
    let commit = PublishCommit {
        approval: ApprovalStatus::Pending,
        tag: wanted.map(tag),
        ..commit(by, upload(db, by).await, manifest(name, version))
    };
    let published = db.commit_publish(&commit).await.expect("publish");
    assert_eq!((published.approval, published.dist_tags), (ApprovalStatus::Pending, Vec::new()));
}

fn approval(by: &Actor, name: &PackageName, version: &str, status: ApprovalStatus) -> ApprovalDecision {
    let audit = entry(AuditEvent::VersionApprove, by).with_package(name);
    ApprovalDecision {
        actor: by.clone(),
        package: name.clone(),
        version: v(version),
        status,
        comment: Some("it was read".to_owned()),
        tags: TagRules::default(),
        latest_policy: LatestPolicy::Highest,
        now: audit.timestamp,
        audit,
    }
}

fn moderation(by: &Actor, name: &PackageName, version: &str, change: QuarantineChange) -> QuarantineCommand {
    let audit = entry(AuditEvent::VersionQuarantine, by).with_package(name);
    QuarantineCommand {
        actor: by.clone(),
        package: name.clone(),
        version: v(version),
        change,
        tags: TagRules::default(),
        latest_policy: LatestPolicy::Highest,
        now: audit.timestamp,
        audit,
    }
}

fn impose(reason: &str) -> QuarantineChange {
    QuarantineChange::Impose { category: ModerationCategory::Malware, reason: reason.to_owned() }
}

/// Which reads find the version within `reach`.
async fn found(db: &dyn Database, name: &PackageName, version: &str, reach: Reach) -> [bool; 8] {
    let (version, range) = (v(version), VersionRange { before: None, bounds: VersionBounds::LISTED });
    let audience = if reach == Reach::Public { Audience::Everyone } else { Audience::Private };
    let package = db.package(name, reach).await.expect("read");
    let list = db.version_list(name, &range, reach).await.expect("read");
    let numbers = db.version_numbers(name, reach).await.expect("read");
    [
        package.is_some_and(|package| package.versions.iter().any(|one| one.version == version)),
        list.is_some_and(|list| list.versions.iter().any(|one| one.version == version)),
        db.versions(name, reach).await.expect("read").is_some_and(|all| all.iter().any(|one| one.version == version)),
        numbers.is_some_and(|numbers| numbers.iter().any(|one| one.version == version)),
        db.version(name, &version, reach).await.expect("read").is_some(),
        db.files(name, &version, reach).await.expect("read").is_some(),
        db.readme(name, &version, reach).await.expect("read").is_some(),
        db.archive_location(name, &version, audience).await.expect("read").is_some(),
    ]
}

async fn latest(db: &dyn Database, name: &PackageName) -> Option<String> {
    let tags = db.tags(name, Reach::Everything).await.expect("read").expect("a package");
    tags.get(&DistTag::latest()).map(ToString::to_string)
}

async fn status(db: &dyn Database, name: &PackageName, version: &str) -> VersionStatus {
    db.version(name, &v(version), Reach::Everything).await.expect("read").expect("a version").summary.status
}

/// A version that waits is found by no read of what everybody sees, has no tag, and gets both when it is approved.
pub async fn a_version_waits_for_approval(db: &dyn Database) {
    let (owner, approver, name) = (actor(db).await, with_roles(db, AccountRole::Approver.into()).await, package_name());
    publish_pending(db, &owner, &name, "1.0.0", None).await;
    // A package that has nothing else is not there either.
    assert!(db.package(&name, Reach::Public).await.expect("read").is_none());
    assert!(db.tags(&name, Reach::Public).await.expect("read").is_none());
    assert!(db.owners(&name, Reach::Public).await.expect("read").is_none());
    assert!(db.version_numbers(&name, Reach::Public).await.expect("read").is_none());
    assert!(db.ask(TagGates((name.clone(), Reach::Public))).await.expect("read").is_none());
    assert!(db.ask(TagGates((name.clone(), Reach::PublicPackages))).await.expect("read").is_some());
    for reach in [Reach::PublicPackages, Reach::Everything] {
        assert_eq!(found(db, &name, "1.0.0", reach).await, [true; 8], "{reach:?}");
    }
    assert_eq!(found(db, &name, "1.0.0", Reach::Public).await, [false; 8]);
    assert_eq!(latest(db, &name).await, None);
    let memberships = db.memberships(owner.user).await.expect("read");
    assert_eq!(memberships.packages, std::slice::from_ref(&name));
    assert_eq!(memberships.published, [(name.clone(), v("1.0.0").key())]);

    let page = PageRequest { page: 1, limit: 100_000 };
    let waits = async || {
        let waiting = db.ask(VersionsByApproval((ApprovalStatus::Pending, page))).await.expect("read");
        assert_eq!(waiting.total, waiting.items.len() as u64);
        waiting.items.into_iter().any(|one| one.package == name && one.published_by == owner.username)
    };
    assert!(waits().await);
    let decision = db.execute(&approval(&approver, &name, "1.0.0", ApprovalStatus::Approved)).await.expect("approve");
    let decision = decision.approval;
    assert_eq!((decision.approver.as_ref(), decision.status), (Some(&approver.username), ApprovalStatus::Approved));
    assert!(!waits().await);
    assert_eq!(found(db, &name, "1.0.0", Reach::Public).await, [true; 8]);
    assert_eq!(latest(db, &name).await.as_deref(), Some("1.0.0"));
    let approvals = db.ask(ApprovalsOf((name.clone(), v("1.0.0")))).await.expect("read");
    assert_eq!(approvals, [decision]);
    let memberships = db.memberships(owner.user).await.expect("read");
    assert!(memberships.packages.is_empty() && memberships.published.is_empty(), "all is open");

    // The tag of the publish names the version from the approval on.
    publish_pending(db, &owner, &name, "1.1.0", Some("beta")).await;
    assert_eq!(found(db, &name, "1.1.0", Reach::Public).await, [false; 8]);
    assert_eq!(db.package(&name, Reach::Public).await.expect("read").expect("a package").version_count, 1);
    assert_eq!(latest(db, &name).await.as_deref(), Some("1.0.0"));
    db.execute(&approval(&approver, &name, "1.1.0", ApprovalStatus::Approved)).await.expect("approve");
    let tags = db.tags(&name, Reach::Public).await.expect("read").expect("a package");
    assert_eq!(tags.get(&tag("beta")), Some(&v("1.1.0")));
    assert_eq!(tags.get(&DistTag::latest()), Some(&v("1.1.0")));
}

/// Nobody decides about a version of their own, nor without the role; an approved version cannot be rejected.
pub async fn who_decides_about_a_version_is_somebody_else(db: &dyn Database) {
    let approver = with_roles(db, AccountRole::Approver.into()).await;
    let (owner, name) = (actor(db).await, package_name());
    publish_pending(db, &approver, &name, "1.0.0", None).await;
    let own = db.execute(&approval(&approver, &name, "1.0.0", ApprovalStatus::Approved)).await;
    refused(own, ErrorCode::Forbidden);
    // Whoever may not see it learns no more.
    let unseen = db.execute(&approval(&owner, &name, "1.0.0", ApprovalStatus::Approved)).await;
    refused(unseen, ErrorCode::PackageNotFound);
    let other = admin(db).await;
    db.execute(&approval(&other, &name, "1.0.0", ApprovalStatus::Rejected)).await.expect("reject");
    assert_eq!(status(db, &name, "1.0.0").await.approval, ApprovalStatus::Rejected);
    assert_eq!(found(db, &name, "1.0.0", Reach::Public).await, [false; 8]);
    db.execute(&approval(&other, &name, "1.0.0", ApprovalStatus::Approved)).await.expect("approve");
    let back = db.execute(&approval(&other, &name, "1.0.0", ApprovalStatus::Rejected)).await;
    refused(back, ErrorCode::InvalidRequest);
    assert_eq!(db.ask(ApprovalsOf((name.clone(), v("1.0.0")))).await.expect("read").len(), 2);
    let stranger = db.execute(&approval(&owner, &name, "1.0.0", ApprovalStatus::Approved)).await;
    refused(stranger, ErrorCode::Forbidden);
}

/// What nobody sees cannot be tagged or yanked by who does not see it.
pub async fn a_change_of_an_unseen_version_finds_none(db: &dyn Database) {
    let (owner, moderator) = (actor(db).await, with_roles(db, AccountRole::Moderator.into()).await);
    let name = package_name();
    publish(db, &owner, &name, &["1.0.0", "1.1.0"]).await;
    db.execute(&moderation(&moderator, &name, "1.1.0", impose("it steals"))).await.expect("quarantine");
    let set = TagChange {
        actor: owner.clone(),
        package: name.clone(),
        tag: tag("beta"),
        version: Some(v("1.1.0")),
        rules: TagRules::at_most(100),
        now: now(),
        audit: entry(AuditEvent::TagSet, &owner),
    };
    refused(db.execute(&set).await, ErrorCode::InvalidTag);
    let yank = Yank {
        actor: admin(db).await,
        package: name.clone(),
        version: v("1.1.0"),
        reason: None,
        latest_policy: LatestPolicy::Highest,
        now: now(),
        audit: entry(AuditEvent::VersionYank, &owner),
    };
    db.execute(&yank).await.expect("who sees it may yank it");
    db.execute(&moderation(&moderator, &name, "1.1.0", QuarantineChange::Remove)).await.expect("remove");
    refused(db.execute(&set).await, ErrorCode::VersionGone);
    let released = db.execute(&moderation(&moderator, &name, "1.1.0", QuarantineChange::Lift)).await;
    refused(released, ErrorCode::VersionGone);
}

async fn recalls_of(db: &dyn Database, name: &PackageName, sight: Sight) -> Vec<Recall> {
    let query = RecallQuery { since: Some(after(-60)), sight, limit: MANY };
    let list = db.ask(RecallsSince(query)).await.expect("read");
    assert_eq!(list.next_since, None);
    list.recalls.into_iter().filter(|recall| recall.package == *name).collect()
}

/// A version in quarantine is out of reach, is named by no tag, and is told as a recall; released it is back.
pub async fn a_quarantine_comes_and_goes(db: &dyn Database) {
    let (owner, moderator) = (actor(db).await, with_roles(db, AccountRole::Moderator.into()).await);
    let name = package_name();
    publish(db, &owner, &name, &["1.0.0", "1.1.0"]).await;
    let set = TagChange {
        actor: owner.clone(),
        package: name.clone(),
        tag: tag("beta"),
        version: Some(v("1.1.0")),
        rules: TagRules::at_most(100),
        now: now(),
        audit: entry(AuditEvent::TagSet, &owner),
    };
    db.execute(&set).await.expect("tag");
    refused(db.execute(&moderation(&owner, &name, "1.1.0", impose("no"))).await, ErrorCode::Forbidden);
    refused(
        db.execute(&moderation(&moderator, &name, "1.1.0", QuarantineChange::Remove)).await,
        ErrorCode::InvalidRequest,
    );

    let done = db.execute(&moderation(&moderator, &name, "1.1.0", impose("it steals"))).await.expect("quarantine");
    assert_eq!(done.status.moderation, Moderation::Quarantined);
    assert_eq!(done.moved_tags, [(DistTag::latest(), v("1.0.0"))].into());
    assert_eq!(done.removed_tags, [tag("beta")]);
    assert_eq!(found(db, &name, "1.1.0", Reach::Public).await, [false; 8]);
    assert_eq!(found(db, &name, "1.1.0", Reach::Everything).await, [true; 8]);
    assert_eq!(found(db, &name, "1.0.0", Reach::Public).await, [true; 8]);
    assert_eq!(latest(db, &name).await.as_deref(), Some("1.0.0"));
    let detail = db.version(&name, &v("1.1.0"), Reach::Everything).await.expect("read").expect("a version");
    let quarantine = detail.quarantine.expect("a quarantine");
    assert_eq!((quarantine.category, &*quarantine.reason), (ModerationCategory::Malware, "it steals"));
    assert_eq!(quarantine.by.as_ref(), Some(&moderator.username));
    let [recall] = &recalls_of(db, &name, Sight::default()).await[..] else { panic!("one recall") };
    assert_eq!((&recall.version, recall.sha256, recall.lifted_at), (&v("1.1.0"), detail.summary.sha256, None));

    // Said anew, it is still one quarantine.
    db.execute(&moderation(&moderator, &name, "1.1.0", impose("it steals keys"))).await.expect("quarantine");
    let recalls = recalls_of(db, &name, Sight::default()).await;
    assert_eq!(recalls.iter().map(|recall| &*recall.reason).collect::<Vec<_>>(), ["it steals keys"]);

    let lifted = db.execute(&moderation(&moderator, &name, "1.1.0", QuarantineChange::Lift)).await.expect("release");
    assert_eq!(lifted.moved_tags, [(DistTag::latest(), v("1.1.0"))].into());
    assert_eq!(found(db, &name, "1.1.0", Reach::Public).await, [true; 8]);
    let tags = db.tags(&name, Reach::Public).await.expect("read").expect("a package");
    assert_eq!(tags.keys().collect::<Vec<_>>(), [&DistTag::latest()], "a tag that was removed stays so");
    let [recall] = &recalls_of(db, &name, Sight::default()).await[..] else { panic!("one recall") };
    assert!(recall.lifted_at.is_some());
    let since = RecallQuery { since: Some(recall.changed_at()), sight: Sight::default(), limit: MANY };
    let since = db.ask(RecallsSince(since)).await.expect("read").recalls;
    assert!(since.contains(recall) && since.iter().all(|other| other.changed_at() >= recall.changed_at()));
    db.execute(&moderation(&moderator, &name, "1.1.0", QuarantineChange::Lift)).await.expect("nothing to release");
    db.execute(&moderation(&moderator, &name, "1.1.0", impose("again"))).await.expect("quarantine");
    assert_eq!(recalls_of(db, &name, Sight::default()).await.len(), 2);
}

/// A removed version is in no list, its number stays taken, and its bytes are left to the sweep.
pub async fn a_removed_version_is_gone(db: &dyn Database) {
    let (owner, moderator) = (actor(db).await, with_roles(db, AccountRole::Moderator.into()).await);
    let name = package_name();
    publish(db, &owner, &name, &["1.0.0", "1.1.0"]).await;
    let archive =
        db.version(&name, &v("1.1.0"), Reach::Everything).await.expect("read").expect("a version").location().archive;
    let published = async || {
        let archives = db.published_archives(None, MANY).await.expect("list");
        archives.into_iter().any(|location| location.archive == archive)
    };
    assert!(published().await);
    db.execute(&moderation(&moderator, &name, "1.1.0", impose("it steals"))).await.expect("quarantine");
    assert!(published().await);
    let again: Result<_> = try_publish(db, &owner, manifest(&name, "1.1.0")).await;
    refused(again, ErrorCode::Forbidden);
    let done = db.execute(&moderation(&moderator, &name, "1.1.0", QuarantineChange::Remove)).await.expect("remove");
    assert!(done.status.is_removed());
    assert!(!published().await);
    let abandoned = db.abandoned_uploads(Duration::ZERO, MANY).await.expect("list");
    assert!(abandoned.iter().any(|upload| upload.archive == archive));
    // Only once the sweep has forgotten it does nothing refer to its bytes any more.
    assert_eq!(db.unreferenced_archives(std::slice::from_ref(&archive)).await.expect("read"), []);
    db.forget_upload(archive.upload_id()).await.expect("forget");
    assert_eq!(
        db.unreferenced_archives(std::slice::from_ref(&archive)).await.expect("read"),
        std::slice::from_ref(&archive)
    );

    for reach in Reach::ALL {
        let [package, list, versions, numbers, ..] = found(db, &name, "1.1.0", reach).await;
        assert_eq!([package, list, versions], [false; 3], "{reach:?}");
        assert!(numbers, "everybody could see it, so everybody may know that it is gone");
    }
    let gone = db.version_numbers(&name, Reach::Public).await.expect("read").expect("a package");
    assert!(gone.iter().any(|one| one.version == v("1.1.0") && one.status.is_gone_for_all() && !one.visible));
    assert_eq!(found(db, &name, "1.1.0", Reach::Public).await[4..], [false; 4]);
    let again: Result<_> = try_publish(db, &owner, manifest(&name, "1.1.0")).await;
    refused(again, ErrorCode::VersionGone);
    let check = PublishCheck {
        actor: owner.clone(),
        package: name.clone(),
        version: v("1.1.0"),
        quotas: PublishQuotas::default(),
        now: now(),
    };
    refused(db.check_publish(&check).await, ErrorCode::VersionGone);
    publish(db, &owner, &name, &["1.2.0"]).await;
    assert_eq!(latest(db, &name).await.as_deref(), Some("1.2.0"));
    assert_eq!(recalls_of(db, &name, Sight::default()).await.len(), 1);
}

/// Recalls of a private package are told to those alone who see it, and those of versions that nobody saw to nobody.
pub async fn recalls_tell_of_what_is_in_sight(db: &dyn Database) {
    let (owner, moderator) = (actor(db).await, with_roles(db, AccountRole::Moderator.into()).await);
    let scope = scope(db, &owner).await;
    let name = scoped_name(&scope);
    publish(db, &owner, &name, &["1.0.0"]).await;
    publish_pending(db, &owner, &name, "1.1.0", None).await;
    // A moderator sees what waits for approval only where it is in quarantine.
    refused(db.execute(&moderation(&moderator, &name, "1.1.0", impose("it steals"))).await, ErrorCode::VersionNotFound);
    db.execute(&moderation(&admin(db).await, &name, "1.1.0", impose("it steals"))).await.expect("quarantine");
    db.execute(&moderation(&moderator, &name, "1.1.0", impose("it does"))).await.expect("quarantine");
    db.execute(&moderation(&moderator, &name, "1.0.0", impose("it steals"))).await.expect("quarantine");
    assert_eq!(recalls_of(db, &name, Sight::default()).await.len(), 1);
    let audit = entry(AuditEvent::VisibilityChange, &owner).with_package(&name);
    let change = VisibilityChange {
        actor: owner.clone(),
        package: name.clone(),
        visibility: Visibility::Private,
        now: now(),
        audit,
    };
    db.execute(&change).await.expect("change");
    assert_eq!(recalls_of(db, &name, Sight::default()).await, []);
    let sight = Sight { scopes: vec![scope], ..Sight::default() };
    assert_eq!(recalls_of(db, &name, sight).await.len(), 1);
    // A moderator looks after what is private too.
    db.execute(&moderation(&moderator, &name, "1.0.0", QuarantineChange::Lift)).await.expect("release");
}

/// Tags that name only approved versions.
fn needs_approval(tag: &str) -> TagRules {
    TagRules { need_approval: vec![tag.parse().expect("a pattern")], ..TagRules::default() }
}

/// Publishes a version that may be used at once, and whose tag waits for an approver.
async fn publish_with_waiting_tag(db: &dyn Database, by: &Actor, name: &PackageName, version: &str) {
    let commit = commit(by, upload(db, by).await, manifest(name, version));
    let commit = PublishCommit { tag: Some(tag("stable")), tags: needs_approval("stable"), ..commit };
    let published = db.commit_publish(&commit).await.expect("publish");
    assert_eq!((published.approval, published.waiting_tag), (ApprovalStatus::Approved, Some(tag("stable"))));
    assert_eq!(published.dist_tags, [DistTag::latest()]);
}

async fn waiting(db: &dyn Database, name: &PackageName) -> Vec<(ApprovalStatus, Option<DistTag>)> {
    let page = PageRequest { page: 1, limit: 100_000 };
    let waiting = db.ask(VersionsByApproval((ApprovalStatus::Pending, page))).await.expect("read");
    assert_eq!(waiting.total, waiting.items.len() as u64);
    waiting.items.into_iter().filter(|one| one.package == *name).map(|one| (one.status, one.tag)).collect()
}

async fn tagged(db: &dyn Database, name: &PackageName, wanted: &str) -> Option<String> {
    let tags = db.tags(name, Reach::Everything).await.expect("read").expect("a package");
    tags.get(&tag(wanted)).map(ToString::to_string)
}

fn set_stable(by: &Actor, name: &PackageName, version: &str) -> TagChange {
    TagChange {
        actor: by.clone(),
        package: name.clone(),
        tag: tag("stable"),
        version: Some(v(version)),
        rules: needs_approval("stable"),
        now: now(),
        audit: entry(AuditEvent::TagSet, by),
    }
}

/// A tag that names only approved versions waits for an approver: asked for at a publish it is set by the approval, by
/// hand it is refused until then.
pub async fn a_tag_waits_for_an_approver(db: &dyn Database) {
    let (owner, approver, name) = (actor(db).await, with_roles(db, AccountRole::Approver.into()).await, package_name());
    publish_with_waiting_tag(db, &owner, &name, "1.0.0").await;
    assert_eq!(found(db, &name, "1.0.0", Reach::Public).await, [true; 8], "the version itself may be used");
    assert_eq!(waiting(db, &name).await, [(ApprovalStatus::Approved, Some(tag("stable")))]);
    assert_eq!(tagged(db, &name, "stable").await, None);
    refused(db.execute(&set_stable(&owner, &name, "1.0.0")).await, ErrorCode::GateFailed);
    let decided = db.execute(&approval(&approver, &name, "1.0.0", ApprovalStatus::Approved)).await.expect("approve");
    assert_eq!((decided.tag, decided.warning), (Some(tag("stable")), None));
    assert_eq!(tagged(db, &name, "stable").await.as_deref(), Some("1.0.0"));
    assert_eq!(waiting(db, &name).await, []);
    // One that was approved can be tagged by hand.
    publish(db, &owner, &name, &["1.1.0"]).await;
    refused(db.execute(&set_stable(&owner, &name, "1.1.0")).await, ErrorCode::GateFailed);
    db.execute(&approval(&approver, &name, "1.1.0", ApprovalStatus::Approved)).await.expect("approve");
    assert_eq!(tagged(db, &name, "stable").await.as_deref(), Some("1.0.0"), "nobody asked for it");
    db.execute(&set_stable(&owner, &name, "1.1.0")).await.expect("an approved version");
    assert_eq!(tagged(db, &name, "stable").await.as_deref(), Some("1.1.0"));
}

/// A tag that waits for a version which may be used is refused without the version.
pub async fn an_approver_refuses_a_tag_alone(db: &dyn Database) {
    let (owner, approver, name) = (actor(db).await, with_roles(db, AccountRole::Approver.into()).await, package_name());
    publish_with_waiting_tag(db, &owner, &name, "1.0.0").await;
    db.execute(&approval(&approver, &name, "1.0.0", ApprovalStatus::Rejected)).await.expect("reject");
    assert_eq!(status(db, &name, "1.0.0").await, VersionStatus::OPEN);
    assert_eq!((waiting(db, &name).await, tagged(db, &name, "stable").await), (Vec::new(), None));
    refused(db.execute(&set_stable(&owner, &name, "1.0.0")).await, ErrorCode::GateFailed);
    let again = db.execute(&approval(&approver, &name, "1.0.0", ApprovalStatus::Rejected)).await;
    refused(again, ErrorCode::InvalidRequest);
}

/// A tag that waited is set by the approval only if it could be set by hand at that moment; the approval counts anyway,
/// and the tag does not come by itself later.
pub async fn a_tag_that_waited_is_set_only_if_it_may_be(db: &dyn Database) {
    let (owner, approver) = (actor(db).await, with_roles(db, AccountRole::Approver.into()).await);
    let gated = TagRules { allowed: Some(vec![tag("stable").into()]), ..TagRules::default() };
    let full = TagRules { max: 0, ..TagRules::default() };
    for (rules, gate, told) in [
        (gated, false, "does not allow the dist-tag `beta`"),
        (full, false, "dist-tags"),
        (TagRules::default(), true, "quality: has no result yet"),
    ] {
        let name = package_name();
        publish(db, &owner, &name, &["1.0.0"]).await;
        publish_pending(db, &owner, &name, "1.1.0", Some("beta")).await;
        if gate {
            let gates = [(tag("beta"), ["quality".parse().expect("a name")].into())].into();
            let audit = entry(AuditEvent::GateSet, &owner).with_package(&name);
            let set = SetGates { actor: owner.clone(), package: name.clone(), gates, now: now(), audit };
            db.execute(&set).await.expect("set a gate");
        }
        let decision =
            ApprovalDecision { tags: rules, ..approval(&approver, &name, "1.1.0", ApprovalStatus::Approved) };
        let decided = db.execute(&decision).await.expect("approve");
        let warning = decided.warning.expect("a warning");
        assert!(decided.tag.is_none() && warning.contains(told), "{warning}");
        assert_eq!((status(db, &name, "1.1.0").await, tagged(db, &name, "beta").await), (VersionStatus::OPEN, None));
        assert_eq!(latest(db, &name).await.as_deref(), Some("1.1.0"));
        let again = db.execute(&approval(&approver, &name, "1.1.0", ApprovalStatus::Approved)).await.expect("approve");
        assert_eq!((again.tag, again.warning, tagged(db, &name, "beta").await), (None, None, None));
    }
}

/// A version that was approved in quarantine gets its tag when the quarantine ends, and not a second time after another
/// one.
pub async fn a_tag_that_waited_is_set_when_a_quarantine_ends(db: &dyn Database) {
    let (owner, admin) = (actor(db).await, admin(db).await);
    for (rules, set) in [(TagRules::default(), true), (TagRules { max: 0, ..TagRules::default() }, false)] {
        let name = package_name();
        publish_pending(db, &owner, &name, "1.0.0", Some("beta")).await;
        db.execute(&moderation(&admin, &name, "1.0.0", impose("it may steal"))).await.expect("quarantine");
        db.execute(&approval(&admin, &name, "1.0.0", ApprovalStatus::Approved)).await.expect("approve");
        assert_eq!(tagged(db, &name, "beta").await, None, "it is in quarantine");
        let lift = QuarantineCommand { tags: rules, ..moderation(&admin, &name, "1.0.0", QuarantineChange::Lift) };
        let lifted = db.execute(&lift).await.expect("release");
        assert_eq!(lifted.moved_tags.contains_key(&tag("beta")), set);
        assert_eq!(lifted.warning.is_some(), !set);
        assert_eq!(tagged(db, &name, "beta").await.is_some(), set);
        db.execute(&moderation(&admin, &name, "1.0.0", impose("again"))).await.expect("quarantine");
        db.execute(&moderation(&admin, &name, "1.0.0", QuarantineChange::Lift)).await.expect("release");
        assert_eq!(tagged(db, &name, "beta").await, None, "tags that a quarantine removed stay removed");
    }
}
