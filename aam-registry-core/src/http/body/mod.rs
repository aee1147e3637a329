//! Request and response bodies.

mod file;
mod request;
mod response;
mod stall;

pub use request::RequestBody;
pub(crate) use request::content_length;
pub use response::RegistryBody;
pub(crate) use stall::Stalled;
