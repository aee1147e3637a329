//! Archives in a folder.
//!
//! Needs the feature `folder`.

mod files;
mod store;
mod writer;

pub use store::FolderArchives;
