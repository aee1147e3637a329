//! An S3 server for tests: `s3s` and `s3s-fs` with additions.

mod buckets;
mod server;

pub use buckets::Buckets;
pub use server::{S3Server, serve_s3};
