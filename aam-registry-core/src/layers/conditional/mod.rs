//! Conditional reads of representations that carry an entity tag.

mod future;
mod layer;
mod service;

pub use layer::ConditionalLayer;
pub use service::Conditional;
