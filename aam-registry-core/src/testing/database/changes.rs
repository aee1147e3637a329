//! Yanks and texts of versions.

use super::world::{
    actor, admin, after, audit_of, dead_actors, entry, latest, now, package_name, publish, published, refused, scope,
    scoped_name, stranger_name, tag, v,
};
use crate::{
    decide::{MemberChange, OwnerChange, TagChange, TextChange, Unyank, Yank, Yanked},
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database},
    types::{
        AccountRoles, Actor, AuditEvent, DistTag, LatestPolicy, PackageName, Reach, ScopeRole, TagRules, Username,
        VersionDetail, VersionText, VersionTexts,
    },
};

pub(super) fn yank(actor: &Actor, package: &PackageName, version: &str) -> Yank {
    let audit = entry(AuditEvent::VersionYank, actor).with_package(package).with_version(&v(version));
    let (actor, package, reason) = (actor.clone(), package.clone(), Some("a \"leak\"".to_owned()));
    Yank { actor, package, version: v(version), reason, latest_policy: LatestPolicy::Highest, now: now(), audit }
}

pub(super) fn unyank(actor: &Actor, package: &PackageName, version: &str) -> Unyank {
    let audit = entry(AuditEvent::VersionUnyank, actor).with_package(package).with_version(&v(version));
    let (actor, package) = (actor.clone(), package.clone());
    Unyank { actor, package, version: v(version), latest_policy: LatestPolicy::Highest, now: now(), audit }
}

fn text_change(
    actor: &Actor,
    package: &PackageName,
    version: &str,
    (text, value): (VersionText, Option<&str>),
) -> TextChange {
    let audit = entry(text.event(), actor).with_package(package).with_version(&v(version));
    let (actor, package, value) = (actor.clone(), package.clone(), value.map(str::to_owned));
    TextChange { actor, package, version: v(version), text, value, now: now(), audit }
}

async fn set_tag(db: &dyn Database, actor: &Actor, package: &PackageName, name: &str, version: &str) {
    let audit = entry(AuditEvent::TagSet, actor).with_package(package);
    let (actor, package, version) = (actor.clone(), package.clone(), Some(v(version)));
    let change =
        TagChange { actor, package, tag: tag(name), version, rules: TagRules::at_most(100), now: now(), audit };
    db.execute(&change).await.expect("set a tag");
}

async fn detail(db: &dyn Database, name: &PackageName, version: &str) -> VersionDetail {
    db.version(name, &v(version), Reach::Everything).await.expect("read").expect("a version")
}

/// How many audit entries of `event` the package has.
async fn recorded(db: &dyn Database, name: &PackageName, event: AuditEvent) -> usize {
    audit_of(db, name).await.iter().filter(|one| one.entry.event == event).count()
}

/// A yanked version is marked with the reason, loses its tags and `latest`, and stays readable.
pub async fn a_yank_withdraws_a_version(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0", "2.0.0+b7", "1.5.0"]).await;
    for (tag, version) in [("next", "2.0.0"), ("edge", "2.0.0"), ("stable", "1.0.0")] {
        set_tag(db, &actor, &name, tag, version).await;
    }
    let yank = yank(&actor, &name, "2.0.0");
    let yanked = db.execute(&yank).await.expect("yank");
    assert_eq!(yanked.version.to_string(), "2.0.0+b7", "the version as published");
    assert_eq!((yanked.yanked_at, &yanked.reason), (yank.now, &yank.reason));
    assert_eq!(yanked.moved_tags, [(DistTag::latest(), v("1.5.0"))].into());
    assert_eq!(yanked.removed_tags, [tag("edge"), tag("next")]);

    let detail = detail(db, &name, "2.0.0").await;
    assert_eq!((detail.summary.yanked, &detail.yanked_reason, detail.dist_tags), (true, &yank.reason, vec![]));
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.dist_tags, [(DistTag::latest(), v("1.5.0")), (tag("stable"), v("1.0.0"))].into());
    assert_eq!(package.versions.iter().map(|one| one.yanked).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(package.updated_at, yank.now);
    assert!(db.files(&name, &v("2.0.0"), Reach::Everything).await.expect("read").is_some());
    let newest = audit_of(db, &name).await.remove(0);
    assert_eq!(newest.entry, yank.audit);
}

