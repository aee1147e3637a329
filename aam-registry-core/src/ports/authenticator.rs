use std::fmt::Debug;

use async_trait::async_trait;
use http::{Extensions, HeaderMap, request::Parts};

use crate::{error::Result, types::Principal};

/// Identifies who makes a request, from its head.
///
/// [`BearerAuthenticator`](crate::http::BearerAuthenticator) is the registry's own. A host with its
/// own logins implements another one and has it asked
/// [before](crate::http::RegistryServiceBuilder::authenticate_first) that, or
/// [instead](crate::http::RegistryServiceBuilder::authenticator).
///
/// The registry trusts the result: nothing else checks whether a request may use the rights of its
/// [`Principal`]. The user must be one of the registry's: see [`Principal::of_host`].
///
/// ```
/// use std::collections::HashMap;
///
/// use aam_registry_core::{
///     Error, Result,
///     ports::Authenticator,
///     types::{Principal, User},
/// };
/// use async_trait::async_trait;
/// use http::{Extensions, HeaderMap, HeaderValue, header, request::Parts};
///
/// /// Reads the host's session cookie.
/// #[derive(Debug)]
/// struct HostSessions {
///     by_cookie: HashMap<HeaderValue, User>,
/// }
///
/// #[async_trait]
/// impl Authenticator for HostSessions {
///     fn credential<'r>(&self, headers: &'r HeaderMap, _: &'r Extensions) -> Option<&'r [u8]> {
///         headers.get(header::COOKIE).map(HeaderValue::as_bytes)
///     }
///
///     async fn authenticate(&self, request: &Parts) -> Result<Principal> {
///         let user = request.headers.get(header::COOKIE).and_then(|cookie| self.by_cookie.get(cookie));
///         let user = user.ok_or_else(|| Error::Unauthorized("Your session has ended; log in again".to_owned()))?;
///         Ok(Principal::of_host(user))
///     }
/// }
/// ```
#[async_trait]
pub trait Authenticator: Debug + Send + Sync + 'static {
    /// The credential of a request, as it was sent; `None` if the request has no credential of this
    /// authenticator's kind. Unless another authenticator recognizes the request, it is then anonymous.
    ///
    /// Called several times for each request, so it only reads the headers: it queries no database and
    /// verifies no signature. The registry uses these bytes to remember valid credentials, for which
    /// requests are not rate limited, so they have to contain everything on which
    /// [`authenticate`](Self::authenticate) decides; empty if there are no such bytes.
    fn credential<'r>(&self, headers: &'r HeaderMap, extensions: &'r Extensions) -> Option<&'r [u8]>;

    /// The caller of the request, which has a [`credential`](Self::credential).
    ///
    /// # Errors
    /// [`Error::Unauthorized`](crate::Error::Unauthorized) if the credential is not valid: the request
    /// is refused, and never treated as anonymous. Any other error if the credential could not be
    /// checked.
    async fn authenticate(&self, request: &Parts) -> Result<Principal>;
}
