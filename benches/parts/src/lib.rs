//! The registry in one process and in memory, to measure its code without kernel, network and disk.

mod archive;
mod in_process;

pub use archive::archive;
pub use in_process::{Answered, InProcess};
