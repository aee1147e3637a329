use std::collections::BTreeMap;

use aam_registry_core::{
    ErrorCode,
    registry::Policy,
    types::{DistTag, Principal, VersionText},
};

use super::world::{World, name, version};

async fn three_versions(world: &World) -> Principal {
    let ada = world.user("ada").await;
    for number in ["1.0.0", "1.1.0", "2.0.0"] {
        world.published(&ada, "kit", number).await;
    }
    ada
}

fn tag(text: &str) -> DistTag {
    text.parse().expect("tag")
}

#[tokio::test]
async fn a_yank_moves_latest_and_can_be_taken_back() {
    let world = World::new();
    let ada = three_versions(&world).await;
    let kit = name("kit");
    world.registry.set_tag(&ada, &kit, &tag("stable"), &version("2.0.0")).await.expect("tagged");
    let reason = Some("  leaks  ".to_owned());
    let yanked = world.registry.yank(&ada, &kit, &version("2.0.0"), reason).await.expect("yanked");
    assert_eq!(yanked.reason.as_deref(), Some("leaks"));
    assert_eq!(yanked.moved_tags, BTreeMap::from([(DistTag::latest(), version("1.1.0"))]));
    assert_eq!(yanked.removed_tags, [tag("stable")]);
    let again = world.registry.yank(&ada, &kit, &version("2.0.0"), Some("other".into())).await.expect("idempotent");
    assert_eq!((again.reason, again.yanked_at), (yanked.reason, yanked.yanked_at));
    let error = world.registry.set_tag(&ada, &kit, &tag("stable"), &version("2.0.0")).await.expect_err("yanked");
    assert_eq!(error.code(), ErrorCode::InvalidTag);

    let back = world.registry.unyank(&ada, &kit, &version("2.0.0")).await.expect("unyanked");
    assert_eq!(back.moved_tags, BTreeMap::from([(DistTag::latest(), version("2.0.0"))]));
    let tags = world.view().tags(&kit).await.expect("tags");
    assert_eq!(tags, BTreeMap::from([(DistTag::latest(), version("2.0.0"))]));
}

#[tokio::test]
async fn tags_are_set_and_removed() {
    let world = World::with_policy(Policy::default().with_allowed_tags([tag("stable").into()]));
    let ada = three_versions(&world).await;
    let kit = name("kit");
    world.registry.set_tag(&ada, &kit, &tag("stable"), &version("1.0.0")).await.expect("tagged");
    world.registry.set_tag(&ada, &kit, &DistTag::latest(), &version("1.0.0")).await.expect("latest is always allowed");
    assert_eq!(world.view().package(&kit).await.expect("package").latest(), Some(&version("1.0.0")));
    let refused = world.registry.set_tag(&ada, &kit, &tag("beta"), &version("1.0.0")).await.expect_err("not allowed");
    assert_eq!(refused.code(), ErrorCode::TagNotAllowed);
    world.registry.remove_tag(&ada, &kit, &tag("stable")).await.expect("removed");
    let code = async |of: DistTag| world.registry.remove_tag(&ada, &kit, &of).await.expect_err("refused").code();
    assert_eq!(code(tag("stable")).await, ErrorCode::TagNotFound);
    assert_eq!(code(DistTag::latest()).await, ErrorCode::InvalidTag);
}

#[tokio::test]
async fn a_deprecation_warns_until_it_is_removed() {
    let world = World::new();
    let ada = three_versions(&world).await;
    let (kit, one) = (name("kit"), version("1.0.0"));
    world
        .registry
        .change_text(&ada, &kit, &one, VersionText::Deprecation, Some("use 2".into()))
        .await
        .expect("deprecated");
    let deprecated =
        async || world.view().version(&kit, &one).await.expect("version").summary.texts.take(VersionText::Deprecation);
    assert_eq!(deprecated().await.as_deref(), Some("use 2"));
    let error = world
        .registry
        .change_text(&ada, &kit, &one, VersionText::Deprecation, Some("x".repeat(513)))
        .await
        .expect_err("too long");
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    world.registry.change_text(&ada, &kit, &one, VersionText::Deprecation, None).await.expect("removed");
    assert_eq!(deprecated().await, None);
}

#[tokio::test]
async fn changes_need_scope_package_and_right() {
    let world = World::new();
    let ada = three_versions(&world).await;
    let (kit, one) = (name("kit"), version("1.0.0"));
    let stranger = world.user("bob").await;
    let publisher = world.token(&ada, &["publish"], &[]).await;
    let elsewhere = world.token(&ada, &["yank", "tag", "admin"], &["@ada/*"]).await;
    for by in [&stranger, &publisher, &elsewhere] {
        let yank = world.registry.yank(by, &kit, &one, None).await.expect_err("refused");
        let unyank = world.registry.unyank(by, &kit, &one).await.expect_err("refused");
        let deprecate =
            world.registry.change_text(by, &kit, &one, VersionText::Deprecation, None).await.expect_err("refused");
        let owner = world.registry.add_owner(by, &kit, &stranger.username).await.expect_err("refused");
        for error in [yank, unyank, deprecate, owner] {
            assert_eq!(error.code(), ErrorCode::Forbidden, "{error}");
        }
    }
    // The token scope `publish` also allows setting tags.
    world.registry.set_tag(&publisher, &kit, &tag("old"), &one).await.expect("tagged");
    for by in [&stranger, &elsewhere] {
        let error = world.registry.set_tag(by, &kit, &tag("old"), &one).await.expect_err("refused");
        assert_eq!(error.code(), ErrorCode::Forbidden);
    }
    let missing = world.registry.yank(&ada, &kit, &version("9.0.0"), None).await.expect_err("none");
    assert_eq!(missing.to_string(), "Package kit has no version 9.0.0; the highest is 2.0.0");
    let missing = world.registry.yank(&ada, &name("none"), &one, None).await.expect_err("none");
    assert_eq!(missing.code(), ErrorCode::PackageNotFound);
}

#[tokio::test]
async fn owners_come_and_go_but_the_last() {
    let world = World::new();
    let ada = three_versions(&world).await;
    let bob = world.user("bob").await;
    let kit = name("kit");
    world.registry.add_owner(&ada, &kit, &bob.username).await.expect("added");
    assert_eq!(world.view().owners(&kit).await.expect("owners"), [ada.username.clone(), bob.username.clone()]);
    world.published(&bob, "kit", "3.0.0").await;
    world.registry.remove_owner(&bob, &kit, &ada.username).await.expect("removed");
    let error = world.registry.remove_owner(&bob, &kit, &bob.username).await.expect_err("the last");
    assert_eq!(error.code(), ErrorCode::LastOwner);
    let error = world.registry.add_owner(&bob, &kit, &"nobody".parse().expect("name")).await.expect_err("none");
    assert_eq!(error.code(), ErrorCode::UserNotFound);
}
