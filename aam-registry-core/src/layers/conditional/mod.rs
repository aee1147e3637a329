//! Conditional reads of representations with an entity tag.

mod future;
mod layer;
mod service;

pub use layer::ConditionalLayer;
pub use service::Conditional;
