//! Tools for whole-system tests: server processes on their own ports, their stores, proxies between
//! them that can fail, a simple HTTP client, and packages to publish.
//!
//! [`Server::start`] runs `aam-registry` in an empty folder. `AAM_REGISTRY_BIN` names the binary; if it
//! is not set, the tests have cargo build that of this workspace, in the tests' own profile. The same holds for
//! `AAM_BIN` and the client, [`Machine`].

#![expect(clippy::missing_panics_doc, reason = "a test fails by panicking")]

mod api;
mod balancer;
mod binary;
mod checkout;
mod command;
mod eventually;
mod issuer;
mod machine;
mod packages;
pub mod postgres;
mod process;
mod proxy;
mod redis;
mod report;
mod s3;
mod server;
mod settings;
mod shifted_clock;
mod stores;

pub use api::{Answer, Api};
pub use balancer::Balancer;
pub use binary::client_binary;
pub use command::Ran;
pub use eventually::{PATIENCE, eventually};
pub use issuer::{Issuer, IssuerKey};
pub use machine::Machine;
pub use packages::{Package, fixture};
pub use proxy::{Link, Proxy};
pub use redis::Redis;
pub use report::report;
pub use s3::{Buckets, S3Server, serve_s3};
pub use server::{Server, Stopped};
pub use settings::Settings;
pub use shifted_clock::ShiftedClock;
pub use stores::{JWT_SECRET, Stores, production, replicas};
