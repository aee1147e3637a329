//! Archives in a folder.

mod files;
mod store;
mod writer;

pub use store::FolderArchives;
