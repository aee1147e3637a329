use std::sync::Arc;

use bytes::Bytes;

use super::client::Client;

/// Chunks up to this size in bytes are not counted.
const SMALL: usize = 8 * 1024;

/// A chunk of an answer that counts as held until its last byte is sent or dropped.
#[derive(Debug)]
struct Chunk {
    bytes: Bytes,
    client: Arc<Client>,
}

/// Counts a chunk as held for `client` until the last part of the returned bytes is dropped.
pub(super) fn counted(bytes: Bytes, client: &Arc<Client>) -> Bytes {
    if bytes.len() < SMALL {
        return bytes;
    }
    client.hold(bytes.len());
    Bytes::from_owner(Chunk { bytes, client: Arc::clone(client) })
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.client.let_go(self.bytes.len());
    }
}
