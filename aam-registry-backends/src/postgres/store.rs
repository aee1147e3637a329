use std::{future::Future, sync::Arc, time::Duration};

use aam_registry_core::{Error, Result, error::Outcome};
use tokio::{sync::Mutex, time::Instant};

use super::{
    PostgresChanges, PostgresClock, PostgresConfig,
    admission::{Admission, Rows},
    attempts::Attempts,
    clock::Skew,
    connection::{Connector, Session},
    failure::{Failure, Fault, FaultKind, Tx},
    identity::ServerIdentity,
    pool::{Lease, Pool},
    schema,
    search_index::SearchIndexes,
    standing::Standing,
};
use crate::relational::timing::{timed, waited};

/// The name of this database in traces.
const SYSTEM: &str = "postgresql";

/// How long a replica that failed is left alone.
const REPLICA_REST: Duration = Duration::from_secs(5);

/// Every metadata port on one PostgreSQL database, which other processes may
/// use at the same time.
///
/// What another process changes is seen by the next read, unless that is of a
/// replica, which may lag behind. Searches keep an index of what is listed,
/// about half a kilobyte a package, that the first one makes; twice that while
/// it is made anew.
///
/// Clones share all of it.
#[derive(Clone, Debug)]
pub struct PostgresMetadata {
    config: PostgresConfig,
    primary: Arc<Server>,
    replica: Option<Arc<Replica>>,
    admission: Arc<Admission>,
    skew: Arc<Skew>,
    changes: PostgresChanges,
    pub(super) searches: Arc<SearchIndexes>,
    /// Held by the call that brings the schema up to date.
    migrating: Arc<Mutex<()>>,
}

/// A server, and what was found out of it.
#[derive(Debug)]
struct Server {
    pool: Pool,
    standing: Standing,
}

/// A server that may lag behind, and until when it is left alone.
#[derive(Debug)]
struct Replica {
    server: Server,
    resting: std::sync::Mutex<Option<Instant>>,
}

impl Server {
    fn new(config: &PostgresConfig, connector: Connector, skew: Option<Arc<Skew>>) -> Self {
        let standing = Standing::new(connector.clone(), skew);
        Self { pool: Pool::new(connector, config.pool_size, config.acquire_timeout), standing }
    }

    /// A connection to a database that this release can work on.
    async fn get(&self) -> Tx<Lease> {
        let lease = self.pool.get().await?;
        self.standing.require(&lease).await?;
        Ok(lease)
    }
}

impl PostgresMetadata {
    /// Makes a database ready for use and, where configured, brings its schema
    /// up to date. Connections are made when they are needed.
    ///
    /// A server that is away is no error here, nor is a schema that is behind:
    /// every call then fails until the server is there, or something has
    /// brought the schema up to date.
    ///
    /// # Errors
    /// [`DatabaseUnavailable`](aam_registry_core::ErrorCode::DatabaseUnavailable)
    /// where the root certificates cannot be read or a migration fails.
    pub async fn open(config: PostgresConfig) -> Result<Self> {
        let connector = |target| {
            Connector::new(&config, target).map_err(|reason| Error::database(reason, false, Outcome::NotApplied))
        };
        super::attempts::begin_at_zero();
        let primary = connector(&config.primary)?;
        let replica = config.replica.as_ref().map(connector).transpose()?;
        let replica = replica.map(|connector| {
            Arc::new(Replica { server: Server::new(&config, connector, None), resting: std::sync::Mutex::default() })
        });
        let changes = PostgresChanges::new(primary.clone());
        let skew = Arc::new(Skew::new(Arc::clone(&config.clock)));
        let primary = Arc::new(Server::new(&config, primary, Some(Arc::clone(&skew))));
        let admission = Arc::new(Admission::new(config.pool_size, config.acquire_timeout));
        let (searches, migrating) = (Arc::default(), Arc::default());
        let opened = Self { config, primary, replica, admission, skew, changes, searches, migrating };
        if opened.config.auto_migrate
            && let Err(error) = schema::migrate(&opened.config).await
            && !is_away(&error)
        {
            return Err(error);
        }
        Ok(opened)
    }

    /// The feed of changes, those of other processes included.
    pub fn changes(&self) -> PostgresChanges {
        self.changes.clone()
    }

    /// The clock of the database, for a registry to use, so that all replicas agree on when a session
    /// or a token ends.
    pub fn clock(&self) -> PostgresClock {
        PostgresClock::new(Arc::clone(&self.skew))
    }

