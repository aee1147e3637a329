//! What every [`SharedCache`] has to do as long as it forgets nothing. The suite expects one that
//! nothing else uses.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::{join, join_all};
use tokio::{task::yield_now, time::timeout};

use crate::ports::{Cached, SharedCache, Stamp};

/// Defines a test for every case, on the cache that `$make` returns.
#[macro_export]
macro_rules! shared_cache_conformance {
    ($make:expr) => {
        $crate::conformance!(
            shared_cache,
            $make,
            [
                what_was_never_put_is_not_there,
                a_value_comes_back_as_it_was_put,
                the_last_value_counts,
                a_value_ends_with_its_lifetime,
                a_lifetime_may_be_as_long_as_one_likes,
                emptying_a_group_empties_its_values,
                any_of_its_groups_empties_a_value,
                emptying_a_group_leaves_the_others,
                a_stamp_from_before_an_emptying_puts_nothing,
                a_stamp_is_good_for_as_long_as_its_groups_stay,
                emptying_what_holds_nothing_is_fine,
                keys_and_groups_are_any_text_and_apart,
                nothing_older_than_the_last_emptying_is_seen,
                the_cache_answers,
            ]
        );
    };
}

const PATIENCE: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_mins(5);

async fn get(cache: &dyn SharedCache, key: &str, groups: &[&str]) -> Cached {
    cache.get(key, groups).await.expect("get")
}

async fn value(cache: &dyn SharedCache, key: &str, groups: &[&str]) -> Option<Bytes> {
    get(cache, key, groups).await.value
}

async fn put(cache: &dyn SharedCache, key: &str, groups: &[&str], value: &'static str, stamp: &Stamp) {
    cache.put(key, groups, Bytes::from_static(value.as_bytes()), stamp, LONG).await.expect("put");
}

/// Puts a value with a new stamp.
async fn fill(cache: &dyn SharedCache, key: &str, groups: &[&str], value: &'static str) {
    let stamp = get(cache, key, groups).await.stamp;
    put(cache, key, groups, value, &stamp).await;
}

async fn empty(cache: &dyn SharedCache, group: &str) {
    cache.empty(group).await.expect("empty");
}

/// An empty cache has no values.
pub async fn what_was_never_put_is_not_there(cache: &dyn SharedCache) {
    assert_eq!(value(cache, "key", &["group"]).await, None);
    fill(cache, "key", &["group"], "value").await;
    assert_eq!(value(cache, "another", &["group"]).await, None);
}

/// Any bytes are returned as they were put, including none.
pub async fn a_value_comes_back_as_it_was_put(cache: &dyn SharedCache) {
    let every_byte: Vec<u8> = (0..=255).cycle().take(256 * 1024).collect();
    for bytes in [Bytes::from_static(b"text\n"), Bytes::new(), Bytes::from(every_byte)] {
        let stamp = get(cache, "key", &["group"]).await.stamp;
        cache.put("key", &["group"], bytes.clone(), &stamp, LONG).await.expect("put");
        let back = value(cache, "key", &["group"]).await;
        assert!(back.as_ref() == Some(&bytes), "{} bytes came back as {:?}", bytes.len(), back.map(|back| back.len()));
    }
}

/// A second value replaces the first.
pub async fn the_last_value_counts(cache: &dyn SharedCache) {
    fill(cache, "key", &["group"], "first").await;
    fill(cache, "key", &["group"], "second").await;
    assert_eq!(value(cache, "key", &["group"]).await.as_deref(), Some(&b"second"[..]));
}

/// A value expires, immediately if its lifetime is zero.
pub async fn a_value_ends_with_its_lifetime(cache: &dyn SharedCache) {
    let stamp = get(cache, "short", &["group"]).await.stamp;
    fill(cache, "long", &["group"], "value").await;
    for lifetime in [Duration::ZERO, Duration::from_millis(20)] {
        cache.put("short", &["group"], Bytes::from_static(b"value"), &stamp, lifetime).await.expect("put");
        let gone = async {
            while value(cache, "short", &["group"]).await.is_some() {
                yield_now().await;
            }
        };
        timeout(PATIENCE, gone).await.expect("the value ends");
    }
    assert!(value(cache, "long", &["group"]).await.is_some(), "another value ended with it");
}

/// Any lifetime is accepted, however long.
pub async fn a_lifetime_may_be_as_long_as_one_likes(cache: &dyn SharedCache) {
    let stamp = get(cache, "key", &["group"]).await.stamp;
    cache.put("key", &["group"], Bytes::from_static(b"value"), &stamp, Duration::MAX).await.expect("put");
    assert!(value(cache, "key", &["group"]).await.is_some());
    empty(cache, "group").await;
    assert_eq!(value(cache, "key", &["group"]).await, None);
}

/// Emptying removes every value of the group, and the group can be used again.
pub async fn emptying_a_group_empties_its_values(cache: &dyn SharedCache) {
    fill(cache, "one", &["group"], "value").await;
    fill(cache, "two", &["group"], "value").await;
    empty(cache, "group").await;
    assert_eq!(value(cache, "one", &["group"]).await, None);
    assert_eq!(value(cache, "two", &["group"]).await, None);
    fill(cache, "one", &["group"], "again").await;
    assert_eq!(value(cache, "one", &["group"]).await.as_deref(), Some(&b"again"[..]));
}

