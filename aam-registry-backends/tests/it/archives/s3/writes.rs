//! Writes that fail on the way.

use aam_registry_core::{Result, ports::ArchiveStore, types::ArchiveKey};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{Setup, new_key, proxy::Fault, read_whole, sample};

const MIB: usize = 1024 * 1024;
const LARGE: usize = 20 * MIB;

async fn write(setup: &Setup, key: &ArchiveKey, bytes: &Bytes) -> Result<u64> {
    let mut writer = setup.store.create(key).await?;
    for start in (0..bytes.len()).step_by(MIB) {
        writer.write(bytes.slice(start..(start + MIB).min(bytes.len()))).await?;
    }
    writer.finish().await
}

/// The calls to the store, as methods and query parameters.
fn calls(seen: &[String]) -> Vec<String> {
    let call = |seen: &String| {
        let (method, target) = seen.split_once(' ').expect("a target");
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
        format!("{method} {}", names.collect::<Vec<_>>().join("&")).trim().to_owned()
    };
    seen.iter().map(call).collect()
}

#[tokio::test]
async fn a_small_archive_is_one_request_and_a_large_one_has_parts() {
    let setup = Setup::new().await;
    for len in [1, 8 * MIB] {
        write(&setup, &new_key(), &sample(len)).await.expect("written");
        assert_eq!(calls(&setup.proxy.seen()), ["PUT", "HEAD"], "{len} bytes");
    }
    write(&setup, &new_key(), &sample(LARGE)).await.expect("written");
    let mut calls = calls(&setup.proxy.seen());
    // Two parts may be sent concurrently.
    calls[1..4].sort();
    let part = "PUT partNumber&uploadId";
    assert_eq!(calls, ["POST uploads", part, part, part, "POST uploadId", "HEAD"]);
}

#[tokio::test]
async fn trouble_that_passes_does_no_harm() {
    for fault in [Fault::status(500), Fault::status(503), Fault::LoseAnswer] {
        let setup = Setup::new().await;
        for method in ["PUT", "POST", "HEAD"] {
            setup.proxy.plan(2, method, "", fault.clone());
        }
        for len in [12_000, LARGE] {
            let (key, bytes) = (new_key(), sample(len));
            assert_eq!(write(&setup, &key, &bytes).await.expect("written"), len as u64, "{fault:?}");
            assert!(read_whole(setup.open(&key).await).await == bytes, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn an_archive_whose_completion_was_not_heard_is_complete() {
    let setup = Setup::new().await;
    let (key, bytes) = (new_key(), sample(LARGE));
    // The second try finds no upload any more.
    setup.proxy.plan(1, "POST", "uploadId=", Fault::LoseAnswer);
    assert_eq!(write(&setup, &key, &bytes).await.expect("written"), LARGE as u64);
    assert!(calls(&setup.proxy.seen()).iter().filter(|call| *call == "POST uploadId").count() == 2);
    assert!(read_whole(setup.open(&key).await).await == bytes);
}

#[tokio::test]
async fn what_cannot_be_completed_is_not_there() {
    let setup = Setup::new().await;
    let key = new_key();
    setup.proxy.plan_always("POST", "uploadId=", Fault::status(500));
    let error = write(&setup, &key, &sample(LARGE)).await.expect_err("not completed");
    let aam_registry_core::Error::Backend(backend) = error else { panic!("{error:?}") };
    assert!(backend.retry);
    assert_eq!(setup.store.size(&key).await.expect("size"), None);
    let left = setup.store.unfinished(None, 10).await.expect("unfinished");
    assert_eq!(left.iter().map(|left| &left.key).collect::<Vec<_>>(), [&key]);
    setup.store.delete(&key).await.expect("delete");
    assert_eq!(setup.store.unfinished(None, 10).await.expect("unfinished"), []);
}

#[tokio::test]
async fn a_part_that_is_refused_fails_the_write() {
    let setup = Setup::new().await;
    setup.proxy.plan_always("PUT", "partNumber=2", Fault::page(400));
    write(&setup, &new_key(), &sample(LARGE)).await.expect_err("a part is missing");
}

#[tokio::test]
async fn a_store_that_keeps_less_than_it_was_sent_is_found_out() {
    let setup = Setup::new().await;
    let swallowed = Fault::Answer(StatusCode::OK, HeaderMap::new(), Bytes::new());
    setup.proxy.plan(1, "PUT", "", swallowed);
    write(&setup, &new_key(), &sample(100)).await.expect_err("nothing was kept");

    let mut headers = HeaderMap::new();
    headers.insert("content-length", "99".parse().expect("a header"));
    setup.proxy.plan(1, "HEAD", "", Fault::Answer(StatusCode::OK, headers, Bytes::new()));
    write(&setup, &new_key(), &sample(100)).await.expect_err("a byte was lost");
}

#[tokio::test]
async fn an_aborted_write_leaves_nothing_whatever_it_was_at() {
    let setup = Setup::new().await;
    let key = new_key();
    let mut writer = setup.store.create(&key).await.expect("create");
    for _ in 0..2 {
        writer.write(sample(8 * MIB)).await.expect("write");
    }
    // A write that is cancelled, as when a client disconnects.
    setup.proxy.plan(2, "PUT", "", Fault::Silence);
    let write = async {
        for _ in 0..4 {
            writer.write(sample(8 * MIB)).await.expect("no answer, no error");
        }
    };
    tokio::select! {
        () = write => panic!("two parts are never answered"),
        () = until_seen(&setup, 2) => {}
    }
    writer.abort().await.expect("abort");
    assert_eq!(setup.store.unfinished(None, 10).await.expect("unfinished"), []);
    assert_eq!(setup.store.size(&key).await.expect("size"), None);
}

/// Waits until that many parts were requested.
async fn until_seen(setup: &Setup, parts: usize) {
    let mut seen = 0;
    while seen < parts {
        seen += calls(&setup.proxy.seen()).iter().filter(|call| call.starts_with("PUT")).count();
        tokio::task::yield_now().await;
    }
}
