//! A store that fails.

use std::time::{Duration, Instant};

use aam_registry_core::{
    ErrorCode, Result,
    error::Error,
    ports::{ArchiveStore, StoredArchive},
    types::ArchiveKey,
};
use aam_registry_tests::S3Server;

use super::{AMPLE, Setup, config, hasty, new_key, proxy::Fault, read_whole, short, store};

const METHODS: [&str; 5] = ["GET", "HEAD", "PUT", "POST", "DELETE"];

/// The errors of all calls that can fail.
async fn failures(store: &dyn ArchiveStore, key: &ArchiveKey) -> Vec<(&'static str, Error)> {
    fn refused<T: std::fmt::Debug>(call: &'static str, result: Result<T>) -> (&'static str, Error) {
        (call, result.expect_err(call))
    }
    let write = async {
        let mut writer = store.create(&new_key()).await?;
        writer.write(vec![7; 100].into()).await?;
        writer.finish().await
    };
    let write_large = async {
        let mut writer = store.create(&new_key()).await?;
        for _ in 0..3 {
            writer.write(vec![7; 8 * 1024 * 1024].into()).await?;
        }
        writer.finish().await
    };
    vec![
        refused("open", store.open(key, None).await),
        refused("open a range", store.open(key, Some(1..2)).await),
        refused("size", store.size(key).await),
        refused("delete", store.delete(key).await),
        refused::<Vec<StoredArchive>>("list", store.list(None, 10).await),
        refused("unfinished", store.unfinished(None, 10).await),
        refused("check", store.check().await),
        refused("write", write.await),
        refused("write a large one", write_large.await),
    ]
}

#[track_caller]
fn assert_failed(failures: &[(&'static str, Error)], retry: bool) {
    for (call, error) in failures {
        assert_eq!(error.code(), ErrorCode::StorageUnavailable, "{call}");
        let Error::Backend(backend) = error else { panic!("{call}: {error:?}") };
        assert_eq!(backend.retry, retry, "{call}: {backend:?}");
    }
}

#[tokio::test]
async fn trouble_that_passes_is_waited_out() {
    for status in [500, 503] {
        let setup = Setup::new().await;
        let (key, bytes) = setup.kept(12_000).await;
        for method in METHODS {
            setup.proxy.plan(3, method, "", Fault::status(status));
        }
        assert!(read_whole(setup.open(&key).await).await == bytes, "{status}");
        assert_eq!(setup.store.size(&key).await.expect("size"), Some(12_000), "{status}");
        assert_eq!(setup.store.list(None, 10).await.expect("list").len(), 1, "{status}");
        setup.store.delete(&key).await.expect("delete");
        assert_eq!(setup.store.size(&key).await.expect("size"), None, "{status}");
        setup.proxy.heal();
        setup.proxy.plan(3, "GET", "?uploads", Fault::status(status));
        assert_eq!(setup.store.unfinished(None, 10).await.expect("unfinished"), []);
    }
}

#[tokio::test]
async fn trouble_that_stays_is_an_outage_and_nothing_else() {
    for status in [500, 503] {
        let setup = Setup::new().await;
        let (key, _) = setup.kept(12_000).await;
        for method in METHODS {
            setup.proxy.plan_always(method, "", Fault::status(status));
        }
        assert_failed(&failures(&setup.store, &key).await, true);
        // One try and three retries; a health check is not retried.
        setup.proxy.seen();
        setup.store.open(&key, None).await.expect_err("an outage");
        assert_eq!(setup.proxy.seen().len(), 4);
        setup.store.check().await.expect_err("an outage");
        assert_eq!(setup.proxy.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_proxy_that_knows_of_no_store_is_an_outage() {
    for status in [404, 502] {
        let setup = Setup::new().await;
        let (key, _) = setup.kept(12_000).await;
        for method in METHODS {
            setup.proxy.plan_always(method, "", Fault::page(status));
        }
        assert_failed(&failures(&setup.store, &key).await, true);
    }
}

#[tokio::test]
async fn nobody_there_is_an_outage() {
    let setup = Setup::new().await;
    let (key, _) = setup.kept(12_000).await;
    let endpoint = setup.server.endpoint();
    drop(setup);
    // The listener is dropped with its task, at the latest when that is polled next.
    tokio::task::yield_now().await;
    let gone = store(config(&endpoint).with_patience(short()));
    let until = Instant::now() + Duration::from_mins(1);
    while gone.check().await.is_ok() {
        assert!(Instant::now() < until, "the server goes on");
        tokio::task::yield_now().await;
    }
    assert_failed(&failures(&gone, &key).await, true);
}

#[tokio::test]
async fn a_silent_store_is_an_outage() {
    // There is no answer, however long the wait.
    let moment = Duration::from_millis(50);
    let setup = Setup::with(hasty().with_read(moment, AMPLE).with_write(moment, AMPLE)).await;
    let (key, _) = setup.kept(12_000).await;
    for method in METHODS {
        setup.proxy.plan_always(method, "", Fault::Silence);
    }
    assert_failed(&failures(&setup.store, &key).await, true);
}

#[tokio::test]
async fn a_silent_store_is_not_asked_as_often_as_there_is_patience_for() {
    let (moment, in_all) = (Duration::from_millis(50), Duration::from_millis(200));
    let often = hasty().with_retries(1_000, Duration::from_millis(1), Duration::from_millis(1));
    let setup = Setup::with(often.with_read(moment, in_all).with_write(moment, in_all)).await;
    let (key, _) = setup.kept(12_000).await;
    for method in METHODS {
        setup.proxy.plan_always(method, "", Fault::Silence);
    }
    assert_failed(&failures(&setup.store, &key).await, true);
    let seen = setup.proxy.seen();
    assert!(seen.len() < 100, "{} requests", seen.len());
}

#[tokio::test]
async fn a_bucket_that_is_not_there_holds_no_missing_archives() {
    let setup = Setup::new().await;
    let missing = aam_registry_backends::opendal::S3Config::new("other")
        .with_endpoint(setup.server.endpoint())
        .with_credentials(S3Server::ACCESS_KEY, S3Server::SECRET_KEY.into())
        .with_patience(hasty());
    assert_failed(&failures(&store(missing), &new_key()).await, false);
}
