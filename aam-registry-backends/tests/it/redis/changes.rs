use std::time::Duration;

use aam_registry_backends::redis::{RedisChanges, RedisConfig};
use aam_registry_core::{
    change_feed_conformance,
    ports::{ChangeEvent, ChangeFeed},
    types::Change,
};
use futures_util::{StreamExt, stream::BoxStream};
use tokio::time::timeout;

use super::world::{PATIENCE, config, link, plain, prefix, url};

pub(super) async fn next(events: &mut BoxStream<'static, ChangeEvent>) -> ChangeEvent {
    timeout(PATIENCE, events.next()).await.expect("an event in time").expect("the stream never ends")
}

pub(super) fn package(name: &str) -> Change {
    Change::Package(name.parse().expect("a package name"))
}

fn feed(config: &RedisConfig) -> RedisChanges {
    RedisChanges::new(link(config))
}

change_feed_conformance!(async {
    let config = config(&url());
    ([Box::new(feed(&config)) as Box<dyn ChangeFeed>, Box::new(feed(&config))], ())
});

#[tokio::test]
async fn a_feed_may_be_deaf_to_itself() {
    let config = config(&url());
    let (own, other) = (feed(&config).without_its_own(), feed(&config));
    let mut events = own.subscribe();
    let mut events_of_clone = own.clone().subscribe();
    for events in [&mut events, &mut events_of_clone] {
        assert_eq!(next(events).await, ChangeEvent::Linked);
    }
    own.announce(&package("own")).await.expect("announce");
    other.announce(&package("other")).await.expect("announce");
    for events in [&mut events, &mut events_of_clone] {
        assert_eq!(next(events).await, ChangeEvent::Changed(package("other")));
    }
}

#[tokio::test]
async fn registries_with_other_prefixes_hear_nothing_of_each_other() {
    let (one, two) = (feed(&config(&url())), feed(&config(&url())));
    let mut events = one.subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    two.announce(&package("theirs")).await.expect("announce");
    one.announce(&package("ours")).await.expect("announce");
    assert_eq!(next(&mut events).await, ChangeEvent::Changed(package("ours")));
}

#[tokio::test]
async fn what_a_later_release_says_may_be_anything() {
    let (prefix, mut redis) = (prefix(), plain(&url()).await);
    let mut events = feed(&config(&url()).with_key_prefix(&*prefix)).subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    let channel = format!("{prefix}changes");
    let () = redis::cmd("PUBLISH").arg(channel).arg("me team acme").query_async(&mut redis).await.expect("publish");
    assert_eq!(next(&mut events).await, ChangeEvent::Changed(Change::Everything));
}

#[tokio::test]
async fn a_quiet_link_stays() {
    let feed = feed(&config(&url()));
    let mut events = feed.subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    // Long enough for Redis to be pinged.
    let quiet = timeout(Duration::from_millis(2500), events.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    feed.announce(&package("kit")).await.expect("announce");
    assert_eq!(next(&mut events).await, ChangeEvent::Changed(package("kit")));
}
