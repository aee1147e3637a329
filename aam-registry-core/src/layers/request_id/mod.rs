//! Gives every request an id, and every answer the id of its request.

mod future;
mod layer;
mod service;

pub use layer::RequestIdLayer;
pub use service::SetRequestId;
