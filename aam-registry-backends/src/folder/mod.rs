//! Archives in a folder.

mod blocking;
mod files;
mod store;
mod writer;

pub use store::FolderArchives;
