use tower::Layer;

use super::AnswerFailures;

/// Answers every [`Failure`](crate::http::Failure) with the JSON body of the
/// contract's section 2, and logs the cause of those that are the registry's fault.
///
/// The request's [`RequestId`](tower_http::request_id::RequestId) goes into
/// the body, so whatever sets it belongs outside this layer.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnswerFailuresLayer;

impl<S> Layer<S> for AnswerFailuresLayer {
    type Service = AnswerFailures<S>;

    fn layer(&self, inner: S) -> AnswerFailures<S> {
        AnswerFailures { inner }
    }
}
