//! Rate limits in this process, with the generic cell rate algorithm of
//! [governor](https://docs.rs/governor).
//!
//! Needs the feature `governor`.

mod clients;
mod limiter;

pub use limiter::GovernorLimiter;

pub use crate::RateLimits;
