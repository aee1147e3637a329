use std::time::Duration;

use aam_registry_core::{
    ErrorCode,
    ports::AuditLog,
    registry::Policy,
    types::{
        AuditEntry, AuditEvent, AuditFilter, JobFilter, NewAuditEntry, PageRequest, Principal, VersionText, Viewer,
        Visibility,
    },
};

use super::world::{PASSWORD, World, name, version};

/// A registry whose audit log has the downloads.
fn logging() -> World {
    World::with_policy(Policy::default().with_logged_reads(true))
}

const PAGE: PageRequest = PageRequest { page: 1, limit: 200 };

fn all() -> AuditFilter {
    AuditFilter { package: None, event: None, actor: None, from: None, to: None, page: PAGE }
}

async fn entries(world: &World) -> Vec<AuditEntry> {
    world.database.entries(&all()).await.expect("entries").items
}

#[tokio::test]
async fn every_change_is_recorded_and_nothing_secret() {
    let world = World::new();
    let ada = world.user("ada").await;
    let bob = world.user("bob").await;
    let (kit, one) = (name("kit"), version("1.0.0"));
    world.published(&ada, "kit", "1.0.0").await;
    let registry = &world.registry;
    registry.set_tag(&ada, &kit, &"stable".parse().expect("tag"), &one).await.expect("tagged");
    registry.remove_tag(&ada, &kit, &"stable".parse().expect("tag")).await.expect("removed");
    registry.yank(&ada, &kit, &one, Some("leaks".into())).await.expect("yanked");
    registry.unyank(&ada, &kit, &one).await.expect("unyanked");
    registry.change_text(&ada, &kit, &one, VersionText::Deprecation, Some("old".into())).await.expect("deprecated");
    registry.add_owner(&ada, &kit, &bob.username).await.expect("added");
    registry.remove_owner(&ada, &kit, &bob.username).await.expect("removed");
    let scope = "my_org".parse().expect("scope");
    registry.create_scope(&ada, &scope).await.expect("created");
    registry.set_member(&ada, &scope, &bob.username, aam_registry_core::types::ScopeRole::Member).await.expect("set");
    registry.remove_member(&ada, &scope, &bob.username).await.expect("removed");
    let request = aam_registry_core::registry::TokenRequest {
        name: "ci".into(),
        scopes: vec!["read".into()],
        ..Default::default()
    };
    let (token, secret) = registry.create_token(&ada, request).await.expect("created");
    registry.revoke_token(&ada, token.id).await.expect("revoked");

    let recorded = entries(&world).await;
    let mut events: Vec<_> = recorded.iter().map(|entry| entry.entry.event.as_str()).collect();
    events.reverse();
    assert_eq!(
        events,
        [
            "user.register",
            "user.login",
            "user.register",
            "user.login",
            "package.publish",
            "tag.set",
            "tag.remove",
            "version.yank",
            "version.unyank",
            "version.deprecate",
            "ownership.add",
            "ownership.remove",
            "scope.create",
            "scope.member_set",
            "scope.member_remove",
            "token.create",
            "token.revoke",
        ]
    );
    let text = format!("{recorded:?}");
    for secret in [PASSWORD, "@example.com", secret.expose()] {
        assert!(!text.contains(secret), "the log tells {secret}");
    }
    let publish = &recorded.iter().find(|entry| entry.entry.event == AuditEvent::PackagePublish).expect("entry").entry;
    assert_eq!((publish.actor.as_deref(), publish.version.as_deref()), (Some("ada"), Some("1.0.0")));
    assert!(publish.metadata.contains_key("sha256"));
}

#[tokio::test]
async fn what_changed_nothing_is_not_recorded() {
    let world = World::new();
    let ada = world.user("ada").await;
    let bob = world.user("bob").await;
    world.published(&ada, "kit", "1.0.0").await;
    let (kit, one) = (name("kit"), version("1.0.0"));
    let before = entries(&world).await.len();
    world.registry.yank(&bob, &kit, &one, None).await.expect_err("refused");
    world.registry.unyank(&ada, &kit, &one).await.expect("nothing to do");
    world.registry.add_owner(&ada, &kit, &ada.username).await.expect("nothing to do");
    world.publish(&bob, super::world::archive("kit", "1.1.0")).await.expect_err("refused");
    assert_eq!(entries(&world).await.len(), before);
}

