//! What whole-system tests need: a real server process on a port of its own,
//! a plain HTTP client, and packages to publish.
//!
//! [`Server::start`] runs `aam-registry` on an empty folder. Which binary that
//! is says `AAM_REGISTRY_BIN`; where it is not set, the tests ask cargo to
//! build the one of this workspace, in the profile they were built in.

#![expect(clippy::missing_panics_doc, reason = "a test fails by panicking")]

mod api;
mod binary;
mod packages;
mod s3;
mod server;

pub use api::{Answer, Api};
pub use packages::{Package, fixture};
pub use s3::{Buckets, S3Server, serve_s3};
pub use server::{Server, Stopped};
