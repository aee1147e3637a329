use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response, header};
use tower::Service;
use tracing::Instrument;

use super::future::ResponseFuture;
use crate::{error::ErrorCode, http::Failure, layers::request_span, registry::Registry};

/// The service of [`AuthenticateLayer`](super::AuthenticateLayer).
#[derive(Clone, Debug)]
pub struct Authenticate<S> {
    pub(super) inner: S,
    pub(super) registry: Registry,
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
        match bearer(request.headers()) {
            Ok(None) => ResponseFuture::anonymous(self.inner.call(request)),
            Err(failure) => ResponseFuture::refused(failure),
            Ok(Some(bearer)) => {
                let (registry, bearer) = (self.registry.clone(), bearer.to_owned());
                let span = request_span(request.extensions());
                let checking = Box::pin(async move { registry.authenticate(&bearer).await }.instrument(span));
                // The clone stays behind: the service that was polled ready is the one to call.
                let clone = self.inner.clone();
                ResponseFuture::checking(checking, std::mem::replace(&mut self.inner, clone), request)
            }
        }
    }
}

/// The bearer credential of a request (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Failure> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bearer = value.to_str().ok().and_then(|value| value.split_once(' ')).and_then(|(scheme, token)| {
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    });
    match (bearer, values.next()) {
        (Some(bearer), None) => Ok(Some(bearer)),
        _ => Err(Failure::new(
            ErrorCode::Unauthorized,
            "The `Authorization` header must be `Bearer` and an API token or the access token of a login",
        )),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&'static str]) -> Result<Option<String>, ErrorCode> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        bearer(&headers).map(|bearer| bearer.map(str::to_owned)).map_err(|failure| failure.code())
    }

    #[test]
    fn only_one_bearer_counts() {
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["Bearer abc"]), Ok(Some("abc".to_owned())));
        assert_eq!(read(&["bearer  abc "]), Ok(Some("abc".to_owned())));
        for bad in [&["Basic abc"][..], &["Bearer"], &["Bearer "], &[""], &["Bearer a", "Bearer b"]] {
            assert_eq!(read(bad), Err(ErrorCode::Unauthorized), "{bad:?}");
        }
    }
}
