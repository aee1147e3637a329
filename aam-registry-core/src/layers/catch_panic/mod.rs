//! Makes a failure of a panic.
//!
//! `tower_http::catch_panic` does the same for services that answer with any
//! body, at the price of boxing every body; this one hands on a
//! [`Failure`](crate::http::Failure) and leaves bodies alone.

mod future;
mod layer;
mod service;

pub use layer::CatchPanicLayer;
pub use service::CatchPanic;
