//! Limits how often a client may do what.

mod future;
mod headers;
mod layer;
mod service;
mod take_request;

pub(crate) use headers::refuse_over_limit;
pub use layer::{LimitBy, RateLimitLayer};
pub use service::RateLimit;
pub(crate) use take_request::take_request;
