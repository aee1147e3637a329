use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::{
    downloads::ReadyDownloads, endpoints, failure::Failure, openapi, readiness::Readiness, routing::RouteGroup,
};
use crate::{
    decide::ReadAccess,
    error::ErrorCode,
    types::{PackageName, Version},
};

/// What the endpoints need to know of how they are mounted.
#[derive(Debug)]
pub(crate) struct Edge {
    /// Below which path everything lies; empty, or with a leading slash and none at the end.
    pub(crate) prefix: String,
    /// The routes that are not there.
    pub(crate) without: Vec<RouteGroup>,
    /// What paths that are told to clients start with.
    pub(crate) link_prefix: String,
    /// Who may read.
    pub(crate) read_access: ReadAccess,
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
        let document =
            || openapi::document(endpoints::routes(&self.without), &self.server, &self.link_prefix, self.read_access);
        self.openapi.get_or_init(|| document().to_string().into()).clone()
    }

    /// Nothing has the path that was asked for.
    pub(crate) fn no_such_path(&self) -> Failure {
        let described = if self.without.contains(&RouteGroup::Documentation) {
            String::new()
        } else {
            format!("; the API is described at {}/api/docs", self.link_prefix)
        };
        Failure::new(ErrorCode::NotFound, format!("There is nothing at this address{described}"))
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
