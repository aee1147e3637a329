use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::Body;
use tower::{Service, util::BoxCloneSyncService};

use super::body::{RegistryBody, RequestBody};

/// The type of a whole stack.
pub(super) type Stack = BoxCloneSyncService<Request<RequestBody>, Response<RegistryBody>, Infallible>;

/// The registry as a tower service of HTTP requests: routing, limits, authentication, endpoints. It
/// answers every request.
///
/// It accepts any body of bytes, and can be mounted wherever such a service can: in hyper, axum or
/// tonic, at the root or below a prefix. The host adds the client's address to each request as a
/// [`PeerAddr`](super::PeerAddr) extension.
///
/// ```
/// use aam_registry_core::{http::RegistryService, memory, registry::Registry};
/// use bytes::Bytes;
/// use http::Request;
/// use http_body_util::{BodyExt, Empty};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::builder()
///     .database(memory::MemoryMetadata::new())
///     .archives(memory::MemoryArchives::new())
///     .rate_limiter(memory::MemoryLimiter::unlimited())
///     .passwords(memory::InsecurePasswords)
///     .sessions(memory::MemorySessions::new())
///     .build()?;
/// let service = RegistryService::new(registry);
/// let response = service.oneshot(Request::get("/api/v1/packages").body(Empty::<Bytes>::new())?).await?;
/// assert_eq!(response.status(), 200);
/// let body = response.into_body().collect().await?.to_bytes();
/// assert_eq!(&body[..], br#"{"packages":[],"total":0,"page":1,"pages":0}"#);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RegistryService {
    stack: Stack,
    body_timeout: Duration,
}

impl RegistryService {
    pub(super) fn of(stack: Stack, body_timeout: Duration) -> Self {
        Self { stack, body_timeout }
    }
}

impl<B> Service<Request<B>> for RegistryService
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<RegistryBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.stack.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        ResponseFuture(self.stack.call(RequestBody::erase(request, self.body_timeout)))
    }
}

/// The future of [`RegistryService`].
pub struct ResponseFuture(BoxFuture<'static, Result<Response<RegistryBody>, Infallible>>);

impl Future for ResponseFuture {
    type Output = Result<Response<RegistryBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseFuture(..)")
    }
}
