//! How the registry identifies who makes a request: the implementations of
//! [`Authenticator`](crate::ports::Authenticator) that it brings along.

mod bearer;
mod first_recognizing;

pub use bearer::BearerAuthenticator;
pub(crate) use first_recognizing::FirstRecognizing;
