//! The AAM registry as a library: the domain, its ports, its use cases and a
//! tower service over them.
//!
//! A host builds a [`registry::Registry`] from adapters of the traits in
//! [`ports`], wraps it in [`http::RegistryService`] and mounts that wherever a
//! tower service of HTTP requests fits.
//!
//! # Features
//!
//! - `password-strength` (default): new passwords that are easy to guess are
//!   refused, not just short ones.
//! - `brotli`, `zstd` (default): answers in these codings, beside gzip. The
//!   second needs a C compiler.
//! - `testing`: the conformance suites that an adapter of a port runs.

#![forbid(unsafe_code)]

pub mod archive;
pub mod decide;
pub mod decorate;
pub mod error;
pub mod http;
pub mod layers;
pub mod memory;
pub mod ports;
pub mod registry;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod types;

pub use error::{Error, ErrorCode, Result};
