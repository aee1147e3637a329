//! The registry within one process, all in memory: what its code costs apart
//! from kernel, network and disk.

mod archive;
mod in_process;

pub use archive::archive;
pub use in_process::{Answered, InProcess};
