//! Finds out what a request's path and method mean.

mod layer;
mod service;

pub use layer::MatchRouteLayer;
pub use service::MatchRoute;
