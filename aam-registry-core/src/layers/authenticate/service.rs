use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower::Service;
use tracing::Instrument;

use super::future::ResponseFuture;
use crate::{http::Failure, layers::request_span, ports::Authenticator};

/// The service of [`AuthenticateLayer`](super::AuthenticateLayer).
#[derive(Clone, Debug)]
pub struct Authenticate<S> {
    pub(super) inner: S,
    pub(super) authenticator: Arc<dyn Authenticator>,
}

impl<S, B, R> Service<Request<B>> for Authenticate<S>
where
    S: Service<Request<B>, Response = Response<R>, Error = Failure> + Clone,
{
    type Response = Response<R>;
    type Error = Failure;
    type Future = ResponseFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if self.authenticator.credential(request.headers(), request.extensions()).is_none() {
            return ResponseFuture::anonymous(self.inner.call(request));
        }
        let span = request_span(request.extensions());
        let authenticator = Arc::clone(&self.authenticator);
        let (head, body) = request.into_parts();
        let checking = async move {
            let principal = authenticator.authenticate(&head).await?;
            Ok((head, principal))
        };
        // Call the service that was polled ready, and keep the clone.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        ResponseFuture::checking(Box::pin(checking.instrument(span)), inner, body)
    }
}
