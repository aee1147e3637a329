use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderValue, Response, StatusCode, header};
use http_body::Body;
use pin_project_lite::pin_project;

pin_project! {
    /// The future of [`Head`](super::Head).
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        is_head: bool,
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, is_head: bool) -> Self {
        Self { inner, is_head }
    }
}

impl<F, R, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body + Default,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(this.inner.poll(cx))?;
        if *this.is_head {
            let has_body = !matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
            if let Some(len) = response.body().size_hint().exact().filter(|_| has_body) {
                response.headers_mut().entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(len));
            }
            *response.body_mut() = R::default();
        }
        Poll::Ready(Ok(response))
    }
}
