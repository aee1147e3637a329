//! Answers `HEAD` for services that support `GET`.

mod future;
mod layer;
mod service;

pub use layer::HeadLayer;
pub use service::Head;
