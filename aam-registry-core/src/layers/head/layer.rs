use tower::Layer;

use super::Head;

/// Takes the body off answers to `HEAD`, after saying its length where that is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadLayer;

impl<S> Layer<S> for HeadLayer {
    type Service = Head<S>;

    fn layer(&self, inner: S) -> Head<S> {
        Head { inner }
    }
}
