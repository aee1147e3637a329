use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Response, StatusCode, header};
use pin_project_lite::pin_project;

use crate::http::entity_tag;

pin_project! {
    /// The future of [`Conditional`](super::Conditional).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        conditions: HeaderMap,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, conditions: HeaderMap) -> Self {
        Self { inner, conditions }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Default,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if response.status() != StatusCode::OK {
            return Poll::Ready(Ok(response));
        }
        suffix_by_coding(response.headers_mut());
        let etag = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok());
        if etag.is_some_and(|etag| entity_tag::none_match_names(this.conditions, etag)) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            for gone in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                response.headers_mut().remove(gone);
            }
            *response.body_mut() = R::default();
        }
        Poll::Ready(Ok(response))
    }
}

fn suffix_by_coding(headers: &mut HeaderMap) {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(etag), Some(coding)) = (text(header::ETAG), text(header::CONTENT_ENCODING)) else { return };
    if let Some(etag) = entity_tag::with_coding(etag, coding) {
        headers.insert(header::ETAG, etag);
    }
}
