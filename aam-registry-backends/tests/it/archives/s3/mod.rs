//! S3, with a real server in the test's process.

mod beyond_the_suite;
mod outages;
mod presigned;
mod proxy;
mod reads;
mod refusals;
mod repeats;
mod writes;

use std::{io, time::Duration};

use aam_registry_backends::opendal::{OpendalArchives, Patience, S3Config};
use aam_registry_core::{
    archive_store_conformance,
    ports::{ArchiveContent, ArchiveStore},
    types::{ArchiveKey, UploadId},
};
use aam_registry_tests::S3Server;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt;
use proxy::Proxy;

fn config(endpoint: &str) -> S3Config {
    S3Config::new(S3Server::BUCKET)
        .with_endpoint(endpoint)
        .with_credentials(S3Server::ACCESS_KEY, S3Server::SECRET_KEY.into())
}

fn store(config: S3Config) -> OpendalArchives {
    OpendalArchives::new(&config.into()).expect("a store")
}

mod suite {
    use super::*;

    archive_store_conformance!(async {
        let server = S3Server::start().await;
        (store(config(&server.endpoint())), server)
    });
}

mod suite_below_a_prefix {
    use super::*;

    archive_store_conformance!(async {
        let server = S3Server::start().await;
        (store(config(&server.endpoint()).with_prefix("/some/where/")), server)
    });
}

/// Longer than any test takes.
const AMPLE: Duration = Duration::from_mins(1);

/// Three retries without waiting.
fn hasty() -> Patience {
    Patience::default().with_retries(3, Duration::from_millis(1), Duration::from_millis(2))
}

/// One retry, and a short time-out for answers.
fn short() -> Patience {
    let time = Duration::from_secs(2);
    hasty()
        .with_retries(1, Duration::from_millis(1), Duration::from_millis(2))
        .with_read(time, AMPLE)
        .with_write(time, AMPLE)
}

/// A store behind a proxy.
#[derive(Debug)]
struct Setup {
    server: S3Server,
    proxy: Proxy,
    store: OpendalArchives,
}

impl Setup {
    async fn new() -> Self {
        Self::with(hasty()).await
    }

    async fn with(patience: Patience) -> Self {
        let server = S3Server::start().await;
        let proxy = Proxy::before(server.address()).await;
        let store = store(config(&proxy.endpoint()).with_patience(patience));
        Self { server, proxy, store }
    }

    /// Stores `len` bytes without the proxy; returns them and their key.
    async fn kept(&self, len: usize) -> (ArchiveKey, Bytes) {
        let (key, bytes) = (new_key(), sample(len));
        let mut writer = store(config(&self.server.endpoint())).create(&key).await.expect("create");
        writer.write(bytes.clone()).await.expect("write");
        writer.finish().await.expect("finish");
        (key, bytes)
    }

    async fn open(&self, key: &ArchiveKey) -> ArchiveContent {
        self.store.open(key, None).await.expect("open").expect("an archive")
    }
}

fn new_key() -> ArchiveKey {
    ArchiveKey::from(UploadId::generate())
}

/// Bytes that differ from those near them and from those one part away.
fn sample(len: usize) -> Bytes {
    const BLOCK: usize = 1_000_003;
    let words = (0..BLOCK.min(len).div_ceil(8) as u64).map(|at| at.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut block: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    block.truncate(BLOCK);
    let mut bytes = block.repeat(len.div_ceil(BLOCK));
    bytes.truncate(len);
    bytes.into()
}

/// Reads a content: the bytes until it ends or breaks off, and the result.
async fn read(content: ArchiveContent) -> (Bytes, io::Result<()>) {
    match content {
        ArchiveContent::Bytes(bytes) => (bytes, Ok(())),
        ArchiveContent::File { .. } => panic!("no store gives files"),
        ArchiveContent::Stream { mut stream, .. } => {
            let mut bytes = BytesMut::new();
            loop {
                match stream.try_next().await {
                    Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                    Ok(None) => return (bytes.freeze(), Ok(())),
                    Err(error) => return (bytes.freeze(), Err(error)),
                }
            }
        }
    }
}

async fn read_whole(content: ArchiveContent) -> Bytes {
    let (bytes, end) = read(content).await;
    end.expect("it ends well");
    bytes
}
