//! Finished answers to reads of packages, cached in the process.

mod cache;
mod document;

pub(crate) use cache::DocumentCache;
pub(crate) use document::{COMPRESSED_FROM, Document};
