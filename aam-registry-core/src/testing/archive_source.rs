//! What every [`ArchiveSource`] has to do. The suite expects an empty source and access to the store
//! behind it, to add archives: see [`Stored`].

use std::ops::Range;

use bytes::Bytes;
use futures_util::future::join_all;

use super::archives::{new_key, put, read, sample};
use crate::{
    ports::{ArchiveSource, ArchiveStore},
    types::{ArchiveLocation, Sha256Digest, VersionStatus, Visibility},
};

/// Defines a test for every case, on the [`Stored`] that `$make` returns.
#[macro_export]
macro_rules! archive_source_conformance {
    ($make:expr) => {
        $crate::conformance!(
            archive_source,
            $make,
            [
                bytes_are_those_of_the_store,
                ranges_are_cut_out_cold_and_warm,
                a_missing_archive_is_none_until_it_is_there,
                a_range_outside_is_an_error,
                readers_at_once_read_the_same,
            ]
        );
    };
}

/// A source, and the store behind it.
#[derive(Debug)]
pub struct Stored<S, A> {
    /// The store to which the cases add archives.
    pub store: S,
    /// The source under test.
    pub source: A,
}

const KIB: usize = 1024;

/// Sizes that a source may treat differently.
const SIZES: [usize; 6] = [1, 12 * KIB, 64 * KIB + 1, 1000 * KIB, 1024 * KIB + 1, 5000 * KIB];

fn location(bytes: &Bytes) -> ArchiveLocation {
    ArchiveLocation {
        package: "kit".parse().expect("a name"),
        version: "1.0.0".parse().expect("a version"),
        archive: new_key(),
        sha256: Sha256Digest::of(bytes),
        size: bytes.len() as u64,
        visibility: Visibility::Public,
        status: VersionStatus::OPEN,
    }
}

async fn open(source: &dyn ArchiveSource, archive: &ArchiveLocation, range: Option<Range<u64>>) -> Option<Bytes> {
    Some(read(source.open(archive, range).await.expect("open")?).await)
}

/// Reads return the stored bytes, the first time and every other time.
pub async fn bytes_are_those_of_the_store<S: ArchiveStore, A: ArchiveSource>(stored: &Stored<S, A>) {
    for (seed, len) in (1..).zip(SIZES) {
        let bytes = sample(seed, len);
        let archive = location(&bytes);
        put(&stored.store, &archive.archive, &bytes).await;
        for _ in 0..3 {
            assert!(open(&stored.source, &archive, None).await.as_ref() == Some(&bytes), "{len} bytes");
        }
    }
}

/// A range is returned exactly, whether or not its archive was read before.
pub async fn ranges_are_cut_out_cold_and_warm<S: ArchiveStore, A: ArchiveSource>(stored: &Stored<S, A>) {
    for (seed, len) in (11..).zip(SIZES) {
        let len = len as u64;
        for range in [0..1, len - 1..len, len / 3..len / 2 + 1, 0..len] {
            let bytes = sample(seed, usize::try_from(len).expect("small"));
            let archive = location(&bytes);
            put(&stored.store, &archive.archive, &bytes).await;
            let (start, end) = (range.start, range.end);
            let within = |at: u64| usize::try_from(at).expect("small");
            for _ in 0..2 {
                let read = open(&stored.source, &archive, Some(start..end)).await;
                assert!(read == Some(bytes.slice(within(start)..within(end))), "{range:?} of {len} bytes");
            }
        }
    }
}

/// A "not found" is not cached.
pub async fn a_missing_archive_is_none_until_it_is_there<S: ArchiveStore, A: ArchiveSource>(stored: &Stored<S, A>) {
    let bytes = sample(21, 30 * KIB);
    let archive = location(&bytes);
    for range in [None, Some(3..9)] {
        assert_eq!(open(&stored.source, &archive, range).await, None);
    }
    put(&stored.store, &archive.archive, &bytes).await;
    assert!(open(&stored.source, &archive, None).await == Some(bytes));
}

/// A range outside of the archive is refused, not shortened.
pub async fn a_range_outside_is_an_error<S: ArchiveStore, A: ArchiveSource>(stored: &Stored<S, A>) {
    let bytes = sample(22, 100);
    let archive = location(&bytes);
    put(&stored.store, &archive.archive, &bytes).await;
    for _ in 0..2 {
        stored.source.open(&archive, Some(10..101)).await.expect_err("there are 100 bytes");
        assert!(open(&stored.source, &archive, None).await.is_some());
    }
}

/// Any number of concurrent readers of an uncached archive read all of it.
pub async fn readers_at_once_read_the_same<S: ArchiveStore, A: ArchiveSource>(stored: &Stored<S, A>) {
    for (seed, len) in (31..).zip(SIZES) {
        let bytes = sample(seed, len);
        let archive = location(&bytes);
        put(&stored.store, &archive.archive, &bytes).await;
        let readers = (0..20).map(|_| open(&stored.source, &archive, None));
        for read in join_all(readers).await {
            assert!(read.as_ref() == Some(&bytes), "{len} bytes");
        }
    }
}
