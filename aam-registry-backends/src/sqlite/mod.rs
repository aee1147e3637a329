//! Every metadata port on SQLite: no other service, one file.
//!
//! WAL journal, one thread that writes and commits what waits together, a few
//! that read, and one more that searches. Commands in other processes may use
//! the same file at the same time.

mod access;
mod accounts;
mod archive_index;
mod audit;
mod changes;
mod changes_feed;
mod config;
mod connection;
mod downloads;
mod failure;
mod listing;
mod owners;
mod packages;
#[cfg(test)]
mod plans;
mod publishing;
mod readers;
mod schema;
mod scopes;
mod search;
mod sql;
mod store;
mod tags;
mod tokens;
mod users;
mod versions;
mod writer;

pub use changes_feed::SqliteChanges;
pub use config::SqliteConfig;
pub use schema::{migrate, oldest_release, pending_migrations};
pub use store::SqliteMetadata;
