//! A project that packages are installed in.

mod layout;
mod lock_file;
mod lock_merge;
mod state;

pub(crate) use layout::Project;
pub(crate) use lock_file::{LockFile, LockedPackage};
pub(crate) use state::{State, StateFile, Unfinished, Unpacked};
