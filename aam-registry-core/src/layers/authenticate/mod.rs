//! Identifies who makes a request.

mod bearer;
mod first_recognizing;
mod future;
mod layer;
mod service;

pub use bearer::BearerAuthenticator;
pub(crate) use first_recognizing::FirstRecognizing;
pub use layer::AuthenticateLayer;
pub use service::Authenticate;
