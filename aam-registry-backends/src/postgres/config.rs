use std::{sync::Arc, time::Duration};

use aam_registry_core::ports::{Clock, SystemClock};
use tokio_postgres::config::TargetSessionAttrs;

use super::target::{InvalidPostgresUrl, Target};

/// Where a PostgreSQL database is and how it is used.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    pub(super) primary: Target,
    pub(super) replica: Option<Target>,
    pub(super) pool_size: u32,
    pub(super) acquire_timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) statement_timeout: Duration,
    pub(super) lock_timeout: Duration,
    pub(super) idle_in_transaction_timeout: Duration,
    pub(super) application_name: String,
    pub(super) auto_migrate: bool,
    pub(super) clock: Arc<dyn Clock>,
}

impl PostgresConfig {
    /// The database at `url`, which begins with `postgres://`, `postgresql://`
    /// or `postgresql+asyncpg://`: with up to ten connections, five seconds to
    /// wait for a free one, to connect and to wait for a lock, thirty for a
    /// statement and in an idle transaction, and no migrations on opening.
    ///
    /// The URL's `sslmode` is `disable`, `prefer` (the default: encrypted where
    /// the server offers it, which proves nothing of who answers) or `require`:
    /// encrypted, with a certificate for the host's name that one of the roots
    /// in the PEM file `sslrootcert` vouches for, or one of the operating
    /// system's. `verify-ca` and `verify-full` mean `require`.
    ///
    /// Of several hosts, `postgres://user@one,two/name`, the first that takes
    /// changes is used, unless `target_session_attrs` says otherwise.
    ///
    /// # Errors
    /// [`InvalidPostgresUrl`] where it is no such URL.
    pub fn new(url: &str) -> Result<Self, InvalidPostgresUrl> {
        Ok(Self {
            primary: Target::parse(url, TargetSessionAttrs::ReadWrite)?,
            replica: None,
            pool_size: 10,
            acquire_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
            lock_timeout: Duration::from_secs(5),
            idle_in_transaction_timeout: Duration::from_secs(30),
            application_name: "aam-registry".to_owned(),
            auto_migrate: false,
            clock: Arc::new(SystemClock),
        })
    }

    /// Sets a read replica for searches, totals and download statistics, which
    /// may lag behind. While it is away or its schema is behind, they are read
    /// from the primary. Of several hosts the first that answers is used.
    ///
    /// # Errors
    /// [`InvalidPostgresUrl`] where it is no such URL.
    pub fn with_replica(mut self, url: &str) -> Result<Self, InvalidPostgresUrl> {
        self.replica = Some(Target::parse(url, TargetSessionAttrs::Any)?);
        Ok(self)
    }

    /// Sets how many connections there are at most, to each server; at least
    /// 1. The change feed has one more of its own.
    #[must_use]
    pub fn with_pool_size(mut self, connections: u32) -> Self {
        self.pool_size = connections.max(1);
        self
    }

    /// Sets how long a call waits for a connection while all are in use.
    #[must_use]
    pub fn with_acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// Sets how long connecting may take, login included: to all hosts
    /// together. A `connect_timeout` in the URL, in seconds for each host, comes
    /// before it.
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets how long a statement may take, in whole milliseconds. Where a server
    /// is silent for two seconds longer, the call fails and all connections to
    /// it are made anew; with zero it is waited for without an end. Migrations
    /// have half an hour.
    #[must_use]
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Sets how long a statement waits for a lock, in whole milliseconds.
    #[must_use]
    pub fn with_lock_timeout(mut self, timeout: Duration) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// Sets how long a transaction may lie idle before the server ends it, in
    /// whole milliseconds.
    #[must_use]
    pub fn with_idle_in_transaction_timeout(mut self, timeout: Duration) -> Self {
        self.idle_in_transaction_timeout = timeout;
        self
    }

    /// Sets the clock of this machine, which is held against the server's; for tests.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets what the server's views and logs call the connections.
    #[must_use]
    pub fn with_application_name(mut self, name: impl Into<String>) -> Self {
        self.application_name = name.into();
        self
    }

    /// Sets whether opening brings the schema up to date; where the server is
    /// away then, the first call that reaches it does.
    #[must_use]
    pub fn with_auto_migrate(mut self, auto_migrate: bool) -> Self {
        self.auto_migrate = auto_migrate;
        self
    }
}
