use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tower::Service;

use super::future::ResponseFuture;
use crate::http::{RequestContext, random_id};

pub(super) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_LEN: usize = 128;

/// The service of [`RequestIdLayer`](super::RequestIdLayer).
#[derive(Clone, Debug)]
pub struct SetRequestId<S> {
    pub(super) inner: S,
}

impl<S, B, R> Service<Request<B>> for SetRequestId<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let id = given(request.headers()).unwrap_or_else(random_id);
        RequestContext::of_mut(request.extensions_mut()).set_id(id.clone());
        ResponseFuture::new(self.inner.call(request), id)
    }
}

/// The id in the request, unless it is not suitable for logs and JSON or occurs twice.
fn given(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut values = headers.get_all(X_REQUEST_ID).iter();
    match (values.next(), values.next()) {
        (Some(value), None) if is_fit(value.as_bytes()) => Some(value.clone()),
        _ => None,
    }
}

fn is_fit(id: &[u8]) -> bool {
    (1..=MAX_LEN).contains(&id.len()) && id.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:/+=".contains(b))
}
