//! Limits how often a client may do what.

mod future;
mod headers;
mod layer;
mod service;

pub use layer::{LimitBy, RateLimitLayer};
pub use service::RateLimit;
