//! A store that refuses access, and invalid settings.

use std::time::Duration;

use aam_registry_backends::opendal::{OpendalArchives, S3Config};
use aam_registry_core::{
    ErrorCode,
    error::{Error, NotPermitted},
    ports::ArchiveStore,
};
use aam_registry_tests::S3Server;

use super::{Setup, config, hasty, new_key, store};

#[tokio::test]
async fn wrong_keys_are_no_missing_archives() {
    let setup = Setup::new().await;
    let (key, _) = setup.kept(12_000).await;
    for (access, secret) in [(S3Server::ACCESS_KEY, "wrong"), ("wrong", S3Server::SECRET_KEY)] {
        let config = config(&setup.proxy.endpoint()).with_credentials(access, secret.into()).with_patience(hasty());
        let store = store(config);
        setup.proxy.seen();
        let refusals = [
            store.open(&key, None).await.expect_err("refused"),
            store.open(&new_key(), None).await.expect_err("refused"),
            store.size(&key).await.expect_err("refused"),
            store.list(None, 10).await.expect_err("refused"),
            store.unfinished(None, 10).await.expect_err("refused"),
            store.delete(&key).await.expect_err("refused"),
            store.check().await.expect_err("refused"),
        ];
        for error in refusals {
            assert_eq!(error.code(), ErrorCode::StorageUnavailable);
            let Error::Backend(backend) = error else { panic!("{error:?}") };
            assert!(!backend.retry, "{backend:?}");
            assert!(backend.source.is::<NotPermitted>(), "{backend:?}");
        }
        assert_eq!(setup.proxy.seen().len(), 7, "nobody knocks twice");
        let mut writer = store.create(&new_key()).await.expect("nothing was sent");
        writer.write(vec![7; 100].into()).await.expect("nothing was sent");
        writer.finish().await.expect_err("refused");
    }
    assert_eq!(setup.store.size(&key).await.expect("size"), Some(12_000), "it still stands");
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let setup = Setup::new().await;
    let (key, _) = setup.kept(100).await;
    let opened = config(&setup.proxy.endpoint()).with_credentials(S3Server::ACCESS_KEY, "wr0ng-secret".into());
    let shown = format!("{opened:?} {:?}", store(opened.clone()));
    let error = store(opened).open(&key, None).await.expect_err("refused");
    assert!(!format!("{shown} {error:?} {error}").contains("wr0ng-secret"));
}

#[test]
fn settings_that_make_no_store_are_refused() {
    let bad = [
        S3Config::new(""),
        S3Config::new("archives").with_endpoint("minio:9000"),
        S3Config::new("archives").with_public_endpoint("ftp://files.example.com"),
        S3Config::new("archives").with_region(""),
    ];
    for config in bad {
        OpendalArchives::new(&config.clone().into()).expect_err(&format!("{config:?}"));
    }
}

#[test]
fn links_are_not_valid_for_ever() {
    let store = || OpendalArchives::new(&config("http://127.0.0.1:9").into()).expect("a store");
    for expiry in [Duration::from_mins(1), Duration::from_hours(7 * 24 + 1)] {
        store().with_presigned_redirects(expiry).expect_err(&format!("{expiry:?}"));
    }
    store().with_presigned_redirects(Duration::from_mins(15)).expect("within bounds");
}
