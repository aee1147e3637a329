use futures_util::future::BoxFuture;

use super::{
    binary, documents, downloads, growth, memory, object_store, publish, publish_large, search, start, transports,
};
use crate::{bench::Bench, error::Result, measure::Row};

/// The description of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    /// The name for `--rows`.
    pub(crate) name: &'static str,
    /// A short description of what it measures.
    pub(crate) what: &'static str,
    /// Starts all contenders.
    pub(crate) prepare: for<'a> fn(&'a Bench) -> BoxFuture<'a, Result<Row>>,
}

macro_rules! rows {
    ($($name:literal, $what:literal, $prepare:path;)+) => {
        /// Every row, in the order of the table.
        pub(crate) const ALL: &[Spec] =
            &[$(Spec { name: $name, what: $what, prepare: |bench| Box::pin($prepare(bench)) }),+];
    };
}

rows! {
    "download-12-kb", "a 12 KB archive, warm, 32 connections", downloads::small;
    "download-1-mb", "a 1 MB archive, warm, 16 connections", downloads::medium;
    "download-50-mb", "a 50 MB archive, warm, 4 connections", downloads::large;
    "not-modified", "304 for a 12 KB archive that the client has", downloads::not_modified;
    "range-12-kb", "12 KB out of the middle of a 1 MB archive", downloads::range;
    "version-json", "the metadata of a version", documents::version;
    "package-json", "the metadata of a package with ten versions", documents::package;
    "download-12-kb-http2", "a 12 KB archive over HTTP/2 in the clear", transports::http2;
    "download-12-kb-tls", "a 12 KB archive over TLS", transports::tls;
    "download-12-kb-http2-tls", "a 12 KB archive over HTTP/2 and TLS", transports::http2_tls;
    "s3-cold", "archives that lie on S3 and were never asked for", object_store::cold;
    "publish-12-kb", "durable publishes of 12 KB by 16 clients, SQLite and PostgreSQL", publish::small;
    "publish-50-mb", "a durable publish of 50 MB", publish_large::large;
    "search-words", "searches by words over the largest registry", search::words;
    "search-typos", "searches with a typo over the largest registry", search::typos;
    "search-lists", "listings of the largest registry", search::lists;
    "growth-download", "a download from ever larger registries", growth::download;
    "growth-version", "a version's metadata from ever larger registries", growth::version;
    "growth-package", "a package's metadata from ever larger registries", growth::package;
    "start", "from the start of the process to ready, by size of the registry", start::start;
    "memory", "memory idle, with open connections, during large downloads", memory::memory;
    "binary", "the size of the server's binary", binary::binary;
}
