use std::{borrow::Cow, sync::Arc};

use percent_encoding::percent_decode_str;

use super::{Route, matcher::Entry};
use crate::{
    error::ErrorCode,
    http::{Failure, metrics::RouteMeter},
    ports::RateClass,
    types::PackageName,
};

/// What a request's path and method were found to mean; an extension of the request.
#[derive(Clone, Debug)]
pub struct MatchedRoute {
    pub(super) entry: Arc<Entry>,
    pub(super) route: Option<&'static Route>,
    /// The path as it was matched, where that is not the request's own.
    pub(super) path: Option<Box<str>>,
    /// Where the values of the parameters lie in the path, in their order.
    pub(super) spans: [(usize, usize); MAX_PARAMS],
}

/// A package's scope and name, its version, and a path of files.
pub(super) const MAX_PARAMS: usize = 4;

impl MatchedRoute {
    /// What [`pattern`](Self::pattern) is called where no route has the path.
    pub const UNMATCHED: &str = "unmatched";

    /// The pattern of the path, such as `/api/v1/packages/{package}`.
    pub fn pattern(&self) -> &'static str {
        self.entry.pattern
    }

    /// The class the request is limited in.
    pub fn rate_class(&self) -> Option<RateClass> {
        self.route.and_then(|route| route.class)
    }

    /// The operation; `None` where the path has none of that method.
    pub(crate) fn route(&self) -> Option<&'static Route> {
        self.route
    }

    /// The methods the path answers.
    pub(crate) fn allow(&self) -> &str {
        &self.entry.allow
    }

    /// What counts the requests of the path's pattern.
    pub(crate) fn meter(&self) -> &Arc<RouteMeter> {
        &self.entry.meter
    }

    /// The package that `path` names, which is the request's path below the
    /// prefix. A malformed name is the name of no package.
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

    /// The value of a parameter out of `path`, which is the request's path
    /// below the prefix; `None` where it is not UTF-8.
    pub(crate) fn param<'a>(&'a self, path: &'a str, name: &str) -> Option<Cow<'a, str>> {
        let index = self.entry.params.iter().position(|param| *param == name)?;
        let (start, end) = self.spans[index];
        let raw = self.path.as_deref().unwrap_or(path).get(start..end)?;
        percent_decode_str(raw).decode_utf8().ok()
    }
}
