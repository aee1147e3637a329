use std::{borrow::Cow, sync::Arc};

use percent_encoding::percent_decode_str;

use super::{Route, matcher::Entry};
use crate::{
    error::ErrorCode,
    http::{Failure, metrics::RouteMeter},
    ports::RateClass,
    types::PackageName,
};

/// The route that matched a request's path and method; an extension of the request.
#[derive(Clone, Debug)]
pub struct MatchedRoute {
    pub(super) entry: Arc<Entry>,
    pub(super) route: Option<&'static Route>,
    /// The path that was matched, if it differs from the request's.
    pub(super) path: Option<Box<str>>,
    /// Where the values of the parameters are in the path, in order.
    pub(super) spans: [(usize, usize); MAX_PARAMS],
}

/// The scope and name of a package, a version, and the path of a file.
pub(super) const MAX_PARAMS: usize = 4;

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
        let text = match (self.param(path, "scope"), self.param(path, "name")) {
            (Some(scope), Some(name)) => Cow::Owned(format!("@{scope}/{name}")),
            (None, Some(name)) => name,
            _ => Cow::Borrowed(""),
        };
        text.parse().map_err(|_| {
            let shown: String = text.chars().take(140).collect();
            Failure::new(ErrorCode::PackageNotFound, format!("Package {shown} does not exist"))
        })
    }

    /// The value of a parameter in `path`, which is the request's path without the prefix; `None` if it
    /// is not UTF-8.
    pub(crate) fn param<'a>(&'a self, path: &'a str, name: &str) -> Option<Cow<'a, str>> {
        let index = self.entry.params.iter().position(|param| *param == name)?;
        let (start, end) = self.spans[index];
        let raw = self.path.as_deref().unwrap_or(path).get(start..end)?;
        percent_decode_str(raw).decode_utf8().ok()
    }
}