/// Emptying any one of its groups removes a value.
pub async fn any_of_its_groups_empties_a_value(cache: &dyn SharedCache) {
    let groups = ["a", "b", "c", "d"];
    for group in groups {
        fill(cache, "key", &groups, "value").await;
        assert!(value(cache, "key", &groups).await.is_some());
        empty(cache, group).await;
        assert_eq!(value(cache, "key", &groups).await, None, "{group} did not empty it");
    }
}

/// Values of other groups stay.
pub async fn emptying_a_group_leaves_the_others(cache: &dyn SharedCache) {
    fill(cache, "of-a", &["a", "all"], "value").await;
    fill(cache, "of-b", &["b", "all"], "value").await;
    fill(cache, "of-none", &[], "value").await;
    empty(cache, "a").await;
    assert_eq!(value(cache, "of-a", &["a", "all"]).await, None);
    assert!(value(cache, "of-b", &["b", "all"]).await.is_some());
    assert!(value(cache, "of-none", &[]).await.is_some());
}

/// A value read before a group was emptied is not returned after that, even if it is put later,
/// whichever of its groups was emptied.
pub async fn a_stamp_from_before_an_emptying_puts_nothing(cache: &dyn SharedCache) {
    let groups = ["a", "b", "c"];
    for group in groups {
        let before = get(cache, "key", &groups).await.stamp;
        empty(cache, group).await;
        put(cache, "key", &groups, "old", &before).await;
        assert_eq!(value(cache, "key", &groups).await, None, "seen in spite of the emptying of {group}");
        fill(cache, "key", &groups, "new").await;
        put(cache, "key", &groups, "old", &before).await;
        let seen = value(cache, "key", &groups).await;
        assert_eq!(seen.as_deref(), Some(&b"new"[..]), "an old value took the place of a new one");
        empty(cache, "a").await;
    }
}

/// Several callers may read concurrently and put what they read; emptying other groups does not affect
/// them.
pub async fn a_stamp_is_good_for_as_long_as_its_groups_stay(cache: &dyn SharedCache) {
    let one = get(cache, "key", &["group"]).await.stamp;
    let two = get(cache, "key", &["group"]).await.stamp;
    empty(cache, "another").await;
    put(cache, "key", &["group"], "one", &one).await;
    put(cache, "key", &["group"], "two", &two).await;
    assert_eq!(value(cache, "key", &["group"]).await.as_deref(), Some(&b"two"[..]));
}

/// A group without values, or one that was just emptied, may be emptied.
pub async fn emptying_what_holds_nothing_is_fine(cache: &dyn SharedCache) {
    empty(cache, "never-used").await;
    fill(cache, "key", &["group"], "value").await;
    empty(cache, "group").await;
    empty(cache, "group").await;
    assert_eq!(value(cache, "key", &["group"]).await, None);
}

/// No key or group is mistaken for another.
pub async fn keys_and_groups_are_any_text_and_apart(cache: &dyn SharedCache) {
    let names = ["a", "A", "a ", "a:b", "a:", ":b", "@acme/kit", "ü", "*", "a\nb", "a\0b", ""];
    for name in names {
        fill(cache, name, &[name], name).await;
    }
    for (n, name) in names.into_iter().enumerate() {
        for (other, later) in names.into_iter().enumerate().skip(n) {
            let seen = value(cache, later, &[later]).await;
            assert_eq!(seen.as_deref(), Some(later.as_bytes()), "{other}: {later:?} is lost");
        }
        empty(cache, name).await;
        assert_eq!(value(cache, name, &[name]).await, None, "{name:?} was not emptied");
    }
}

/// While some tasks read and fill and another one changes and empties, no reader sees a value from
/// before the last emptying.
pub async fn nothing_older_than_the_last_emptying_is_seen(cache: &dyn SharedCache) {
    const GROUPS: [&str; 2] = ["package", "scope"];
    const ROUNDS: u64 = 60;
    let (truth, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let number = |value: Bytes| String::from_utf8(value.to_vec()).expect("text").parse::<u64>().expect("a number");
    let seen = async || value(cache, "key", &GROUPS).await.map(number);
    // Each at its own pace, the slowest first, so that old values are also put after an emptying.
    let fill = async |pace: usize| {
        while !done.load(Ordering::SeqCst) {
            let cached = get(cache, "key", &GROUPS).await;
            if cached.value.is_none() {
                let read = truth.load(Ordering::SeqCst).to_string();
                for _ in 0..pace {
                    yield_now().await;
                }
                cache.put("key", &GROUPS, read.into(), &cached.stamp, LONG).await.expect("put");
            }
            yield_now().await;
        }
    };
    let change = async {
        for round in 1..=ROUNDS {
            truth.store(round, Ordering::SeqCst);
            empty(cache, GROUPS[usize::from(round % 2 == 0)]).await;
            loop {
                let value = seen().await;
                assert!(value.is_none_or(|value| value >= round), "{value:?} was seen after change {round}");
                if value.is_some() {
                    break;
                }
                yield_now().await;
            }
        }
        done.store(true, Ordering::SeqCst);
    };
    let fillers = join_all([50, 10, 5, 2, 1, 0].map(fill));
    timeout(3 * PATIENCE, join(change, fillers)).await.expect("values come back between the changes");
}

/// The health check of a working cache succeeds.
pub async fn the_cache_answers(cache: &dyn SharedCache) {
    cache.check().await.expect("check");
}
