use tower::Layer;

use super::CatchPanic;

/// Turns a panic inside into an internal [`Failure`](crate::http::Failure).
#[derive(Clone, Copy, Debug, Default)]
pub struct CatchPanicLayer;

impl<S> Layer<S> for CatchPanicLayer {
    type Service = CatchPanic<S>;

    fn layer(&self, inner: S) -> CatchPanic<S> {
        CatchPanic { inner }
    }
}
