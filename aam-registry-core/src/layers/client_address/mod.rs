//! Determines the client's address.

mod layer;
mod policy;
mod service;

pub use layer::ClientAddressLayer;
pub use policy::{ClientAddress, ClientIpPolicy};
pub use service::ClientAddressService;
