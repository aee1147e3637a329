//! Limits how many requests a client may make.

mod future;
mod headers;
mod layer;
mod proven;
mod service;
mod take_request;
mod taken;

pub(crate) use headers::refuse_over_limit;
pub use layer::RateLimitLayer;
pub use service::RateLimit;
pub(crate) use take_request::{give_back, take_request};