#[tokio::test]
async fn entries_are_chained_in_their_order() {
    let world = World::new();
    let ada = world.user("ada").await;
    for number in 0..5 {
        world.published(&ada, "kit", &format!("1.{number}.0")).await;
    }
    assert_eq!(world.registry.sequence_audit().await.expect("sequenced"), 7);
    assert_eq!(world.registry.sequence_audit().await.expect("sequenced"), 0);
    let mut previous = [0; 32].into();
    for (position, entry) in (1..).zip(entries(&world).await.iter().rev()) {
        let hash = entry.entry.chain_hash(&previous, position);
        assert_eq!(entry.chained, Some((position, hash)));
        previous = hash;
    }
}

#[tokio::test]
async fn the_log_is_read_by_those_who_may() {
    let world = World::new();
    let ada = world.user("ada").await;
    let bob = world.user("bob").await;
    let boss = world.admin("boss").await;
    world.published(&ada, "kit", "1.0.0").await;
    world.published(&bob, "other", "1.0.0").await;
    let kit = name("kit");
    let page = world.registry.package_audit_log(&ada, &kit, None, PAGE).await.expect("the owner's");
    assert_eq!((page.total, page.items[0].entry.package.as_ref()), (1, Some(&kit)));
    world.registry.package_audit_log(&boss, &kit, None, PAGE).await.expect("an administrator");
    let refused = world.registry.package_audit_log(&bob, &kit, None, PAGE).await.expect_err("another's");
    assert_eq!(refused.code(), ErrorCode::Forbidden);
    let missing = world.registry.package_audit_log(&ada, &name("none"), None, PAGE).await.expect_err("none");
    assert_eq!(missing.code(), ErrorCode::PackageNotFound);

    let filter = AuditFilter { event: Some(AuditEvent::PackagePublish), ..all() };
    assert_eq!(world.registry.audit_log(&boss, &filter).await.expect("entries").total, 2);
    let reader = world.token(&boss, &["read"], &[]).await;
    let restricted = world.token(&boss, &["admin"], &["@boss/*"]).await;
    let publisher = world.token(&ada, &["publish", "yank", "tag"], &[]).await;
    let unscoped = world.registry.package_audit_log(&publisher, &kit, None, PAGE).await.expect_err("no scope `admin`");
    assert_eq!(unscoped.code(), ErrorCode::Forbidden);
    for by in [&ada, &reader, &restricted] {
        let refused = world.registry.audit_log(by, &filter).await.expect_err("not an administrator");
        assert_eq!(refused.code(), ErrorCode::Forbidden);
    }
}

/// What the entries about downloads say, sorted: who, what and how often.
async fn downloads(world: &World) -> Vec<(Option<String>, String, u64)> {
    let recorded = entries(world).await.into_iter().map(|entry| entry.entry);
    let of_downloads = recorded.filter(|entry| entry.event == AuditEvent::PackageDownload);
    let told = |entry: NewAuditEntry| {
        let package = entry.package.map(|package| package.to_string()).unwrap_or_default();
        let what = format!("{package} {}", entry.version.unwrap_or_default());
        (entry.actor, what, entry.metadata["count"].as_u64().expect("a count"))
    };
    let mut told: Vec<_> = of_downloads.map(told).collect();
    told.sort();
    told
}

/// Downloads as the endpoint does.
async fn download(world: &World, by: Option<&Principal>, package: &str, times: usize) {
    let viewer = Viewer::from(by.cloned());
    let view = world.registry.view(&viewer).expect("everybody may read");
    let location = view.locate(&name(package), &version("1.0.0")).await.expect("there");
    let tally = world.registry.tally(&location);
    (0..times).for_each(|_| view.count_in(&tally));
}

