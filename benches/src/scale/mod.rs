//! Large registries: packages, versions and all that belongs to them, generated from a seed and written
//! directly into a database.
//!
//! Registries of the same size are identical. The server migrates the database first; then the rows are
//! written that the server would have written if everything had been published to it.

mod archives;
mod dataset;
mod document;
mod fill;
mod postgres;
mod prepared;
mod queries;
mod random;
mod releases;
mod size;
mod sqlite;
mod tables;
mod value;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use dataset::{Dataset, SAMPLE};
pub(crate) use fill::{Fill, fill};
pub(crate) use prepared::{on_postgres, on_sqlite};
pub(crate) use queries::Queries;
pub(crate) use size::Size;
