use aam_registry_backends::redis::{RedisChanges, RedisConfig};
use aam_registry_core::{
    ports::{ChangeEvent, ChangeFeed},
    types::Change,
};

use crate::redis::{
    changes::{next, package},
    proxy::{Proxy, Weather},
    server::Server,
    world::{config, hasty, link},
};

fn feed(config: &RedisConfig) -> RedisChanges {
    RedisChanges::new(link(&config.clone().with_key_prefix("t:")))
}

#[tokio::test]
async fn a_link_that_is_cut_is_told_and_made_again() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port()).await;
    let (far, near) = (feed(&config(&proxy.url())), feed(&config(&server.url())));
    let mut events = far.subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    for weather in [Weather::Broken, Weather::Silent] {
        proxy.turn(weather);
        assert_eq!(next(&mut events).await, ChangeEvent::Lost, "{weather:?}");
        near.announce(&package("unheard")).await.expect("announce");
        proxy.turn(Weather::Fair);
        assert_eq!(next(&mut events).await, ChangeEvent::Linked, "{weather:?}");
        near.announce(&package("heard")).await.expect("announce");
        assert_eq!(next(&mut events).await, ChangeEvent::Changed(package("heard")), "{weather:?}");
    }
}

#[tokio::test]
async fn a_redis_that_is_killed_or_hangs_is_told() {
    let mut server = Server::start().await;
    let feed = feed(&config(&server.url()));
    let mut events = feed.subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    server.kill();
    assert_eq!(next(&mut events).await, ChangeEvent::Lost);
    server.restart().await;
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    server.freeze();
    assert_eq!(next(&mut events).await, ChangeEvent::Lost);
    server.thaw();
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
}

#[tokio::test]
async fn a_stream_begins_without_redis_too() {
    let mut server = Server::start().await;
    server.kill();
    let mut events = feed(&config(&server.url())).subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Lost);
    server.restart().await;
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
}

#[tokio::test]
async fn what_could_not_be_announced_is_announced_later() {
    let server = Server::start().await;
    let proxy = Proxy::to(server.port()).await;
    let (far, near) = (feed(&hasty(&proxy.url())), feed(&config(&server.url())));
    let mut events = near.subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    for (changes, told) in [
        (vec![package("one")], package("one")),
        (vec![package("one"), package("two"), package("three")], Change::Everything),
    ] {
        proxy.turn(Weather::Broken);
        for change in &changes {
            far.announce(change).await.expect_err("redis is out of reach");
        }
        proxy.turn(Weather::Fair);
        assert_eq!(next(&mut events).await, ChangeEvent::Changed(told));
    }
}
