use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::{error::ErrorCode, http::Failure, types::PackageName};

/// The most parameters of a path: the scope and name of a package, a version, and the path of a file.
pub(super) const MAX_PARAMS: usize = 4;

/// The parameters of a path that a route matched.
#[derive(Clone, Debug)]
pub(crate) struct PathParams {
    /// The names, in order; the rest is empty.
    pub(super) names: [&'static str; MAX_PARAMS],
    /// Where the values are in the path, in the same order.
    pub(super) spans: [(usize, usize); MAX_PARAMS],
    /// The path that was matched, if it differs from the request's.
    pub(super) path: Option<Box<str>>,
}

impl PathParams {
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
        let index = self.names.iter().position(|param| *param == name)?;
        let (start, end) = self.spans[index];
        let raw = self.path.as_deref().unwrap_or(path).get(start..end)?;
        percent_decode_str(raw).decode_utf8().ok()
    }
}
