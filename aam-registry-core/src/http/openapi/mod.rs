//! The OpenAPI 3.1 document, generated from the route table and the wire types.

mod document;
mod errors;
mod operation;
mod parameters;
mod schemas;

pub(crate) use document::document;
