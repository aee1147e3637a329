//! What was measured, to read and to keep.

mod outcome;
mod picture;
mod report;
mod table;

pub(crate) use outcome::Outcome;
pub(crate) use report::Report;
