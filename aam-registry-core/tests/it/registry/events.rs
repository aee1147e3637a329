//! Events for the host.

use aam_registry_core::types::AuditEvent;
use futures_util::FutureExt;

use super::world::{World, registration, version};

#[tokio::test]
async fn a_host_hears_what_was_committed_and_nothing_else() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.registry.sequence_audit().await.expect("sequenced");
    let mut events = world.registry.events().await.expect("the log is there");

    world.published(&ada, "kit", "1.0.0").await;
    world.registry.register(registration("ada")).await.expect_err("the name is taken");
    for _ in 0..2 {
        let yanked = world.registry.yank(&ada, &"kit".parse().expect("a name"), &version("1.0.0"), None).await;
        yanked.expect("yanked");
    }
    world.registry.sequence_audit().await.expect("sequenced");
    let mut heard = Vec::new();
    while let Some(entry) = events.next().now_or_never() {
        heard.push(entry.expect("read").entry.event);
    }
    assert_eq!(
        heard,
        [AuditEvent::PackagePublish, AuditEvent::VersionYank],
        "what failed or changed nothing is not told"
    );

    let position = events.position();
    world.user("bob").await;
    world.registry.sequence_audit().await.expect("sequenced");
    let mut again = world.registry.events_after(position);
    let first = again.next().await.expect("read");
    assert_eq!((first.entry.event, again.position()), (AuditEvent::UserRegister, position + 1));
    let mut whole = world.registry.events_after(0);
    assert_eq!(whole.next().await.expect("read").entry.event, AuditEvent::UserRegister);
    assert_eq!(whole.position(), 1);
}
