//! Tells from which address a request comes.

mod layer;
mod policy;
mod service;

pub use layer::ClientAddressLayer;
pub use policy::{ClientAddress, ClientIpPolicy};
pub use service::ClientAddressService;