/// A second yank changes nothing: neither the reason, nor the time, nor the audit log.
pub async fn a_yank_is_idempotent(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0", "1.1.0"]).await;
    let first = yank(&actor, &name, "1.1.0");
    db.execute(&first).await.expect("yank");
    let second = Yank { reason: Some("another".to_owned()), now: after(5), ..yank(&actor, &name, "1.1.0") };
    let expected = Yanked {
        version: v("1.1.0"),
        yanked_at: first.now,
        reason: first.reason.clone(),
        moved_tags: [].into(),
        removed_tags: vec![],
    };
    assert_eq!(db.execute(&second).await.expect("yank again"), expected);
    assert_eq!(detail(db, &name, "1.1.0").await.yanked_reason, first.reason);
    assert_eq!(recorded(db, &name, AuditEvent::VersionYank).await, 1);
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.updated_at, first.now);
}

/// A package whose versions are all yanked has no `latest` and shows the manifest of the newest
/// version.
pub async fn a_package_without_a_visible_version_has_no_latest(db: &dyn Database) {
    let (actor, name) = published(db, &["2.0.0", "1.0.0"]).await;
    let first = db.execute(&yank(&actor, &name, "1.0.0")).await.expect("yank");
    assert_eq!((first.moved_tags, first.removed_tags), ([].into(), vec![]));
    let last = Yank { reason: None, ..yank(&actor, &name, "2.0.0") };
    let last = db.execute(&last).await.expect("yank");
    assert_eq!((last.moved_tags, last.removed_tags), ([].into(), vec![DistTag::latest()]));
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!((package.latest(), &package.manifest.version), (None, &v("1.0.0")));
    assert_eq!(detail(db, &name, "2.0.0").await.yanked_reason, None);
}

/// Taking a yank back restores `latest`, but no other tag; doing it twice changes nothing more.
pub async fn an_unyank_undoes_a_yank(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0", "2.0.0"]).await;
    set_tag(db, &actor, &name, "next", "2.0.0").await;
    db.execute(&yank(&actor, &name, "2.0.0")).await.expect("yank");
    let unyank = unyank(&actor, &name, "2.0.0");
    let moved = db.execute(&unyank).await.expect("unyank");
    assert_eq!(moved, [(DistTag::latest(), v("2.0.0"))].into());
    let after = detail(db, &name, "2.0.0").await;
    assert_eq!((after.summary.yanked, after.yanked_reason), (false, None));
    assert_eq!(after.dist_tags, [DistTag::latest()], "removed tags stay removed");
    let package = db.package(&name, Reach::Everything).await.expect("read").expect("a package");
    assert_eq!(package.updated_at, unyank.now);

    assert_eq!(db.execute(&super::changes::unyank(&actor, &name, "2.0.0")).await.expect("again"), [].into());
    assert_eq!(db.execute(&super::changes::unyank(&actor, &name, "1.0.0")).await.expect("never yanked"), [].into());
    assert_eq!(recorded(db, &name, AuditEvent::VersionUnyank).await, 1);

    let again = Yank { reason: Some("second time".to_owned()), ..yank(&actor, &name, "2.0.0") };
    assert_eq!(db.execute(&again).await.expect("yank").reason, again.reason, "a new yank has its own reason");
}

/// Each text of a version is set, changed and removed, and no other text with it; setting the same text
/// again changes nothing.
pub async fn a_text_of_a_version_is_set_changed_and_removed(db: &dyn Database) {
    let (actor, name) = published(db, &["1.0.0", "1.1.0"]).await;
    let mut expected = VersionTexts::default();
    for text in VersionText::ALL {
        for value in [None, Some("use 2.x"), Some("use 2.x"), Some("use 3.x \u{1f600}"), None, None, Some(text.key())] {
            let change = text_change(&actor, &name, "1.0.0", (text, value));
            db.execute(&change).await.expect("change a text");
            expected.set(text, value.map(str::to_owned));
            let shown = detail(db, &name, "1.0.0").await.summary;
            assert_eq!(shown.texts, expected);
            let listed = db.versions(&name, Reach::Everything).await.expect("read").expect("a package");
            assert_eq!((&listed[1], listed[0].texts.iter().count()), (&shown, 0));
        }
        assert_eq!(recorded(db, &name, text.event()).await, 4);
    }
    assert_eq!(detail(db, &name, "1.1.0").await.summary.texts, VersionTexts::default());
    assert_eq!(latest(db, &name).await.as_deref(), Some("1.1.0"));
}

/// Every change that `actor` could make to that version, with its result.
async fn attempts(db: &dyn Database, actor: &Actor, name: &PackageName, version: &str) -> Vec<Result<()>> {
    let audit = entry(AuditEvent::TagSet, actor).with_package(name);
    let set_tag = TagChange {
        actor: actor.clone(),
        package: name.clone(),
        tag: tag("attempt"),
        version: Some(v(version)),
        rules: TagRules::at_most(100),
        now: now(),
        audit,
    };
    vec![
        db.execute(&yank(actor, name, version)).await.map(drop),
        db.execute(&unyank(actor, name, version)).await.map(drop),
        db.execute(&text_change(actor, name, version, (VersionText::Deprecation, Some("no")))).await,
        db.execute(&set_tag).await,
    ]
}

