use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use metrics::Counter;
use quick_cache::sync::Cache;

use super::ReadyDownload;

/// How many downloads are kept ready: at most 2 KB each.
const MOST: usize = 10_000;

/// The downloads that are ready, by the raw path that asks for each.
///
/// What they hold never changes, so that they may be kept for ever. Only the
/// usual spelling of a path is kept: of the others there are too many.
pub(crate) struct ReadyDownloads {
    by_path: Cache<Box<str>, Arc<ReadyDownload>>,
    bytes: OnceLock<Counter>,
}

impl ReadyDownloads {
    pub(crate) fn new() -> Self {
        Self { by_path: Cache::new(MOST), bytes: OnceLock::new() }
    }

    /// What is ready at `path`, the prefix of the mount included.
    pub(crate) fn get(&self, path: &str) -> Option<Arc<ReadyDownload>> {
        self.by_path.get(path)
    }

    /// Keeps what was asked for at `path` where that is `usual`, the way it is told to clients.
    pub(crate) fn keep(&self, path: &str, usual: &str, ready: &Arc<ReadyDownload>) {
        if path == usual {
            self.by_path.insert(path.into(), Arc::clone(ready));
        }
    }

    /// Counts bytes of an archive that are sent.
    pub(crate) fn count_bytes(&self, bytes: u64) {
        self.bytes.get_or_init(|| metrics::counter!("aam_download_bytes_total")).increment(bytes);
    }
}

impl fmt::Debug for ReadyDownloads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyDownloads").field("ready", &self.by_path.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        memory,
        types::{ArchiveKey, ArchiveLocation, Sha256Digest, UploadId},
    };

    #[test]
    fn only_the_usual_spelling_is_kept() {
        let registry = memory::registry().build().expect("a registry");
        let location = ArchiveLocation {
            package: "kit".parse().expect("a name"),
            version: "1.0.0".parse().expect("a version"),
            archive: ArchiveKey::from(UploadId::generate()),
            sha256: Sha256Digest::of(b"kit"),
            size: 3,
        };
        let (table, ready) = (ReadyDownloads::new(), Arc::new(ReadyDownload::new(&registry, location)));
        table.keep("/k%69t/1.0.0/download", "/kit/1.0.0/download", &ready);
        assert!(table.get("/k%69t/1.0.0/download").is_none() && table.get("/kit/1.0.0/download").is_none());
        table.keep("/kit/1.0.0/download", "/kit/1.0.0/download", &ready);
        assert!(table.get("/kit/1.0.0/download").is_some());
    }
}
