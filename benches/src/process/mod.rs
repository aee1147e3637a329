//! Starts and stops servers as processes, and measures what they use.

mod limits;
mod running;
mod usage;

pub(crate) use limits::{open_files, raise_open_files};
pub(crate) use running::{Running, free_port, is_root};
pub(crate) use usage::{Memory, cpu_time, memory};
