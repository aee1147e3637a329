//! Limits how often a client may do what.

mod future;
mod headers;
mod layer;
mod service;

pub(crate) use headers::refuse_over_limit;
pub use layer::{LimitBy, RateLimitLayer};
pub use service::RateLimit;
