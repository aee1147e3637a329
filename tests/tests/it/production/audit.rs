//! The audit log, written by all servers.

use std::collections::BTreeMap;

use aam_registry_core::types::{AuditEvent, ChainHash, NewAuditEntry};
use aam_registry_tests::{Answer, Api, Package, eventually, postgres::Client, report};
use jiff::Timestamp;
use serde_json::json;

use super::Replicas;

const ROUNDS: usize = 25;

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_is_whole_under_writers_everywhere() {
    let replicas = Replicas::start_with(&[("MAX_SCOPES_PER_USER", "1000")]).await;
    let ada = replicas.user("ada").await;
    replicas.user("bob").await;
    let database = replicas.stores.database.client().await;
    let writers: Vec<_> = (0..6).map(|at| tokio::spawn(write(ada[at % 3].clone(), at))).collect();
    let mut expected: BTreeMap<&str, usize> =
        [("user.register", 2), ("user.login", 2), ("user.login_failed", 6 * ROUNDS)].into();
    for writer in writers {
        for (event, times) in writer.await.expect("writers end") {
            *expected.entry(event).or_default() += times;
        }
    }

    let chained = async || {
        let loose = database.query_one("SELECT count(*) FROM audit_log WHERE position IS NULL", &[]).await;
        (loose.expect("an answer").get::<_, i64>(0) == 0).then_some(())
    };
    let ((), took) = eventually("every entry to have its position", chained).await;
    report(format_args!("the last entry had its position after {took:?}"));
    let found = check_chain(&database).await;
    assert_eq!(found, expected, "an entry for every act, and no act without");
}

/// Causes every event once per round; returns how often each was acknowledged.
async fn write(ada: Api, at: usize) -> BTreeMap<&'static str, usize> {
    let mut done = BTreeMap::new();
    let mut note = |event, answer: Answer| {
        if (200..300).contains(&answer.status) {
            *done.entry(event).or_default() += 1;
        } else {
            // Other tasks change the same package.
            assert!(matches!(answer.status, 400 | 404 | 409), "{}", String::from_utf8_lossy(&answer.body));
        }
    };
    for round in 0..ROUNDS {
        let version = format!("{at}.{round}.0");
        let kit = "/api/v1/packages/kit";
        note("package.publish", ada.publish(&Package::new("kit", &version).aam(), &[]).await);
        note("tag.set", ada.put(&format!("{kit}/tags/at-{at}"), &json!({"version": version})).await);
        let message = json!({"message": format!("{{\"é\": {round}}} \u{1f980}")});
        note("version.deprecate", ada.put(&format!("{kit}/{version}/deprecation"), &message).await);
        note("tag.remove", ada.delete(&format!("{kit}/tags/at-{at}")).await);
        note("version.yank", ada.delete(&format!("{kit}/{version}?reason=round%20{round}")).await);
        note("version.unyank", ada.post(&format!("{kit}/{version}/unyank"), &json!({})).await);
        let token = ada.post("/api/v1/users/tokens", &json!({"name": version, "scopes": ["read"]})).await;
        let id = token.json()["id"].as_str().expect("an id").to_owned();
        note("token.create", token);
        note("token.revoke", ada.delete(&format!("/api/v1/users/tokens/{id}")).await);
        note("scope.create", ada.post("/api/v1/scopes", &json!({"name": format!("s-{at}-{round}")})).await);
        let wrong = json!({"username": "bob", "password": "not the password of bob"});
        ada.post("/api/v1/users/login", &wrong).await.expect_status(401);
    }
    done
}

/// Computes the chain again from its beginning; returns how often it contains each event.
pub(crate) async fn check_chain(database: &Client) -> BTreeMap<&'static str, usize> {
    let rows = database
        .query(
            "SELECT position, hash, entry_id::text, event, actor, package, version, timestamp, metadata \
             FROM audit_log ORDER BY position",
            &[],
        )
        .await
        .expect("an answer");
    let mut previous = ChainHash::from([0; 32]);
    let mut found = BTreeMap::new();
    for (row, position) in rows.iter().zip(1_u64..) {
        assert_eq!(row.get::<_, Option<i64>>("position"), i64::try_from(position).ok(), "no gap and nothing twice");
        let event = AuditEvent::parse(row.get("event")).expect("an event");
        let entry = NewAuditEntry {
            id: row.get::<_, &str>("entry_id").parse().expect("an id"),
            event,
            actor: row.get("actor"),
            package: row.get::<_, Option<&str>>("package").map(|name| name.parse().expect("a name")),
            version: row.get("version"),
            timestamp: Timestamp::from_microsecond(row.get("timestamp")).expect("an instant"),
            metadata: serde_json::from_str(row.get("metadata")).expect("an object"),
        };
        previous = entry.chain_hash(&previous, position);
        assert_eq!(previous.as_bytes(), row.get::<_, &[u8]>("hash"), "the hash of {entry:?} at {position}");
        *found.entry(event.as_str()).or_default() += 1;
    }
    let head = database.query_one("SELECT position, hash FROM audit_chain", &[]).await.expect("an answer");
    assert_eq!(head.get::<_, i64>(0), i64::try_from(rows.len()).expect("few"));
    assert_eq!(head.get::<_, &[u8]>(1), previous.as_bytes());
    found
}

/// How often each version was published, according to the audit log.
pub(crate) async fn publishes(database: &Client) -> BTreeMap<(String, String), i64> {
    let rows = database
        .query(
            "SELECT package, version, count(*) FROM audit_log WHERE event = 'package.publish' GROUP BY package, version",
            &[],
        )
        .await;
    rows.expect("an answer").iter().map(|row| ((row.get(0), row.get(1)), row.get(2))).collect()
}
