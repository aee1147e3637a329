use std::sync::Arc;

use super::{Route, params::MAX_PARAMS};
use crate::http::metrics::RouteMeter;

/// All routes with one path pattern.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) pattern: &'static str,
    /// The names of the parameters of the spelling that matched, in order; the rest is empty.
    pub(super) params: [&'static str; MAX_PARAMS],
    pub(super) routes: Vec<&'static Route>,
    pub(super) allow: String,
    pub(super) meter: Arc<RouteMeter>,
}
