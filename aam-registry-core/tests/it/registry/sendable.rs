//! The futures of use cases are `Send`, because servers run them on any thread.

use std::{collections::BTreeMap, future};

use aam_registry_core::registry::{Publish, PublishOptions, Registry};
use bytes::Bytes;

use super::world::{World, name, registration, version};

fn sendable<T: Send>(_: &T) {}

#[tokio::test]
async fn futures_move_between_threads() {
    fn shared<T: Clone + Send + Sync + 'static>() {}
    fn writes(mut publish: Publish) {
        sendable(&publish.write(Bytes::new()));
        sendable(&publish.finish(PublishOptions::default()));
    }
    shared::<Registry>();
    let _ = writes;
    let world = World::new();
    let ada = world.user("ada").await;
    let (kit, one) = (name("kit"), version("1.0.0"));
    sendable(&world.registry.begin_publish(&ada, None));
    sendable(&world.view().resolve_tree(None, &BTreeMap::new()));
    sendable(&world.view().file(&kit, &one, "x"));
    sendable(&world.view().diff(&kit, &one, &one, None));
    sendable(&world.registry.login("ada", String::new()));
    sendable(&world.registry.register(registration("bob")));
    let registry = world.registry.clone();
    tokio::spawn(async move { registry.run_background(future::ready(())).await }).await.expect("ended");
}
