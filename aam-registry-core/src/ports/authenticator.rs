use std::fmt::Debug;

use async_trait::async_trait;
use http::{Extensions, HeaderMap, request::Parts};

use crate::{error::Result, types::Principal};

/// Tells who makes a request, from its head.
///
/// [`BearerAuthenticator`](crate::layers::BearerAuthenticator) is the
/// registry's own. A host with logins of its own brings another one and puts
/// it [before](crate::http::RegistryServiceBuilder::authenticate_first) that or
/// [in its place](crate::http::RegistryServiceBuilder::authenticator).
///
/// What it gives is believed: it is the only thing that stands between a
/// request and the rights of its [`Principal`]. The user must be one of the
/// registry's: see [`Principal::of_host`].
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
    /// The credential of a request, as it was sent; `None` where the request
    /// carries none that this authenticator judges, which is anonymous unless
    /// another one recognizes it.
    ///
    /// Asked several times for each request, so it looks and does not judge:
    /// it reads no database and verifies no signature. By these bytes alone a
    /// credential that was found good is told from one that still costs its
    /// address something, so they hold all that
    /// [`authenticate`](Self::authenticate) goes by; empty where there is
    /// nothing such.
    fn credential<'r>(&self, headers: &'r HeaderMap, extensions: &'r Extensions) -> Option<&'r [u8]>;

    /// Who makes the request, which has a [`credential`](Self::credential).
    ///
    /// # Errors
    /// [`Error::Unauthorized`](crate::Error::Unauthorized) where the credential
    /// is bad: the request is refused, and never taken for an anonymous one.
    /// Any other error where it could not be judged.
    async fn authenticate(&self, request: &Parts) -> Result<Principal>;
}
