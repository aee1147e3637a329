use tower::Layer;

use super::RequestSpan;

/// Runs the inner service in a span `request` with the `request_id`, the client's address as
/// `client_ip`, and the authenticated user as `user_id` and `user`, so that the events of use cases
/// have these fields too.
///
/// Place it inside of layers that answer cached requests: a span costs more than such an answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestSpanLayer;

impl<S> Layer<S> for RequestSpanLayer {
    type Service = RequestSpan<S>;

    fn layer(&self, inner: S) -> RequestSpan<S> {
        RequestSpan { inner }
    }
}