/// `PackageNotFound` for everybody, `VersionNotFound` for those who could change the version.
pub async fn what_is_not_there_cannot_be_changed(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    for result in attempts(db, &owner, &name, "1.0.1").await {
        refused(result, ErrorCode::VersionNotFound);
    }
    for actor in [&owner, &actor(db).await] {
        for result in attempts(db, actor, &package_name(), "1.0.0").await {
            refused(result, ErrorCode::PackageNotFound);
        }
    }
}

/// A user without the right gets the same refusal whether or not the version, the tag or the other user
/// exists.
pub async fn a_refusal_does_not_tell_what_is_there(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    let (stranger, known) = (actor(db).await, owner.username.clone());
    let told = async |version: &str, removed: &str, person: &Username| {
        let audit = entry(AuditEvent::TagRemove, &stranger).with_package(&name);
        let (actor, package) = (stranger.clone(), name.clone());
        let change = TagChange {
            actor,
            package,
            tag: tag(removed),
            version: None,
            rules: TagRules::at_most(100),
            now: now(),
            audit,
        };
        let audit = entry(AuditEvent::OwnershipAdd, &stranger).with_package(&name);
        let (actor, package) = (stranger.clone(), name.clone());
        let owner =
            OwnerChange { actor, package, owner: person.clone(), owns: true, max_owners: 100, now: now(), audit };
        let former = OwnerChange { owns: false, ..owner.clone() };
        let mut results = attempts(db, &stranger, &name, version).await;
        results.extend([db.execute(&change).await, db.execute(&owner).await, db.execute(&former).await]);
        let refusal = |result: Result<()>| {
            let error = result.expect_err("refused");
            (error.code(), error.to_string())
        };
        results.into_iter().map(refusal).collect::<Vec<_>>()
    };
    let of_what_is_there = told("1.0.0", "latest", &known).await;
    assert!(of_what_is_there.iter().all(|(code, _)| *code == ErrorCode::Forbidden), "{of_what_is_there:?}");
    assert_eq!(told("9.9.9", "nothing", &stranger_name()).await, of_what_is_there);
}

/// Owners of the package, members and owners of its scope and administrators can change versions;
/// nobody else can.
pub async fn only_those_in_charge_change_versions(db: &dyn Database) {
    let (owner, plain) = published(db, &["1.0.0"]).await;
    let scope = scope(db, &owner).await;
    let scoped = scoped_name(&scope);
    publish(db, &owner, &scoped, &["1.0.0"]).await;
    let (contributor, member, other) = (actor(db).await, actor(db).await, actor(db).await);
    for (who, role) in [(&contributor, ScopeRole::Contributor), (&member, ScopeRole::Member)] {
        let change = MemberChange {
            actor: owner.clone(),
            scope: scope.clone(),
            member: who.username.clone(),
            role: Some(role),
            max_members: 100,
            now: now(),
            audit: entry(AuditEvent::ScopeMemberSet, &owner),
        };
        db.execute(&change).await.expect("set a member");
    }
    let admin = admin(db).await;
    let modest_admin = Actor { roles: AccountRoles::NONE, ..admin.clone() };
    let impostor = Actor { roles: AccountRoles::all(), ..other.clone() };
    for (who, name) in [
        (&other, &plain),
        (&member, &plain),
        (&other, &scoped),
        (&contributor, &scoped),
        (&modest_admin, &plain),
        (&impostor, &plain),
    ] {
        for result in attempts(db, who, name, "1.0.0").await {
            refused(result, ErrorCode::Forbidden);
        }
        assert_eq!(audit_of(db, name).await.len(), 1, "only the publish");
        assert!(!detail(db, name, "1.0.0").await.summary.yanked);
    }
    for (who, name) in [(&owner, &plain), (&owner, &scoped), (&member, &scoped), (&admin, &plain), (&admin, &scoped)] {
        for result in attempts(db, who, name, "1.0.0").await {
            result.expect("those in charge may");
        }
    }
}

/// A deleted or disabled user, or one who logged out, changes no version.
pub async fn a_dead_credential_changes_no_version(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    for (what, dead) in dead_actors(db, &owner).await {
        for result in attempts(db, &dead, &name, "1.0.0").await {
            assert_eq!(result.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
        }
    }
    assert!(!detail(db, &name, "1.0.0").await.summary.yanked);
    assert_eq!(audit_of(db, &name).await.len(), 1);
}
