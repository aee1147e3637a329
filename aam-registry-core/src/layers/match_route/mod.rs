//! Finds the route of a request.

mod layer;
mod service;

pub use layer::MatchRouteLayer;
pub use service::MatchRoute;
