//! Reads that fail on the way.

use aam_registry_core::{
    ErrorCode,
    error::Error,
    ports::{ArchiveContent, ArchiveStore},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::{Setup, proxy::Fault, read, read_whole, short};

const LARGE: usize = 3_000_000;
const SMALL: usize = 12_000;

/// Asserts that an error is a temporary failure of the store.
#[track_caller]
fn assert_outage(error: &Error) {
    assert_eq!(error.code(), ErrorCode::StorageUnavailable);
    let Error::Backend(backend) = error else { panic!("{error:?}") };
    assert!(backend.retry, "{backend:?}");
}

#[tokio::test]
async fn one_request_opens_an_archive() {
    let setup = Setup::new().await;
    for len in [SMALL, LARGE] {
        let (key, bytes) = setup.kept(len).await;
        assert!(read_whole(setup.open(&key).await).await == bytes);
        let part = setup.store.open(&key, Some(100..900)).await.expect("open").expect("an archive");
        assert!(read_whole(part).await == bytes[100..900]);
        let wanted = ["", " bytes=100-899"].map(|range| format!("GET /archives/{key}{range}"));
        assert_eq!(setup.proxy.seen(), wanted);
    }
}

#[tokio::test]
async fn a_slow_store_is_waited_for() {
    let setup = Setup::with(short()).await;
    let (key, bytes) = setup.kept(LARGE).await;
    setup.proxy.plan_always("GET", "", Fault::Slow);
    assert!(read_whole(setup.open(&key).await).await == bytes);
}

#[tokio::test]
async fn the_first_bytes_are_there_before_the_last_were_sent() {
    let setup = Setup::new().await;
    let (key, bytes) = setup.kept(LARGE).await;
    setup.proxy.plan(1, "GET", "", Fault::SilenceBehind(1_000_000));
    let ArchiveContent::Stream { mut stream, len } = setup.open(&key).await else { panic!("no stream") };
    assert_eq!(len, LARGE as u64);
    let mut arrived = 0;
    while arrived < 1_000_000 {
        let chunk = futures_util::StreamExt::next(&mut stream).await.expect("a chunk").expect("no error");
        assert!(chunk == bytes[arrived..arrived + chunk.len()]);
        assert!(chunk.len() <= 512 * 1024, "a chunk of {}", chunk.len());
        arrived += chunk.len();
    }
}

#[tokio::test]
async fn a_read_that_breaks_off_is_taken_up_where_it_broke() {
    let setup = Setup::new().await;
    let (key, bytes) = setup.kept(LARGE).await;
    setup.proxy.plan(1, "GET", "", Fault::CutBehind(1_000_000));
    assert!(read_whole(setup.open(&key).await).await == bytes);
    // The connection decides where it breaks: not after the bytes that were sent, and not at the
    // beginning.
    let seen = setup.proxy.seen();
    let (_, from) = seen[1].split_once(" bytes=").expect("a range");
    let from: usize = from.strip_suffix('-').expect("to the end").parse().expect("a position");
    assert!(seen.len() == 2 && from > 0 && from <= 1_000_000, "{seen:?}");
}

#[tokio::test]
async fn a_part_that_breaks_off_is_taken_up_where_it_broke() {
    let setup = Setup::new().await;
    let (key, bytes) = setup.kept(LARGE).await;
    setup.proxy.plan(2, "GET", "", Fault::CutBehind(500_000));
    let part = setup.store.open(&key, Some(1_000..2_500_000)).await.expect("open").expect("an archive");
    assert!(read_whole(part).await == bytes[1_000..2_500_000]);
    assert_eq!(setup.proxy.seen().len(), 3);
}

#[tokio::test]
async fn a_read_that_breaks_off_for_good_never_looks_complete() {
    let setup = Setup::new().await;
    let (key, bytes) = setup.kept(LARGE).await;
    setup.proxy.plan(1, "GET", "", Fault::CutBehind(1_000_000));
    setup.proxy.plan_always("GET", "", Fault::CutBehind(0));
    let (arrived, end) = read(setup.open(&key).await).await;
    end.expect_err("it broke off");
    assert!(arrived == bytes[..arrived.len()] && arrived.len() < LARGE);

    let (key, _) = setup.kept(SMALL).await;
    assert_outage(&setup.store.open(&key, None).await.expect_err("it broke off"));
    setup.proxy.heal();
    setup.proxy.plan(1, "GET", "", Fault::CutBehind(5_000));
    assert_eq!(read_whole(setup.open(&key).await).await.len(), SMALL);
}

#[tokio::test]
async fn other_bytes_are_never_put_behind_the_first() {
    let setup = Setup::new().await;
    let (key, bytes) = setup.kept(LARGE).await;
    // A store that ignores ranges starts again; one that misinterprets them sends other bytes.
    let anew = Fault::Answer(StatusCode::OK, HeaderMap::new(), bytes.clone());
    let mut headers = HeaderMap::new();
    headers.insert("content-range", format!("bytes 0-{}/{LARGE}", LARGE - 1).parse().expect("a header"));
    let others = Fault::Answer(StatusCode::PARTIAL_CONTENT, headers, bytes.clone());
    for wrong in [anew, others] {
        setup.proxy.plan(1, "GET", "", Fault::CutBehind(1_000_000));
        setup.proxy.plan(1, "GET", "", wrong.clone());
        assert!(read_whole(setup.open(&key).await).await == bytes, "{wrong:?}");

        setup.proxy.plan(1, "GET", "", Fault::CutBehind(1_000_000));
        setup.proxy.plan_always("GET", "", wrong.clone());
        let (arrived, end) = read(setup.open(&key).await).await;
        end.expect_err("no bytes are better than wrong ones");
        assert!(arrived == bytes[..arrived.len()]);
        setup.store.open(&key, Some(5..90)).await.expect_err("nor from the start");
        setup.proxy.heal();
    }
}

#[tokio::test]
async fn a_silent_store_is_given_up() {
    let setup = Setup::with(short()).await;
    let (key, bytes) = setup.kept(LARGE).await;
    setup.proxy.plan(1, "GET", "", Fault::SilenceBehind(1_000_000));
    assert!(read_whole(setup.open(&key).await).await == bytes, "a second try");
    assert_eq!(setup.proxy.seen().len(), 2);

    setup.proxy.plan(1, "GET", "", Fault::SilenceBehind(1_000_000));
    setup.proxy.plan_always("GET", "", Fault::Silence);
    let (arrived, end) = read(setup.open(&key).await).await;
    end.expect_err("given up");
    assert!(arrived == bytes[..arrived.len()] && !arrived.is_empty());
    assert_outage(&setup.store.open(&key, None).await.expect_err("given up"));
}

#[tokio::test]
async fn a_length_that_is_wrong_never_looks_complete() {
    let setup = Setup::new().await;
    let (key, bytes) = setup.kept(LARGE).await;
    setup.proxy.plan_always("GET", "", Fault::Shorten(7));
    // Only the length shows it, which the registry compares with that of the version.
    let ArchiveContent::Stream { len, .. } = setup.open(&key).await else { panic!("no stream") };
    assert_eq!(len, LARGE as u64 - 7);
    let part = setup.store.open(&key, Some(10..2_000_000)).await.expect("open").expect("an archive");
    let (arrived, end) = read(part).await;
    end.expect_err("the range is not whole");
    assert!(arrived == bytes[10..10 + arrived.len()]);
    setup.store.open(&key, Some(10..5_000)).await.expect_err("nor is a small one");
}

#[tokio::test]
async fn a_range_beyond_the_end_is_our_own_fault() {
    let setup = Setup::new().await;
    for len in [SMALL, LARGE] {
        let (key, _) = setup.kept(len).await;
        for range in [10..len as u64 + 1, len as u64 + 5..len as u64 + 9] {
            let error = setup.store.open(&key, Some(range)).await.expect_err("beyond the end");
            assert_eq!(error.code(), ErrorCode::Internal);
        }
        let nothing = setup.store.open(&key, Some(5..5)).await.expect("open").expect("an archive");
        assert_eq!(read_whole(nothing).await, Bytes::new());
    }
}
