//! Every metadata port on PostgreSQL 13 or newer, for any number of replicas.
//!
//! Needs the feature `postgres`.
//!
//! # Transactions
//!
//! Reads see one snapshot: one statement, or a `REPEATABLE READ READ ONLY`
//! transaction of statements that are sent at once. Changes are `READ
//! COMMITTED` with explicit row locks, taken in this order:
//!
//! 1. users: whoever acts, `FOR SHARE`; one who is changed, or a session of whom
//!    is revoked, `FOR NO KEY UPDATE`, which waits for what they have under way.
//!    Where one administrator less may be left, all of them before, by id;
//! 2. the token they act with, `FOR SHARE`; to revoke one, `FOR NO KEY UPDATE`,
//!    it and the one they act with, by id; to revoke those of all users takes the
//!    table instead, and waits for those who make one;
//! 3. the scope, `FOR SHARE` to rely on a membership of it, `FOR NO KEY UPDATE`
//!    to change one, or a webhook of the scope;
//! 4. the package, `FOR NO KEY UPDATE`: changes of one package wait for one
//!    another, those of two packages do not. To fold downloads into totals
//!    takes no other lock before those of some packages, by id;
//! 5. the upload that becomes a version; abandoning passes over those that are
//!    locked, and locks nothing else;
//! 6. downloads that were counted and not folded yet, by version. To count some
//!    takes no other lock.
//!
//! Queued jobs are leased with `SKIP LOCKED`, by a statement that takes no other
//! lock. Other statements on jobs lock rows of that table alone, but for changes of
//! a webhook, which lock its deliveries last. How a delivery ended is noted under
//! the lock of the webhook alone.
//!
//! Trusted publishers are changed under the lock of their package, and locked after
//! it by whoever publishes with a token of one. To swap an ID token locks the
//! publishers that may match, and nothing else.
//!
//! Versions, tags and listings are changed under the lock of their package, or
//! in the transaction that makes it, and are not locked themselves.
//!
//! A right, a credential or an upload that is lost before the commit is lost
//! for the commit. What two make at once under one name (a package, a user, a
//! scope) ends in a unique violation for the second, whose whole transaction
//! then starts again and finds what the first made.
//!
//! # Failures
//!
//! A unique violation, a serialization failure, a deadlock and a connection
//! lost before its commit was sent are met by starting again, a bounded number
//! of times. Where the connection is lost with the commit on its way, the
//! outcome is unknown and the caller has to look. While the schema is behind,
//! or the server away, every call fails, and heals by itself.
//!
//! # Poolers
//!
//! A session pooler may stand in between. A transaction pooler must not: it
//! breaks `LISTEN`, by which replicas hear of changes, settings of sessions and
//! prepared statements. Where one is found, every call fails.
//!
//! # Clocks
//!
//! Leases go by the clock of the server. How far that of this machine is from
//! it is measured, and [`PostgresMetadata::clock`] corrects it by that.

mod accounts;
mod admission;
mod aged;
mod apply;
mod archive_index;
mod attempts;
mod audit;
mod changes_feed;
mod clock;
mod commands;
mod config;
mod connection;
mod downloads;
mod erasure;
mod evals;
mod facts;
mod failure;
mod identity;
mod ids;
mod jobs;
mod listing;
mod maintenance;
mod moderation;
mod moderation_writes;
mod old_versions;
mod packages;
mod pool;
mod pooler;
mod publish;
mod publisher_tokens;
mod publishing;
mod read_only;
mod rows;
mod schema;
mod scopes;
mod search;
mod search_index;
mod second_factor_writes;
mod second_factors;
mod session_writes;
mod sessions;
mod sql;
mod standing;
mod store;
mod target;
mod tls;
mod token_notices;
mod tokens;
mod totals;
mod transaction;
mod trusted_publishers;
mod users;
mod versions;

pub use changes_feed::PostgresChanges;
pub use clock::PostgresClock;
pub use config::PostgresConfig;
pub use maintenance::{check, stats, vacuum};
pub use rows::{begin_restore, read_rows, require_empty, restore_rows};
pub use schema::{has_registry, migrate, migration_names, oldest_release, pending_migrations};
pub use store::PostgresMetadata;
pub use target::InvalidPostgresUrl;
