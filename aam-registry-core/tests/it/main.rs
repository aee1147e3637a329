//! Tests of the core crate through its public API.

mod archive;
mod cached;
mod http;
mod imports;
mod marker_traits;
mod memory;
mod messages;
mod registry;
mod sources;
mod tiered;
