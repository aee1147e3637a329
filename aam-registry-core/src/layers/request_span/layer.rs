use tower::Layer;

use super::RequestSpan;

/// Has what happens inside happen in a span `request` that carries the
/// `request_id`, the client's address as `client_ip`, and who is
/// authenticated as `user_id` and `user`, so that the events of the use cases
/// have them too.
///
/// Belongs inside whatever answers at once: a span costs more than that.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestSpanLayer;

impl<S> Layer<S> for RequestSpanLayer {
    type Service = RequestSpan<S>;

    fn layer(&self, inner: S) -> RequestSpan<S> {
        RequestSpan { inner }
    }
}
