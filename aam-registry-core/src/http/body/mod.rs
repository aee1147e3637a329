//! Request and response bodies.

mod file;
mod request;
mod response;
mod stall;

pub(crate) use request::{RequestBody, content_length};
pub use response::RegistryBody;
pub(crate) use stall::Stalled;
