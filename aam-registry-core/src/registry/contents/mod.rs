//! Reading inside the archives of published versions, on blocking threads of
//! a bounded number.

mod diff;
mod file;
mod reader;
mod spool;
mod unpacking;

pub use file::{FileContent, ListedFile};
pub(super) use reader::ArchiveReader;
pub(super) use unpacking::Unpacking;
