use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use metrics::Counter;
use quick_cache::sync::Cache;

use super::ReadyDownload;
use crate::{
    decide::Audience,
    decorate::{Freshness, LocationMark},
    types::PackageName,
};

/// The most downloads that are cached, each at most 2 KB.
const MOST: usize = 10_000;

/// The prepared downloads by the raw path of the request.
///
/// They are cached for the viewers that they were made for, as long as nothing of the package changed, if
/// there is a [`Freshness`] that knows, and otherwise not at all. Whoever asks has passed the gate before.
/// Only the usual spelling of a path is cached, because there are too many others.
pub(crate) struct ReadyDownloads {
    by_path: Cache<Box<str>, Arc<ReadyDownload>>,
    freshness: Option<Freshness>,
    bytes: OnceLock<Counter>,
}

impl ReadyDownloads {
    pub(crate) fn new(freshness: Option<Freshness>) -> Self {
        Self { by_path: Cache::new(MOST), freshness, bytes: OnceLock::new() }
    }

    /// The prepared download for `path`, which includes the prefix, if it is for `audience`.
    pub(crate) fn get(&self, path: &str, audience: Audience) -> Option<Arc<ReadyDownload>> {
        self.by_path.get(path).filter(|ready| ready.audience == audience && self.holds(ready))
    }

    fn holds(&self, ready: &ReadyDownload) -> bool {
        let holds = |(freshness, mark): (&Freshness, _)| freshness.locates(mark);
        self.freshness.as_ref().zip(ready.mark.as_ref()).is_some_and(holds)
    }

    /// The mark for a download; take it before reading the location.
    pub(crate) fn mark(&self, name: &PackageName) -> Option<LocationMark> {
        self.freshness.as_ref().map(|freshness| freshness.location_mark(name))
    }

    /// Caches the download that was requested at `path` if that equals `usual`, the path in the links
    /// of the registry.
    pub(crate) fn keep(&self, path: &str, usual: &str, ready: &Arc<ReadyDownload>) {
        // What not everybody sees of a package is looked up each time.
        if path == usual && ready.mark.is_some() && ready.location.status.is_open() {
            self.by_path.insert(path.into(), Arc::clone(ready));
        }
    }

    /// Counts the bytes of archives that are sent.
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
        decorate::CachedMetadata,
        memory,
        types::{ArchiveKey, ArchiveLocation, Change, Sha256Digest, UploadId, VersionStatus, Visibility},
    };

    fn location() -> ArchiveLocation {
        ArchiveLocation {
            package: "kit".parse().expect("a name"),
            version: "1.0.0".parse().expect("a version"),
            archive: ArchiveKey::from(UploadId::generate()),
            sha256: Sha256Digest::of(b"kit"),
            size: 3,
            visibility: Visibility::Public,
            status: VersionStatus::OPEN,
        }
    }

    const USUAL: &str = "/kit/1.0.0/download";

    /// A table after a download was added at the usual path.
    fn table(freshness: Option<Freshness>) -> ReadyDownloads {
        let registry = memory::registry().build().expect("a registry");
        let (table, location) = (ReadyDownloads::new(freshness), location());
        let ready = Arc::new(ReadyDownload::new(
            &registry,
            location.clone(),
            Audience::Everyone,
            table.mark(&location.package),
        ));
        table.keep("/k%69t/1.0.0/download", USUAL, &ready);
        assert!(
            table.get("/k%69t/1.0.0/download", Audience::Everyone).is_none()
                && table.get(USUAL, Audience::Everyone).is_none()
        );
        table.keep(USUAL, USUAL, &ready);
        table
    }

    fn freshness() -> Freshness {
        CachedMetadata::builder(memory::MemoryMetadata::new()).start().freshness()
    }

    #[test]
    fn only_the_usual_spelling_is_kept() {
        assert!(table(Some(freshness())).get(USUAL, Audience::Everyone).is_some());
    }

    #[test]
    fn nothing_is_ready_once_what_is_shown_may_have_changed() {
        for (change, holds) in [
            (Change::Package("kit".parse().expect("a name")), false),
            (Change::Everything, false),
            (Change::Scope("kit".parse().expect("a scope")), true),
        ] {
            let freshness = freshness();
            let table = table(Some(freshness.clone()));
            freshness.note(&change);
            assert_eq!(table.get(USUAL, Audience::Everyone).is_some(), holds, "{change:?}");
        }
    }

    #[test]
    fn what_is_ready_for_some_is_not_for_others() {
        let table = table(Some(freshness()));
        assert!(table.get(USUAL, Audience::Everyone).is_some());
        assert!(table.get(USUAL, Audience::Members).is_none());
    }

    #[test]
    fn where_nothing_tells_of_changes_nothing_is_kept() {
        assert!(table(None).get(USUAL, Audience::Everyone).is_none());
    }
}
