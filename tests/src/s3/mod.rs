//! An S3 server to test against: `s3s` and `s3s-fs`, with what they lack.

mod buckets;
mod server;

pub use buckets::Buckets;
pub use server::{S3Server, serve_s3};
