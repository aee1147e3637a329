//! Stores fail and recover, one at a time, while clients continue.

mod database;
mod redis;
mod storage;

use std::time::{Duration, Instant};

use aam_registry_tests::{
    Api, PATIENCE, Proxy, Redis, S3Server, Server, postgres::Postgres, production, replicas, report,
};
use serde_json::Value;

use super::{
    audit::{check_chain, publishes},
    load::Load,
};

/// Two servers with clients, and proxies to their stores that can fail.
struct Scene {
    servers: [Server; 2],
    load: Load,
    postgres: Postgres,
    to_postgres: Proxy,
    redis: Redis,
    to_redis: Proxy,
    to_s3: Proxy,
    _s3: S3Server,
}

impl Scene {
    async fn start() -> Self {
        let (postgres, redis, s3) = tokio::join!(Postgres::start(), Redis::start(), S3Server::start());
        let (to_postgres, to_redis, to_s3) =
            tokio::join!(Proxy::start(postgres.address()), Proxy::start(redis.address()), Proxy::start(s3.address()),);
        let settings = production(&postgres.url_at(to_postgres.address()), &format!("http://{}", to_s3.address()));
        let settings = settings.with("REDIS_URL", format!("redis://{}", to_redis.address()));
        let servers: [Server; 2] = replicas(&settings).await;
        let load = Load::start(&servers).await;
        load.go_on(Duration::from_secs(2)).await;
        Self { servers, load, postgres, to_postgres, redis, to_redis, to_s3, _s3: s3 }
    }

    /// Waits until the health endpoints of every server say 503 for the services in `down`, and 200 for the
    /// others. On a busy machine, a service that works may seem silent for a moment.
    async fn expect_health(&self, down: &[&str]) {
        for server in &self.servers {
            let api = server.anonymous();
            api.get("/health").await.expect_status(200);
            let began = Instant::now();
            while let Some(other) = unlike(&api, down).await {
                assert!(began.elapsed() < PATIENCE, "only {down:?} may fail, but {other}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    /// Waits until everything has recovered, and checks that nothing was lost.
    async fn end(mut self, what: &str) {
        let took = self.load.heal().await;
        self.load.phase("after");
        self.load.go_on(Duration::from_secs(2)).await;
        let mut sent = self.load.stop().await;
        report(format_args!("{what}: healed after {took:.2?}\n{}", self.load));
        self.load.expect("before", &super::load::Kind::ALL, &["200", "201"]);
        self.load.expect("after", &super::load::Kind::ALL, &["200", "201"]);
        self.expect_health(&[]).await;

        // A version that was not acknowledged may have been published; then it is complete.
        let api = self.servers[1].anonymous();
        let mut published = std::collections::BTreeMap::new();
        for sent in &mut sent {
            let answer = api.get(&sent.path()).await;
            if !sent.acknowledged && answer.status == 404 {
                continue;
            }
            assert_eq!(answer.expect_status(200).json()["checksum"]["sha256"], *sent.sha256);
            sent.acknowledged = true;
            sent.check(&api).await;
            published.insert((sent.name.clone(), sent.version.clone()), 1);
        }
        let versions = published.len() + 4;
        let verified = self.servers[0].run(&["storage", "verify", "--deep", "--json"]).await.expect_code(0).json();
        assert_eq!(verified["checked"], versions);
        let database = self.postgres.client().await;
        let mut logged = publishes(&database).await;
        logged.retain(|(name, _), _| name.starts_with("pkg-"));
        assert_eq!(logged, published);
        let sequenced = async || {
            let loose = database.query_one("SELECT count(*) FROM audit_log WHERE position IS NULL", &[]).await;
            (loose.expect("an answer").get::<_, i64>(0) == 0).then_some(())
        };
        aam_registry_tests::eventually("every entry to have its position", sequenced).await;
        check_chain(&database).await;
        for server in self.servers {
            let (stopped, status) = server.terminate().await;
            assert_eq!(status.code(), Some(0), "{}", stopped.log());
            assert!(!stopped.log().contains("panicked"), "{}", stopped.log());
        }
    }
}

/// What the health endpoints say that differs from 503 for the services in `down` and 200 for the others.
async fn unlike(api: &Api, down: &[&str]) -> Option<String> {
    for (part, path) in [("database", "db"), ("storage", "storage"), ("cache", "cache")] {
        let answer = api.get(&format!("/health/{path}")).await;
        let expected = if down.contains(&part) { 503 } else { 200 };
        if answer.status != expected {
            return Some(format!("{part}: {}", String::from_utf8_lossy(&answer.body)));
        }
        if expected == 503 {
            assert!(answer.json()["error"].is_string() && !answer.header("retry-after").is_empty());
        }
    }
    let ready = api.get("/ready").await.expect_status(200).json();
    let failing: Vec<&str> = ready["failing"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let status = if down.is_empty() { "ready" } else { "degraded" };
    (failing != down || ready["status"] != status).then(|| ready.to_string())
}
