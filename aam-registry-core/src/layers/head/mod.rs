//! `HEAD` for services that know `GET`.

mod future;
mod layer;
mod service;

pub use layer::HeadLayer;
pub use service::Head;