#[tokio::test]
async fn downloads_are_recorded_together_by_version_and_user() {
    let world = logging();
    let ada = world.user("ada").await;
    let bob = world.user("bob").await;
    world.published(&ada, "kit", "1.0.0").await;
    world.published(&ada, "@ada/own", "1.0.0").await;
    world.registry.set_visibility(&ada, &name("@ada/own"), Visibility::Private).await.expect("private");
    download(&world, None, "kit", 3).await;
    download(&world, Some(&bob), "kit", 2).await;
    world.registry.flush_downloads().await.expect("stored");
    download(&world, Some(&bob), "kit", 1).await;
    download(&world, Some(&ada), "@ada/own", 1).await;
    assert_eq!(downloads(&world).await, [], "not with each download");
    world.registry.log_reads().await.expect("logged");
    let who = |name: &str| Some(name.to_owned());
    let expected = [
        (None, "kit 1.0.0".to_owned(), 3),
        (who("ada"), "@ada/own 1.0.0".to_owned(), 1),
        (who("bob"), "kit 1.0.0".to_owned(), 3),
    ];
    assert_eq!(downloads(&world).await, expected);
    world.registry.log_reads().await.expect("logged");
    assert_eq!(downloads(&world).await, expected, "each once");
    let private = |entry: &AuditEntry| entry.entry.event == AuditEvent::PackageDownload && entry.entry.is_private();
    assert_eq!(entries(&world).await.iter().filter(|entry| private(entry)).count(), 1);

    let quiet = World::new();
    let ada = quiet.user("ada").await;
    quiet.published(&ada, "kit", "1.0.0").await;
    download(&quiet, Some(&ada), "kit", 1).await;
    quiet.registry.log_reads().await.expect("nothing to do");
    assert_eq!(downloads(&quiet).await, []);
}

#[tokio::test]
async fn old_entries_are_deleted_by_one_of_the_replicas_and_the_rest_stays_provable() {
    let day = Duration::from_hours(24);
    let policy = || Policy::default().with_audit_retention(Some(90 * day));
    let world = World::with_policy(policy());
    let ada = world.user("ada").await;
    world.published(&ada, "kit", "1.0.0").await;
    world.registry.sequence_audit().await.expect("sequenced");
    let before = entries(&world).await.len();
    let pruned = async |world: &World| {
        let recorded = entries(world).await;
        recorded.iter().filter(|entry| entry.entry.event == AuditEvent::AdminAuditPrune).count()
    };
    // Both look whether there is something to delete, and then do what is queued.
    let replicas = async |done: usize| {
        let wait = async |world: &World| {
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                if pruned(world).await == done && world.registry.jobs(&every_job()).await.expect("jobs").total == 0 {
                    break;
                }
            }
        };
        let other = world.registry.clone();
        tokio::join!(world.registry.run_background(wait(&world)), other.run_background(wait(&world)));
    };
    world.clock.advance(60 * day);
    let bob = world.user("bob").await;
    world.published(&bob, "tool", "1.1.0").await;
    replicas(0).await;
    // Registering, logging in and publishing.
    assert_eq!((pruned(&world).await, entries(&world).await.len()), (0, before + 3), "nothing is old enough");
    world.clock.advance(31 * day);
    replicas(1).await;
    let left = entries(&world).await;
    assert_eq!(pruned(&world).await, 1);
    assert!(left.iter().all(|entry| entry.entry.version.as_deref() != Some("1.0.0")), "{left:?}");
    assert!(left.iter().any(|entry| entry.entry.version.as_deref() == Some("1.1.0")), "{left:?}");
    let verdict = world.registry.verify_audit(&[], |_| ()).await.expect("verified");
    assert!(verdict.is_good() && verdict.pruned.position == before as u64, "{verdict:?}");
    world.clock.advance(Duration::from_hours(2));
    replicas(1).await;
    assert_eq!(pruned(&world).await, 1, "once a day");
}

fn every_job() -> JobFilter {
    JobFilter { id: None, kind: None, state: None, with_done: false, newest_first: false, page: PAGE }
}
