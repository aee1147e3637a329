//! Answers reads of packages with cached documents.

mod document;
mod layer;
mod service;

pub(crate) use document::COMPRESSED_FROM;
pub(crate) use layer::KeepDocumentsLayer;
