//! Installing: which versions, their archives, and their place in the project.

mod change;
mod differences;
mod fetch;
mod packages;
mod platforms;
mod select;

pub(crate) use change::{Change, Report, change, recalled, take_back_interrupted, tell_interrupted, told_of};
pub(crate) use differences::differences;
pub(crate) use fetch::look_into;
pub(crate) use platforms::choose as choose_platforms;
pub(crate) use select::{Free, Wanted, select};
