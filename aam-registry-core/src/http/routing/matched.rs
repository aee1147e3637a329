use std::sync::Arc;

use super::{PathParams, Route, entry::Entry};
use crate::{
    http::{Failure, metrics::RouteMeter},
    ports::RateClass,
    types::PackageName,
};

/// The route that matched a request's path and method; an extension of the request.
#[derive(Clone, Debug)]
pub struct MatchedRoute {
    pub(super) entry: Arc<Entry>,
    pub(super) route: Option<&'static Route>,
    pub(super) params: PathParams,
}

impl MatchedRoute {
    /// The [`pattern`](Self::pattern) if no route has the path.
    pub const UNMATCHED: &str = "unmatched";

    /// The pattern of the path, such as `/api/v1/packages/{package}`.
    pub fn pattern(&self) -> &'static str {
        self.entry.pattern
    }

    /// The rate limit class of the request.
    pub fn rate_class(&self) -> Option<RateClass> {
        self.route.and_then(|route| route.class)
    }

    /// The operation; `None` if the path does not support the method.
    pub(crate) fn route(&self) -> Option<&'static Route> {
        self.route
    }

    /// The methods that the path supports.
    pub(crate) fn allow(&self) -> &str {
        &self.entry.allow
    }

    /// The counters of the path's pattern.
    pub(crate) fn meter(&self) -> &Arc<RouteMeter> {
        &self.entry.meter
    }

    /// The package in `path`, which is the request's path without the prefix. A malformed name counts
    /// as the name of a package that does not exist.
    pub(crate) fn package(&self, path: &str) -> Result<PackageName, Failure> {
        self.params.package(path)
    }

    /// The values of the parameters.
    pub(crate) fn into_params(self) -> PathParams {
        self.params
    }
}
