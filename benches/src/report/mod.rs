//! Prints and saves the results.

mod outcome;
mod picture;
mod table;
mod whole;

pub(crate) use outcome::Outcome;
pub(crate) use whole::Report;
