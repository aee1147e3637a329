//! Adds the fields of a request to the log events of its processing.

mod layer;
mod service;

pub use layer::RequestSpanLayer;
pub use service::RequestSpan;
pub(crate) use service::request_span;
