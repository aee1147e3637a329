//! What every [`ChangeFeed`] that carries announcements has to do. The suite expects two handles of one
//! feed that nothing else uses, like those of two replicas.

use std::time::Duration;

use futures_util::{StreamExt, stream::BoxStream};
use tokio::time::timeout;

use crate::{
    ports::{ChangeEvent, ChangeFeed},
    types::Change,
};

/// Defines a test for every case, on the two handles that `$make` returns.
#[macro_export]
macro_rules! change_feed_conformance {
    ($make:expr) => {
        $crate::conformance!(
            changes,
            $make,
            [
                a_stream_begins_with_the_link,
                a_change_reaches_every_subscriber_of_every_handle,
                changes_come_in_their_order,
                a_subscriber_hears_what_comes_after_it,
                who_leaves_is_not_missed,
                an_announcement_needs_no_listener,
            ]
        );
    };
}

/// Two handles on one feed.
pub type Handles = [Box<dyn ChangeFeed>; 2];

const PATIENCE: Duration = Duration::from_secs(20);

type Events = BoxStream<'static, ChangeEvent>;

async fn next(events: &mut Events) -> ChangeEvent {
    timeout(PATIENCE, events.next()).await.expect("an event in time").expect("the stream never ends")
}

async fn linked(feed: &dyn ChangeFeed) -> Events {
    let mut events = feed.subscribe();
    assert_eq!(next(&mut events).await, ChangeEvent::Linked);
    events
}

async fn announce(feed: &dyn ChangeFeed, change: &Change) {
    feed.announce(change).await.expect("announce");
}

fn package(name: &str) -> Change {
    Change::Package(name.parse().expect("a package name"))
}

fn scope(name: &str) -> Change {
    Change::Scope(name.parse().expect("a scope"))
}

/// The first event says that the link works.
pub async fn a_stream_begins_with_the_link(feeds: &Handles) {
    for feed in feeds {
        let _first = linked(&**feed).await;
        let _second = linked(&**feed).await;
    }
}

/// Every subscriber receives every announcement, whichever handle makes it.
pub async fn a_change_reaches_every_subscriber_of_every_handle(feeds: &Handles) {
    let mut subscribers = Vec::new();
    for feed in feeds {
        subscribers.push(linked(&**feed).await);
        subscribers.push(linked(&**feed).await);
    }
    let changes = [
        package("greet-kit"),
        package("@acme/review-suite"),
        package("@my_org/style-guide"),
        scope("acme"),
        scope("my_org"),
        Change::Everything,
    ];
    for feed in feeds {
        for change in &changes {
            announce(&**feed, change).await;
            for events in &mut subscribers {
                assert_eq!(next(events).await, ChangeEvent::Changed(change.clone()));
            }
        }
    }
}

/// Announcements of one handle arrive in order.
pub async fn changes_come_in_their_order(feeds: &Handles) {
    let mut events = linked(&*feeds[1]).await;
    for n in 0..50 {
        announce(&*feeds[0], &package(&format!("package-{n}"))).await;
    }
    for n in 0..50 {
        assert_eq!(next(&mut events).await, ChangeEvent::Changed(package(&format!("package-{n}"))));
    }
}

/// A subscriber does not receive earlier announcements.
pub async fn a_subscriber_hears_what_comes_after_it(feeds: &Handles) {
    announce(&*feeds[0], &package("before")).await;
    let mut events = linked(&*feeds[1]).await;
    announce(&*feeds[0], &package("after")).await;
    assert_eq!(next(&mut events).await, ChangeEvent::Changed(package("after")));
}

/// A subscriber that leaves does not affect the others.
pub async fn who_leaves_is_not_missed(feeds: &Handles) {
    let leaves = linked(&*feeds[0]).await;
    let mut stays = linked(&*feeds[0]).await;
    drop(leaves);
    announce(&*feeds[1], &scope("acme")).await;
    assert_eq!(next(&mut stays).await, ChangeEvent::Changed(scope("acme")));
}

/// An announcement succeeds without subscribers.
pub async fn an_announcement_needs_no_listener(feeds: &Handles) {
    announce(&*feeds[0], &Change::Everything).await;
    announce(&*feeds[1], &package("greet-kit")).await;
}
