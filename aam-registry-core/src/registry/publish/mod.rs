//! Publishing: begin → upload → commit.
//!
//! [`Registry::begin_publish`](super::Registry::begin_publish) records an
//! upload with a lease and an archive key of its own. [`Publish::write`]
//! streams the bytes to that key while a blocking task hashes and judges
//! them. [`Publish::finish`] makes the bytes durable and then commits the
//! version in one transaction. What fails or is dropped before that leaves
//! nothing visible; its bytes go with the next sweep after its lease.

mod begin;
mod finish;
mod judging;
mod lease;
mod receipt;
mod upload;
mod warnings;

pub(super) use lease::LEASE;
pub use receipt::{PublishOptions, PublishReceipt};
pub use upload::Publish;
