//! Lets what happens for a request tell of which.

mod layer;
mod service;

pub use layer::RequestSpanLayer;
pub use service::RequestSpan;
pub(crate) use service::request_span;
