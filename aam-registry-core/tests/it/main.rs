//! The tests of the core crate through its public face.

mod archive;
mod cached;
mod http;
mod memory;
mod registry;
mod tiered;
