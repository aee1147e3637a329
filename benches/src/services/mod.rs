//! What the registry itself stands on beyond a folder, started for a row and
//! ended with it.

mod object_server;
mod object_store;
mod postgres;

pub(crate) use object_server::{ObjectServer, serve};
pub(crate) use object_store::ObjectStore;
pub(crate) use postgres::Postgres;