    /// Runs `change`, which locks `rows`, as one durable transaction.
    pub(super) async fn change<T, F, Fut>(&self, rows: Rows, change: F) -> Result<T>
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync,
        Fut: Future<Output = Tx<T>> + Send,
        T: Send,
    {
        timed::<F, _>(SYSTEM, async {
            let _admitted = waited("change", self.admission.admit(rows.clone())).await?;
            self.write_now(change).await.map_err(|error| told_of(error, &rows))
        })
        .await
    }

    /// Runs `change`, which waits for no lock that a request may hold for long, as one durable transaction.
    pub(super) async fn write<T, F, Fut>(&self, change: F) -> Result<T>
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync,
        Fut: Future<Output = Tx<T>> + Send,
        T: Send,
    {
        timed::<F, _>(SYSTEM, self.write_now(change)).await
    }

    async fn write_now<T, F, Fut>(&self, change: F) -> Result<T>
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync,
        Fut: Future<Output = Tx<T>> + Send,
        T: Send,
    {
        let mut attempts = Attempts::default();
        loop {
            let (failure, outcome) = match self.try_write(&change).await {
                Ok(value) => return Ok(value),
                Err(failed) => failed,
            };
            attempts.again(failure, outcome).await?;
        }
    }

    async fn try_write<T, F, Fut>(&self, change: &F) -> Result<T, (Failure, Outcome)>
    where
        F: Fn(Arc<Session>) -> Fut,
        Fut: Future<Output = Tx<T>>,
    {
        let not_applied = |failure| (failure, Outcome::NotApplied);
        let lease = self.connection().await.map_err(not_applied)?;
        let open = Open::begin(&lease, "BEGIN");
        match change(Arc::clone(&lease)).await {
            Ok(value) => open.commit().await.map(|()| value),
            Err(failure) => {
                open.end("ROLLBACK");
                Err(not_applied(failure))
            }
        }
    }

    /// Runs `change`, a single statement that does no harm when it runs twice.
    pub(super) async fn repeatable<T, F, Fut>(&self, change: F) -> Result<T>
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync,
        Fut: Future<Output = Tx<T>> + Send,
        T: Send,
    {
        timed::<F, _>(SYSTEM, self.repeat_now(change)).await
    }

    async fn repeat_now<T, F, Fut>(&self, change: F) -> Result<T>
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync,
        Fut: Future<Output = Tx<T>> + Send,
        T: Send,
    {
        let mut attempts = Attempts::default();
        loop {
            let lease = match self.connection().await {
                Ok(lease) => lease,
                Err(failure) => {
                    attempts.again(failure, Outcome::NotApplied).await?;
                    continue;
                }
            };
            match change(Arc::clone(&lease)).await {
                Ok(value) => return Ok(value),
                Err(failure) => attempts.repeat(failure).await?,
            }
        }
    }

    /// Runs `read`, a single query.
    pub(super) async fn read<T, F, Fut>(&self, read: F) -> Result<T>
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync,
        Fut: Future<Output = Tx<T>> + Send,
        T: Send,
    {
        timed::<F, _>(SYSTEM, self.read_now(read)).await
    }

    async fn read_now<T, F, Fut>(&self, read: F) -> Result<T>
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync,
        Fut: Future<Output = Tx<T>> + Send,
        T: Send,
    {
        let mut attempts = Attempts::default();
        loop {
            let failure = match self.connection().await {
                Ok(lease) => {
                    let awaited = Awaited { session: &lease, ended: false };
                    let value = read(Arc::clone(&lease)).await;
                    awaited.end();
                    match value {
                        Ok(value) => return Ok(value),
                        Err(failure) => failure,
                    }
                }
                Err(failure) => failure,
            };
            attempts.again(failure, Outcome::NotApplied).await?;
        }
    }

    /// Runs `read` at one instant of the database.
    pub(super) async fn snapshot<T, F, Fut>(&self, read: F) -> Result<T>
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync,
        Fut: Future<Output = Tx<T>> + Send,
        T: Send,
    {
        timed::<F, _>(SYSTEM, self.read_now(|tx| at_one_instant(tx, &read))).await
    }

    /// Runs `read` at one instant of the replica, where there is one; else, or where it fails, of the primary.
    pub(super) async fn lagging<T, F, Fut>(&self, read: F) -> Result<T>
    where
        F: Fn(Arc<Session>) -> Fut + Send + Sync,
        Fut: Future<Output = Tx<T>> + Send,
        T: Send,
    {
        timed::<F, _>(SYSTEM, async {
            if let Some(replica) = self.replica.as_ref().filter(|replica| !replica.is_resting()) {
                match replica.read(&read).await {
                    Ok(value) => return Ok(value),
                    Err(Failure::Refused(refusal)) if !matches!(refusal, Error::Backend(_)) => return Err(refusal),
                    Err(failure) => replica.rest(&failure.into_error(Outcome::NotApplied)),
                }
            }
            self.read_now(|tx| at_one_instant(tx, &read)).await
        })
        .await
    }

