//! Rate limits in this process, by the generic cell rate algorithm of
//! [governor](https://docs.rs/governor).

mod clients;
mod config;
mod limiter;

pub use config::RateLimits;
pub use limiter::GovernorLimiter;
