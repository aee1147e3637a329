//! What whole-system tests need: real server processes on ports of their own,
//! the stores they run on, what stands between them and can fail, a plain HTTP
//! client, and packages to publish.
//!
//! [`Server::start`] runs `aam-registry` on an empty folder. Which binary that
//! is says `AAM_REGISTRY_BIN`; where it is not set, the tests ask cargo to
//! build the one of this workspace, in the profile they were built in.

#![expect(clippy::missing_panics_doc, reason = "a test fails by panicking")]

mod api;
mod balancer;
mod binary;
mod command;
mod eventually;
mod packages;
pub mod postgres;
mod process;
mod proxy;
mod redis;
mod report;
mod s3;
mod server;
mod settings;
mod stores;

pub use api::{Answer, Api};
pub use balancer::Balancer;
pub use command::Ran;
pub use eventually::{PATIENCE, eventually};
pub use packages::{Package, fixture};
pub use proxy::{Link, Proxy};
pub use redis::Redis;
pub use report::report;
pub use s3::{Buckets, S3Server, serve_s3};
pub use server::{Server, Stopped};
pub use settings::Settings;
pub use stores::{Stores, production, replicas};