    async fn connection(&self) -> Tx<Lease> {
        let lease = self.current_connection().await?;
        if !lease.is_identified() {
            let server = ServerIdentity::at_end_of(&lease).await?;
            lease.set_identified();
            self.changes.note_server(&server);
        }
        Ok(lease)
    }

    async fn current_connection(&self) -> Tx<Lease> {
        let behind = match self.primary.get().await {
            Err(Failure::Refused(behind)) if self.config.auto_migrate && !behind.is_unfit() => behind,
            got => return got,
        };
        let _alone = self.migrating.lock().await;
        if !self.primary.standing.is_accepted() {
            tracing::info!(event = "database_behind", error = %behind, "the schema is brought up to date");
            schema::migrate(&self.config).await?;
        }
        self.primary.get().await
    }
}

impl Replica {
    async fn read<T, F, Fut>(&self, read: &F) -> Tx<T>
    where
        F: Fn(Arc<Session>) -> Fut,
        Fut: Future<Output = Tx<T>>,
    {
        let lease = self.server.get().await?;
        at_one_instant(Arc::clone(&lease), read).await
    }

    fn is_resting(&self) -> bool {
        let until = *self.resting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        until.is_some_and(|until| until > Instant::now())
    }

    fn rest(&self, error: &Error) {
        tracing::warn!(
            event = "database_replica_failed",
            error = error as &dyn std::error::Error,
            "the read replica failed; the primary is read instead",
        );
        *self.resting.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(Instant::now() + REPLICA_REST);
    }
}

async fn at_one_instant<T, F, Fut>(tx: Arc<Session>, read: &F) -> Tx<T>
where
    F: Fn(Arc<Session>) -> Fut,
    Fut: Future<Output = Tx<T>>,
{
    let open = Open::begin(&tx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    let value = read(Arc::clone(&tx)).await;
    open.end("COMMIT");
    value
}

/// Says of a lock that was not to be had what it is of.
fn told_of(error: Error, rows: &Rows) -> Error {
    let locked = |cause: &Fault| cause.kind == FaultKind::Locked;
    match &error {
        // What may have been applied by an attempt before is not told as refused.
        Error::Backend(backend)
            if backend.outcome == Outcome::NotApplied && backend.source.downcast_ref().is_some_and(locked) =>
        {
            tracing::warn!(event = "database_locked", error = &error as &dyn std::error::Error, "a change got no lock");
            rows.contended()
        }
        _ => error,
    }
}

fn is_away(error: &Error) -> bool {
    matches!(error, Error::Backend(backend) if backend.retry && backend.outcome == Outcome::NotApplied)
}

/// A query whose answer is waited for. Dropped before, it ends on the server, too.
struct Awaited<'a> {
    session: &'a Session,
    ended: bool,
}

impl Awaited<'_> {
    fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for Awaited<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.session.abandon();
        }
    }
}

/// A transaction that was begun. Dropped, as where nobody waits for its end
/// any more, it takes its connection with it: the server ends the statement
/// that is under way, unless that is the commit, and rolls it back.
struct Open<'a> {
    session: &'a Session,
    stage: Stage,
}

enum Stage {
    Begun,
    Committing,
    Ended,
}

impl<'a> Open<'a> {
    /// Begins a transaction, without waiting for the server to say so.
    fn begin(session: &'a Session, begin: &str) -> Self {
        session.send(begin);
        Self { session, stage: Stage::Begun }
    }

    /// Commits; tells what is known of the changes where that fails.
    async fn commit(mut self) -> Result<(), (Failure, Outcome)> {
        self.stage = Stage::Committing;
        let committed = self.session.command("COMMIT").await;
        self.stage = Stage::Ended;
        committed.map_err(|failure| match failure.fault() {
            // An error that left the connection alive is the server's word that nothing was kept.
            Some(_) if self.session.is_usable() => (failure, Outcome::NotApplied),
            _ => (failure, Outcome::Unknown),
        })
    }

    /// Ends a transaction that changed nothing or shall change nothing, without waiting for the server.
    fn end(mut self, end: &str) {
        self.session.send(end);
        self.stage = Stage::Ended;
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        match self.stage {
            Stage::Begun => self.session.abandon(),
            Stage::Committing => self.session.give_up(),
            Stage::Ended => {}
        }
    }
}
