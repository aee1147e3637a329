//! Publishing: begin → upload → commit.
//!
//! [`Registry::begin_publish`](super::Registry::begin_publish) records an
//! upload with a lease and an archive key of its own. [`Publish::write`]
//! hashes the bytes and streams them to that key while a blocking task judges
//! them; a small archive is judged when all of it has come.
//! [`Publish::finish`] makes the bytes durable and then commits the version in
//! one transaction. What the commit refuses is deleted; what else fails or is
//! dropped before that leaves nothing visible, and its bytes go with the next
//! sweep after its lease.

mod begin;
mod crowd;
mod finish;
mod judging;
mod lease;
mod receipt;
mod upload;
mod warnings;
mod work;

pub(super) use crowd::UploadCrowd;
pub(super) use lease::LEASE;
pub use receipt::{PublishOptions, PublishReceipt};
pub use upload::Publish;
