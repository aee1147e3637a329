//! Reading inside the archives of published versions, on blocking threads of
//! a bounded number.

mod diff;
mod file;
mod reader;
mod writer;

pub use file::FileContent;
pub(super) use reader::ArchiveReader;
