//! Counts and logs every request.

mod future;
mod layer;
mod service;

pub use layer::ObserveLayer;
pub use service::Observe;
