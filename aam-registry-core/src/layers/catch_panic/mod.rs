//! Converts panics to failures.
//!
//! `tower_http::catch_panic` does the same for services with any response body, but has to box every
//! body. This layer returns a [`Failure`](crate::http::Failure) instead, and does not touch bodies.

mod future;
mod layer;
mod service;

pub use layer::CatchPanicLayer;
pub use service::CatchPanic;
