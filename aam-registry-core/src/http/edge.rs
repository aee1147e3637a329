use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName};

use super::{downloads::ReadyDownloads, failure::Failure, readiness::Readiness, routing::RouteGroup};
use crate::{
    decide::ReadAccess,
    error::ErrorCode,
    types::{PackageName, Sha256Digest, Version},
};

/// The header in which a CDN sends its secret.
const CDN_SECRET: HeaderName = HeaderName::from_static("x-cdn-secret");

/// A document that is built when it is first requested.
pub(crate) type LazyDocument = LazyLock<Bytes, Box<dyn FnOnce() -> Bytes + Send>>;

/// What the endpoints have to know about how the service is mounted.
#[derive(Debug)]
pub(crate) struct Edge {
    /// The path below which all routes are; empty, or with a leading slash and none at the end.
    pub(crate) prefix: String,
    /// The groups of routes that are left out.
    pub(crate) without: Vec<RouteGroup>,
    /// The start of paths in links for clients.
    pub(crate) link_prefix: String,
    /// Who may read.
    pub(crate) read_access: ReadAccess,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Option<MetricsRenderer>,
    /// The URL below which clients find the API.
    pub(crate) server: String,
    /// The OpenAPI document.
    pub(crate) openapi: LazyDocument,
    /// The digest of the secret that a CDN sends which may have private archives.
    pub(crate) cdn_secret: Option<Sha256Digest>,
    /// The prepared downloads.
    pub(crate) downloads: ReadyDownloads,
}

impl Edge {
    /// The error for a path that no route has.
    pub(crate) fn no_such_path(&self) -> Failure {
        let described = if self.without.contains(&RouteGroup::Documentation) {
            String::new()
        } else {
            format!("; the API is described at {}/api/docs", self.link_prefix)
        };
        Failure::new(ErrorCode::NotFound, format!("There is nothing at this address{described}"))
    }

    /// Whether a request comes from the CDN, by its secret. Digests are compared, so that the time tells nothing of it.
    pub(crate) fn is_of_cdn(&self, headers: &HeaderMap) -> bool {
        let sent = headers.get(CDN_SECRET).map(|secret| Sha256Digest::of(secret.as_bytes()));
        self.cdn_secret.is_some() && sent == self.cdn_secret
    }

    /// The path of the request that downloads a version's archive.
    pub(crate) fn download_path(&self, package: &PackageName, version: &Version) -> String {
        format!("{}/api/v1/packages/{package}/{version}/download", self.prefix)
    }

    /// The URL of a version.
    pub(crate) fn version_url(&self, package: &PackageName, version: &Version) -> String {
        format!("{}/api/v1/packages/{package}/{version}", self.link_prefix)
    }

    /// The URL of a version's archive.
    pub(crate) fn download_url(&self, package: &PackageName, version: &Version) -> String {
        format!("{}/download", self.version_url(package, version))
    }
}

/// Renders the answer to `GET /metrics`.
#[derive(Clone)]
pub(crate) struct MetricsRenderer(pub(crate) Arc<dyn Fn() -> String + Send + Sync>);

impl std::fmt::Debug for MetricsRenderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetricsRenderer(..)")
    }
}
