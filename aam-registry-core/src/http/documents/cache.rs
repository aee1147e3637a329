use std::{fmt, sync::Arc};

use quick_cache::{Weighter, sync::Cache};

use super::Document;
use crate::{
    decide::Audience,
    decorate::{Freshness, TierMeter},
};

/// The approximate memory for cached documents.
const CAPACITY: u64 = 32 << 20;
const TYPICAL: u64 = 8 << 10;

/// The documents by the raw path of the request.
pub(crate) struct DocumentCache {
    documents: Cache<Box<str>, Arc<Document>, ByMemory>,
    freshness: Freshness,
    meter: TierMeter,
}

#[derive(Clone)]
struct ByMemory;

impl Weighter<Box<str>, Arc<Document>> for ByMemory {
    fn weight(&self, _: &Box<str>, document: &Arc<Document>) -> u64 {
        document.weight()
    }
}

impl DocumentCache {
    /// An empty cache.
    pub(crate) fn new(freshness: Freshness) -> Self {
        let items = usize::try_from(CAPACITY / TYPICAL).unwrap_or(usize::MAX);
        Self {
            documents: Cache::with_weighter(items, CAPACITY, ByMemory),
            freshness,
            meter: TierMeter::new("document"),
        }
    }

    /// What says whether a package has changed since a document was made of it.
    pub(crate) fn freshness(&self) -> &Freshness {
        &self.freshness
    }

    /// The document of that path for viewers of that class, unless it is stale.
    pub(crate) fn get(&self, path: &str, audience: Audience) -> Option<Arc<Document>> {
        let holds = |document: &Arc<Document>| {
            document.audience == audience && self.freshness.is_fresh(&document.mark) && document.is_young()
        };
        let document = self.documents.get(path).filter(holds);
        self.meter.count(document.is_some());
        document
    }

    /// Caches the document of a path.
    pub(crate) fn keep(&self, path: Box<str>, document: &Arc<Document>) {
        self.documents.insert(path, Arc::clone(document));
    }
}

impl fmt::Debug for DocumentCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DocumentCache").field("documents", &self.documents.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use http::{HeaderValue, Response, header};

    use super::*;
    use crate::{
        decorate::{CachedMetadata, Mark},
        http::RegistryBody,
        memory::MemoryMetadata,
    };

    /// A cache of documents, and a mark of their package.
    fn kept() -> (DocumentCache, Mark) {
        let freshness = CachedMetadata::builder(MemoryMetadata::new()).start().freshness();
        let mark = freshness.mark(&"kit".parse().expect("a name")).expect("linked");
        (DocumentCache::new(freshness), mark)
    }

    fn document(len: usize, mark: Mark, read_at: Instant) -> Arc<Document> {
        let mut response = Response::new(RegistryBody::from("x".repeat(len)));
        response.headers_mut().insert(header::ETAG, HeaderValue::from_static("\"x\""));
        Arc::new(Document::of(&response, Audience::Everyone, mark, read_at).expect("a document"))
    }

    #[tokio::test]
    async fn what_was_read_ten_seconds_ago_is_read_again() {
        let (kept, mark) = kept();
        for (age, is_kept) in [(0, true), (8, true), (10, false), (60, false)] {
            let read_at = Instant::now().checked_sub(Duration::from_secs(age)).expect("the system runs for longer");
            kept.keep("/kit".into(), &document(100, mark, read_at));
            assert_eq!(kept.get("/kit", Audience::Everyone).is_some(), is_kept, "{age} seconds");
        }
    }

    #[tokio::test]
    async fn memory_is_bounded_by_bytes() {
        let (kept, mark) = kept();
        for number in 0..400 {
            kept.keep(format!("/{number}").into(), &document(200 << 10, mark, Instant::now()));
        }
        let held =
            (0..400).filter(|number| kept.get(&format!("/{number}"), Audience::Everyone).is_some()).count() as u64;
        assert!(held > 10, "{held} are kept");
        // With every coding, none of which is larger than the uncompressed document.
        assert!(held * 3 * (200 << 10) <= CAPACITY, "{held} are kept");
    }
}
