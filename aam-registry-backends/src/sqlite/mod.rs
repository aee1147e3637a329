//! Every metadata port on SQLite: no other service, one file.
//!
//! Needs the feature `sqlite`.
//!
//! WAL journal, one thread that writes and commits what waits together, a few
//! that read, as many that read what may be large, one more that searches, and one that checkpoints. Commands in
//! other processes may use the same file at the same time.

mod accounts;
mod aged;
mod apply;
mod archive_index;
mod audit;
mod backup;
mod changes_feed;
mod check;
mod checkpoints;
mod commands;
mod config;
mod connection;
mod downloads;
mod erasure;
mod evals;
mod facts;
mod failure;
mod file;
mod ids;
mod jobs;
mod listing;
mod maintenance;
mod moderation;
mod moderation_writes;
mod old_versions;
mod packages;
#[cfg(test)]
mod plans;
mod probe;
mod publisher_tokens;
mod publishing;
mod read_only;
mod readers;
mod rows;
mod schema;
mod scopes;
mod search;
mod second_factor_writes;
mod second_factors;
mod session_writes;
mod sessions;
mod sql;
mod store;
mod token_notices;
mod tokens;
mod transaction;
mod trusted_publishers;
mod users;
mod versions;
mod writer;

pub use backup::{SqliteBackup, back_up};
pub use changes_feed::SqliteChanges;
pub use config::SqliteConfig;
pub use maintenance::{check, stats, vacuum};
pub use rows::{begin_restore, read_rows, require_empty, restore_rows};
pub use schema::{has_registry, migrate, migration_names, oldest_release, pending_migrations};
pub use store::SqliteMetadata;
