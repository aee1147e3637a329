//! Answers reads of packages with documents that were made before.

mod document;
mod layer;
mod service;

pub(crate) use document::COMPRESSED_FROM;
pub(crate) use layer::KeepDocumentsLayer;
