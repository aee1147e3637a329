//! Values of `Cache-Control`.

use http::HeaderValue;

/// Any cache may keep the answer, and has to revalidate it before each use.
pub(crate) const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=0, must-revalidate");
/// Only the client's own cache may keep the answer, and has to revalidate it before each use.
pub(crate) const PRIVATE: HeaderValue = HeaderValue::from_static("private, max-age=0, must-revalidate");
/// No cache may keep the answer.
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
