//! All rows of a database in a portable form, for backups and restores.

mod catalogue;
mod read;
mod restore;
mod session;
mod text_format;

pub use read::read_rows;
pub use restore::{begin_restore, require_empty, restore_rows};
