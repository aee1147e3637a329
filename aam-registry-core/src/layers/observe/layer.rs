use std::sync::Arc;

use tower::Layer;

use super::Observe;
use crate::http::{MatchedRoute, metrics::RouteMeter};

/// Counts every request in `aam_requests_total` and `aam_request_duration_seconds`, and logs it in one
/// line (`event=request`). Durations end with the head of the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct ObserveLayer;

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        let unmatched = Arc::new(RouteMeter::new(MatchedRoute::UNMATCHED));
        Observe { inner, unmatched }
    }
}
