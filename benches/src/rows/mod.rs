//! The rows of the table: what is measured, and the contenders.

mod binary;
mod catalog;
mod contest;
mod documents;
mod downloads;
mod growth;
mod memory;
mod object_store;
mod publish;
mod publish_large;
mod search;
mod start;
mod transports;

pub(crate) use catalog::{ALL, Spec};
