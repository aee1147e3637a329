//! New names that could be mistaken for popular ones, and names that are reserved.

use std::time::Duration;

use aam_registry_core::{
    ErrorCode,
    ports::{Clock, DownloadStore},
    registry::Policy,
    types::{DownloadBatch, DownloadCount},
};
use jiff::tz::TimeZone;

use super::world::{World, archive, name, registration, version};

/// Adds downloads of version 1.0.0.
async fn downloaded(world: &World, package: &str, count: u64) {
    let now = world.clock.now();
    let day = now.to_zoned(TimeZone::UTC).date();
    let counts = vec![DownloadCount { package: name(package), version: version("1.0.0"), day, count }];
    world.database.add_downloads(&DownloadBatch::new(now, counts)).await.expect("added");
    world.database.refresh_totals().await.expect("refreshed");
}

#[tokio::test]
async fn a_new_name_is_not_mistaken_for_a_popular_one() {
    let world = World::with_policy(Policy::default().with_protected_from(Some(50)));
    let (ada, eve, admin) = (world.user("ada").await, world.user("eve").await, world.admin("root-admin").await);
    world.published(&ada, "greet-kit", "1.0.0").await;
    world.registry.create_scope(&ada, &"toolsmiths".parse().expect("scope")).await.expect("created");
    world.published(&ada, "@toolsmiths/saw", "1.0.0").await;
    downloaded(&world, "greet-kit", 49).await;
    world.published(&eve, "gret-kit", "1.0.0").await;
    downloaded(&world, "greet-kit", 1).await;
    downloaded(&world, "@toolsmiths/saw", 50).await;
    // The list of popular names is some minutes old at most.
    world.clock.advance(Duration::from_mins(10));

    let refused = world.publish(&eve, archive("greet-klt", "1.0.0")).await.expect_err("it looks like greet-kit");
    assert_eq!(refused.code(), ErrorCode::NameTooSimilar);
    assert_eq!(
        refused.to_string(),
        "The name greet-klt is too similar to greet-kit, which exists; choose another, or a name in a scope of yours"
    );
    world.published(&eve, "gret-kit", "1.1.0").await;
    world.published(&eve, "@eve/greet-klt", "1.0.0").await;
    world.published(&admin, "greet-klt", "1.0.0").await;
    world.published(&admin, "greet-klt", "1.1.0").await;

    let alike = "too1smiths".parse().expect("scope");
    let refused = world.registry.create_scope(&eve, &alike).await.expect_err("it looks like toolsmiths");
    assert_eq!(refused.code(), ErrorCode::NameTooSimilar);
    let refused = world.registry.register(registration("toolsmith")).await.expect_err("it looks like toolsmiths");
    assert_eq!(refused.code(), ErrorCode::NameTooSimilar);
    world.registry.create_scope(&admin, &alike).await.expect("administrators may");
    let untouched = World::with_policy(Policy::default().with_protected_from(None));
    let (ada, eve) = (untouched.user("ada").await, untouched.user("eve").await);
    untouched.published(&ada, "greet-kit", "1.0.0").await;
    downloaded(&untouched, "greet-kit", 1_000_000).await;
    untouched.published(&eve, "greet-klt", "1.0.0").await;
}

#[tokio::test]
async fn reserved_names_are_for_administrators() {
    let world = World::with_policy(Policy::default().with_reserved_names(["acme".to_owned()]));
    let (eve, admin) = (world.user("eve").await, world.admin("root-admin").await);
    for reserved in ["acme", "security", "registry-support"] {
        let refused = world.registry.register(registration(reserved)).await.expect_err("reserved");
        assert_eq!(refused.code(), ErrorCode::NameReserved, "{reserved}");
        let scope = reserved.parse().expect("scope");
        let refused = world.registry.create_scope(&eve, &scope).await.expect_err("reserved");
        assert_eq!(refused.code(), ErrorCode::NameReserved, "{reserved}");
        world.registry.create_scope(&admin, &scope).await.expect("administrators may");
    }
    let refused = world.publish(&eve, archive("acme", "1.0.0")).await.expect_err("reserved");
    assert_eq!(refused.code(), ErrorCode::NameReserved);
    world.published(&admin, "acme", "1.0.0").await;
}
