//! The AAM registry as a library: the domain, its ports, its use cases and a tower service for them.
//!
//! A host builds a [`registry::Registry`] from adapters of the traits in [`ports`], wraps it in
//! [`http::RegistryService`] and mounts that anywhere a tower service of HTTP requests can be mounted.
//!
//! # Features
//!
//! - `password-strength` (default): refuses new passwords that are easy to guess, not only short ones.
//! - `brotli`, `zstd` (default): these content codings in addition to gzip. `zstd` needs a C compiler.
//! - `testing`: the conformance suites that an adapter of a port runs.

#![forbid(unsafe_code)]

pub mod archive;
pub mod decide;
pub mod decorate;
pub mod error;
pub mod http;
pub mod jobs;
pub mod memory;
pub mod ports;
pub mod registry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;

pub use error::{Error, ErrorCode, Result};
