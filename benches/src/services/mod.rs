//! Services that the registry uses, started for a row and stopped with it.

mod object_server;
mod object_store;
mod postgres;

pub(crate) use object_server::{ObjectServer, serve};
pub(crate) use object_store::ObjectStore;
pub(crate) use postgres::Postgres;
