use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{downloads::ReadyDownloads, endpoints, openapi, readiness::Readiness};
use crate::types::{PackageName, Version};

/// What the endpoints need to know of how they are mounted.
#[derive(Debug)]
pub(crate) struct Edge {
    /// Below which path everything lies; empty, or with a leading slash and none at the end.
    pub(crate) prefix: String,
    /// What paths that are told to clients start with.
    pub(crate) link_prefix: String,
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Option<MetricsRenderer>,
    /// Below which URL clients find the API.
    pub(crate) server: String,
    /// The OpenAPI document, made when it is first asked for.
    pub(crate) openapi: OnceLock<Bytes>,
    /// The downloads that are ready.
    pub(crate) downloads: ReadyDownloads,
}

impl Edge {
    pub(crate) fn openapi(&self) -> Bytes {
        self.openapi.get_or_init(|| openapi::document(endpoints::routes(), &self.server).to_string().into()).clone()
    }

    /// The path at which a version's archive is asked for here.
    pub(crate) fn download_path(&self, package: &PackageName, version: &Version) -> String {
        format!("{}/api/v1/packages/{package}/{version}/download", self.prefix)
    }

    /// Where a version is.
    pub(crate) fn version_url(&self, package: &PackageName, version: &Version) -> String {
        format!("{}/api/v1/packages/{package}/{version}", self.link_prefix)
    }

    /// Where a version's archive is.
    pub(crate) fn download_url(&self, package: &PackageName, version: &Version) -> String {
        format!("{}/download", self.version_url(package, version))
    }
}

/// Renders what `GET /metrics` answers.
#[derive(Clone)]
pub(crate) struct MetricsRenderer(pub(crate) Arc<dyn Fn() -> String + Send + Sync>);

impl std::fmt::Debug for MetricsRenderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MetricsRenderer(..)")
    }
}
