//! Registries as large as they get: packages, versions and all that belongs
//! to them, made from a seed and written straight into a database.
//!
//! A registry of the same size is the same registry every time. The database
//! has been migrated by the server before; what is written is what the server
//! would have written had everything been published to it.

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
