use std::time::Duration;

use aam_registry_backends::RateLimits;
use aam_registry_backends::redis::{RedisCache, RedisChanges, RedisConfig, RedisLimiter, RedisLink};
use aam_registry_core::ports::{ChangeEvent, ChangeFeed, RateClass, RateLimiter, SharedCache};
use metrics_exporter_prometheus::PrometheusBuilder;
use rcgen::{CertifiedKey, generate_simple_self_signed};

use super::{
    changes::next,
    server::{Server, free_port},
    world::{config, fill, link, until, value},
};

/// Uses every part once.
async fn use_all(config: &RedisConfig) {
    let link = link(config);
    until("redis answers", async || link.check().await.is_ok()).await;
    let limiter = RedisLimiter::new(link.clone(), &RateLimits::default());
    assert!(limiter.take(RateClass::Search, "a").await.expect("take").is_some());
    let cache = RedisCache::new(link.clone());
    fill(&cache, "key", &["group"], "value").await;
    assert_eq!(value(&cache, "key", &["group"]).await.as_deref(), Some("value"));
    assert_eq!(next(&mut RedisChanges::new(link).subscribe()).await, ChangeEvent::Linked);
}

#[tokio::test]
async fn failures_are_counted_from_zero() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let (metrics, _recording) = (recorder.handle(), metrics::set_default_local_recorder(&recorder));
    let link = link(&config("redis://127.0.0.1:1"));
    let told = metrics.render();
    for purpose in ["limiter", "cache", "changes", "check"] {
        let none = format!("aam_redis_failures_total{{use=\"{purpose}\"}} 0");
        assert!(told.contains(&none), "{none}: {told}");
    }
    drop(link);
}

#[tokio::test]
async fn a_password_opens_and_a_wrong_one_is_told_and_not_shown() {
    let server = Server::with(&["--requirepass", "hunter2"]).await;
    use_all(&config(&format!("redis://:hunter2@127.0.0.1:{}", server.port()))).await;
    for (url, why) in [
        (format!("redis://:hunter3@127.0.0.1:{}", server.port()), "WRONGPASS"),
        (format!("redis://127.0.0.1:{}", server.port()), "NOAUTH"),
    ] {
        let config = config(&url).with_acquire_timeout(Duration::from_secs(1));
        let link = link(&config);
        let limiter = RedisLimiter::new(link.clone(), &RateLimits::default());
        let shown = limiter.take(RateClass::Search, "a").await.expect_err("refused");
        let shown = format!("{shown:?} {config:?} {link:?}");
        assert!(shown.contains(why) || shown.contains("uthentication"), "{shown}");
        assert!(!shown.contains("hunter"), "{shown}");
        let cache = RedisCache::new(RedisLink::new(&config).expect("a link"));
        let cause = format!("{:?}", cache.get("key", &["group"]).await.expect_err("refused"));
        assert!(cause.contains(why) || cause.contains("uthentication"), "{cause}");
        let mut events = RedisChanges::new(link).subscribe();
        assert_eq!(next(&mut events).await, ChangeEvent::Lost);
    }
}

#[tokio::test]
async fn a_database_of_a_redis_is_used() {
    let server = Server::start().await;
    let url = |database: u8| format!("{}/{database}", server.url());
    let cache = |database| RedisCache::new(link(&config(&url(database)).with_key_prefix("t:")));
    fill(&cache(3), "key", &["group"], "value").await;
    assert_eq!(value(&cache(3), "key", &["group"]).await.as_deref(), Some("value"));
    assert_eq!(value(&cache(4), "key", &["group"]).await, None);
}

#[tokio::test]
async fn a_small_pool_serves_many() {
    let server = Server::start().await;
    let cache = RedisCache::new(link(&config(&server.url()).with_pool_size(1)));
    fill(&cache, "key", &["group"], "value").await;
    let gets = (0..200).map(|_| value(&cache, "key", &["group"]));
    for value in futures_util::future::join_all(gets).await {
        assert_eq!(value.as_deref(), Some("value"));
    }
}

#[tokio::test]
async fn tls_is_spoken_and_certificates_are_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("write");
        path.to_str().expect("text").to_owned()
    };
    let (certificate, key) = (write("cert.pem", &cert.pem()), write("key.pem", &signing_key.serialize_pem()));
    let port = free_port();
    let server = Server::with(&[
        "--tls-port",
        &port.to_string(),
        "--tls-cert-file",
        &certificate,
        "--tls-key-file",
        &key,
        "--tls-ca-cert-file",
        &certificate,
        "--tls-auth-clients",
        "no",
    ])
    .await;
    let url = format!("rediss://localhost:{port}");
    use_all(&config(&url).with_root_certificates(cert.pem())).await;

    let strange = generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate").cert.pem();
    for untrusting in [config(&url).with_root_certificates(strange), config(&url)] {
        let error = link(&untrusting).check().await.expect_err("nobody vouches for it");
        assert!(format!("{error:?}").contains("certificate"), "{error:?}");
    }
    drop(server);
}
