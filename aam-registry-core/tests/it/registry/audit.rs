use aam_registry_core::{
    ErrorCode,
    ports::AuditLog,
    types::{AuditEntry, AuditEvent, AuditFilter, PageRequest, VersionText},
};

use super::world::{PASSWORD, World, name, version};

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
    let page = world.registry.package_audit_log(&ada, &kit, PAGE).await.expect("the owner's");
    assert_eq!((page.total, page.items[0].entry.package.as_ref()), (1, Some(&kit)));
    world.registry.package_audit_log(&boss, &kit, PAGE).await.expect("an administrator");
    let refused = world.registry.package_audit_log(&bob, &kit, PAGE).await.expect_err("another's");
    assert_eq!(refused.code(), ErrorCode::Forbidden);
    let missing = world.registry.package_audit_log(&ada, &name("none"), PAGE).await.expect_err("none");
    assert_eq!(missing.code(), ErrorCode::PackageNotFound);

    let filter = AuditFilter { event: Some(AuditEvent::PackagePublish), ..all() };
    assert_eq!(world.registry.audit_log(&boss, &filter).await.expect("entries").total, 2);
    let reader = world.token(&boss, &["read"], &[]).await;
    let restricted = world.token(&boss, &["admin"], &["@boss/*"]).await;
    let publisher = world.token(&ada, &["publish", "yank", "tag"], &[]).await;
    let unscoped = world.registry.package_audit_log(&publisher, &kit, PAGE).await.expect_err("no scope `admin`");
    assert_eq!(unscoped.code(), ErrorCode::Forbidden);
    for by in [&ada, &reader, &restricted] {
        let refused = world.registry.audit_log(by, &filter).await.expect_err("not an administrator");
        assert_eq!(refused.code(), ErrorCode::Forbidden);
    }
}
