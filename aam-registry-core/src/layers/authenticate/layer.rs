use tower::Layer;

use super::Authenticate;
use crate::registry::Registry;

/// Reads `Authorization: Bearer …` and gives the request its
/// [`Principal`](crate::types::Principal) as an extension.
///
/// A request without that header passes as anonymous; one with a bad
/// credential is refused with 401, also where none was needed. The answer
/// carries the [`Caller`](crate::http::Caller).
#[derive(Clone, Debug)]
pub struct AuthenticateLayer {
    registry: Registry,
}

impl AuthenticateLayer {
    /// Authenticates against `registry`.
    pub fn new(registry: Registry) -> Self {
        Self { registry }
    }
}

impl<S> Layer<S> for AuthenticateLayer {
    type Service = Authenticate<S>;

    fn layer(&self, inner: S) -> Authenticate<S> {
        Authenticate { inner, registry: self.registry.clone() }
    }
}
