//! Archives in a folder.
//!
//! Needs the feature `folder`.

mod blocking;
mod files;
mod store;
mod writer;

pub use store::FolderArchives;
