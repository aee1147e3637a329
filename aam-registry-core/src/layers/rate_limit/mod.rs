//! Limits how often a client may do what.

mod future;
mod headers;
mod key;
mod layer;
mod service;
mod take_request;

pub(crate) use headers::refuse_over_limit;
pub(crate) use key::LimitKey;
pub use layer::{LimitBy, RateLimitLayer};
pub use service::RateLimit;
pub(crate) use take_request::take_request;
