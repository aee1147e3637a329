use async_trait::async_trait;
use http::{Extensions, HeaderMap, HeaderValue, header, request::Parts};

use crate::{
    error::{Error, Result},
    http::RequestContext,
    ports::Authenticator,
    registry::Registry,
    types::Principal,
};

/// The registry's own [`Authenticator`]: reads `Authorization: Bearer …`, which
/// is an API token or the access token of a login.
#[derive(Clone, Debug)]
pub struct BearerAuthenticator {
    registry: Registry,
}

impl BearerAuthenticator {
    /// Authenticates against `registry`.
    pub fn new(registry: Registry) -> Self {
        Self { registry }
    }
}

#[async_trait]
impl Authenticator for BearerAuthenticator {
    /// The `Authorization` header with any scheme: a scheme other than `Bearer` is refused instead of
    /// ignored.
    fn credential<'r>(&self, headers: &'r HeaderMap, _: &'r Extensions) -> Option<&'r [u8]> {
        headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes)
    }

    async fn authenticate(&self, request: &Parts) -> Result<Principal> {
        let client = RequestContext::of(&request.extensions).and_then(RequestContext::client);
        let bearer = bearer(&request.headers)?;
        let principal = self.registry.authenticate_from(client.map(|client| client.0), bearer).await?;
        self.registry.notice_use(&principal, client);
        Ok(principal)
    }
}

/// The bearer credential of a request (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Result<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let bearer = values.next().and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
    let bearer = bearer.and_then(|(scheme, token)| {
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    });
    match (bearer, values.next()) {
        (Some(bearer), None) => Ok(bearer),
        _ => Err(Error::Unauthorized(
            "The `Authorization` header must be `Bearer` and an API token or the access token of a login".to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    fn read(values: &[&'static str]) -> Result<String, ErrorCode> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        bearer(&headers).map(str::to_owned).map_err(|error| error.code())
    }

    #[test]
    fn only_one_bearer_counts() {
        assert_eq!(read(&["Bearer abc"]), Ok("abc".to_owned()));
        assert_eq!(read(&["bearer  abc "]), Ok("abc".to_owned()));
        for bad in [&["Basic abc"][..], &["Bearer"], &["Bearer "], &[""], &["Bearer a", "Bearer b"], &[]] {
            assert_eq!(read(bad), Err(ErrorCode::Unauthorized), "{bad:?}");
        }
    }
}
