//! Test data and connections for the tests.

use std::time::Duration;

use aam_registry_backends::redis::{RedisCache, RedisConfig, RedisLink};
use aam_registry_core::ports::SharedCache;
use redis::{Client, aio::MultiplexedConnection};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

pub(super) const PATIENCE: Duration = Duration::from_secs(30);
pub(super) const LONG: Duration = Duration::from_mins(5);
/// A time-out that no test reaches, even on a busy machine.
const AMPLE: Duration = Duration::from_secs(20);

/// The Redis for tests.
pub(super) fn url() -> String {
    std::env::var("AAM_TEST_REDIS_URL").expect(
        "the feature `service-tests` needs a Redis 6 or newer: set `AAM_TEST_REDIS_URL` to its URL, \
         such as redis://127.0.0.1:6379",
    )
}

pub(super) fn prefix() -> String {
    format!("aam-test:{}:", Uuid::new_v4().simple())
}

/// Long time-outs, and a key prefix of its own.
pub(super) fn config(url: &str) -> RedisConfig {
    RedisConfig::new(url).with_key_prefix(prefix()).with_acquire_timeout(AMPLE).with_response_timeout(AMPLE)
}

/// Short time-outs, so that faults are noticed soon.
pub(super) fn hasty(url: &str) -> RedisConfig {
    let soon = Duration::from_secs(1);
    config(url).with_acquire_timeout(soon).with_response_timeout(soon).with_pause(Duration::from_millis(100))
}

pub(super) fn link(config: &RedisConfig) -> RedisLink {
    RedisLink::new(config).expect("a link")
}

/// A connection without the adapter.
pub(super) async fn plain(url: &str) -> MultiplexedConnection {
    let client = Client::open(url).expect("a client");
    timeout(PATIENCE, client.get_multiplexed_async_connection()).await.expect("in time").expect("a connection")
}

/// Every key that begins with `prefix`.
pub(super) async fn keys(redis: &mut MultiplexedConnection, prefix: &str) -> Vec<String> {
    let (mut keys, mut cursor) = (Vec::new(), 0_u64);
    loop {
        let mut scan = redis::cmd("SCAN");
        scan.arg(cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(1000);
        let (next, found): (u64, Vec<String>) = scan.query_async(redis).await.expect("scan");
        keys.extend(found);
        cursor = next;
        if cursor == 0 {
            return keys;
        }
    }
}

/// Waits until `holds` returns true.
pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(PATIENCE, waiting).await.is_ok(), "{what}: not in time");
}

pub(super) async fn value(cache: &RedisCache, key: &str, groups: &[&str]) -> Option<String> {
    let value = cache.get(key, groups).await.expect("get").value?;
    Some(String::from_utf8(value.to_vec()).expect("text"))
}

/// Puts a value with a new stamp.
pub(super) async fn fill(cache: &RedisCache, key: &str, groups: &[&str], value: &str) {
    let stamp = cache.get(key, groups).await.expect("get").stamp;
    cache.put(key, groups, value.to_owned().into(), &stamp, LONG).await.expect("put");
}
