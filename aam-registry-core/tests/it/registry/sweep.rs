use std::time::Duration;

use aam_registry_core::{
    ports::ArchiveStore,
    registry::{PublishOptions, SweepReport},
    types::ArchiveKey,
};
use bytes::Bytes;

use super::world::{World, archive};

#[tokio::test]
async fn only_what_was_abandoned_long_ago_is_deleted() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.published(&ada, "standing", "1.0.0").await;
    let mut left = world.registry.begin_publish(&ada, None).await.expect("begun");
    left.write(Bytes::from_static(b"\x1f\x8b")).await.expect("written");
    drop(left);

    let report = world.registry.sweep_uploads().await.expect("swept");
    assert_eq!(report, SweepReport::default(), "its lease has not run out");
    world.clock.advance(Duration::from_secs(121));
    let report = world.registry.sweep_uploads().await.expect("swept");
    assert_eq!(report, SweepReport { abandoned: 1, ..SweepReport::default() });
    // Its writer might still be at work.
    world.clock.advance(Duration::from_mins(15));
    assert_eq!(world.registry.sweep_uploads().await.expect("swept"), SweepReport::default());
    world.clock.advance(Duration::from_mins(3));
    let report = world.registry.sweep_uploads().await.expect("swept");
    assert_eq!(report, SweepReport { deleted: 1, ..SweepReport::default() });
    assert_eq!(world.registry.sweep_uploads().await.expect("swept"), SweepReport::default());
    assert_eq!(world.stored_archives().await, 1, "the published one stands");
}

#[tokio::test]
async fn many_uploads_are_swept_beside_live_ones() {
    let world = World::new();
    let ada = world.user("ada").await;
    for _ in 0..120 {
        drop(world.registry.begin_publish(&ada, None).await.expect("begun"));
        tokio::task::yield_now().await;
    }
    world.clock.advance(Duration::from_mins(20));
    assert_eq!(world.registry.sweep_uploads().await.expect("swept").abandoned, 120);
    let bytes = archive("greet-kit", "1.0.0");
    let mut live = world.registry.begin_publish(&ada, None).await.expect("begun");
    live.write(Bytes::copy_from_slice(&bytes[..50])).await.expect("written");
    world.clock.advance(Duration::from_secs(119));
    let sweep = async {
        world.clock.advance(Duration::from_mins(0));
        world.registry.sweep_uploads().await.expect("swept")
    };
    let write = live.write(Bytes::copy_from_slice(&bytes[50..]));
    let (_, written) = tokio::join!(sweep, write);
    written.expect("alive");
    live.finish(PublishOptions::default()).await.expect("published");
    world.clock.advance(Duration::from_mins(20));
    assert_eq!(world.registry.sweep_uploads().await.expect("swept").deleted, 120);
    let kept = world.archives.list(None, 10).await.expect("listed");
    let keys: Vec<&ArchiveKey> = kept.iter().map(|stored| &stored.key).collect();
    assert_eq!(keys.len(), 1);
}
