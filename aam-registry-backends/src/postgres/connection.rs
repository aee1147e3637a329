//! One connection to the server and its prepared statements.

use std::{
    collections::HashMap,
    fmt,
    future::{Future, poll_fn},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use aam_registry_core::ports::SPANS;
use bb8_postgres::{PostgresConnectionManager, bb8::ManageConnection};
use futures_util::FutureExt;
use tokio::{runtime::Handle, sync::mpsc, time};
use tokio_postgres::{
    AsyncMessage, Client, Config, Row, Statement,
    types::{ToSql, Type},
};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::{Instrument, Span};

use super::{
    PostgresConfig,
    failure::{Failure, Fault, FaultKind, Tx},
};

/// More than there are different statements.
const STATEMENTS: usize = 256;

/// How much longer than a statement may take an answer is waited for.
const MARGIN: Duration = Duration::from_secs(2);

/// How long the server has to take the word that a statement is wanted no more.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

/// The parameters of a statement. An array of references, so that those of
/// several statements that are joined live long enough.
pub(super) type Params<'a, const N: usize> = [&'a (dyn ToSql + Sync); N];

/// A process of the server, by its id and when it was started.
pub(super) type Process = (i32, i64);

/// What a server tells unasked, until the connection ends.
pub(super) type Messages = mpsc::UnboundedReceiver<Result<AsyncMessage, tokio_postgres::Error>>;

/// How connections are made.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
    /// Makes the connections of a pool.
    manager: PostgresConnectionManager<MakeRustlsConnect>,
    connect_timeout: Duration,
    patience: Option<Duration>,
    settings: String,
    /// How often a server was found silent on one of the connections.
    silences: Arc<AtomicU64>,
}

impl Connector {
    /// Connects to what `target` names, as `config` says.
    pub(super) fn new(config: &PostgresConfig, target: &super::target::Target) -> Result<Self, String> {
        let mut server = target.config.clone();
        if server.get_application_name().is_none() {
            server.application_name(&config.application_name);
        }
        let (each, connect_timeout) = target.connect_timeouts(config.connect_timeout);
        server.connect_timeout(each);
        let statement = config.statement_timeout;
        let tls = super::tls::connector(target)?;
        Ok(Self {
            manager: PostgresConnectionManager::new(server.clone(), tls.clone()),
            tls,
            config: server,
            connect_timeout,
            silences: Arc::default(),
            patience: (!statement.is_zero()).then(|| statement + MARGIN),
            settings: settings(&[
                ("statement_timeout", &statement.as_millis().to_string()),
                ("lock_timeout", &config.lock_timeout.as_millis().to_string()),
                ("idle_in_transaction_session_timeout", &config.idle_in_transaction_timeout.as_millis().to_string()),
                ("default_transaction_isolation", "'read committed'"),
                ("client_min_messages", "warning"),
                // Plans of some milliseconds gain nothing from a compiler or from more processes.
                ("jit", "off"),
                ("max_parallel_workers_per_gather", "0"),
                // What is asked for often lies in memory, and the rest on flash: where the server
                // reckons with a disk that seeks, it reads whole tables in place of an index.
                ("random_page_cost", "1.1"),
            ]),
        })
    }

    /// A connection that hears what the server tells unasked.
    pub(super) async fn listener(&self) -> Result<(Client, Messages), Fault> {
        let connecting = async { self.config.connect(self.tls.clone()).await.map_err(not_connected) };
        let (client, mut connection) = within(self.connect_timeout, connecting).await?;
        let (told, messages) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                let ended = message.is_err();
                if told.send(message).is_err() || ended {
                    return;
                }
            }
        });
        Ok((client, messages))
    }

    /// A connection, set up.
    pub(super) async fn connect(&self) -> Result<Session, Fault> {
        let silences = Silences { noted: self.silences.load(Ordering::Acquire), all: Arc::clone(&self.silences) };
        let connecting = async {
            let client = self.manager.connect().await.map_err(not_connected)?;
            client.batch_execute(&self.settings).await.map_err(not_connected)?;
            Ok(Session::new(client, self.tls.clone(), self.patience, silences))
        };
        within(self.connect_timeout, connecting).await
    }
}

async fn within<T>(patience: Duration, connecting: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    time::timeout(patience, connecting).await.unwrap_or_else(|_| {
        Err(Fault::new(FaultKind::Busy, format!("no connection within {} ms", patience.as_millis())))
    })
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

/// What sets up a session, in one message. Poolers pass this on, other than start-up parameters.
pub(super) fn settings(values: &[(&str, &str)]) -> String {
    values.iter().map(|(name, value)| format!("SET {name} = {value}")).collect::<Vec<_>>().join("; ")
}

/// Whatever keeps from connecting may be over when the caller tries again.
fn not_connected(error: tokio_postgres::Error) -> Fault {
    Fault::from(error).passing()
}

/// A statement that a session has prepared.
#[derive(Clone)]
pub(super) struct Prepared {
    statement: Statement,
    sql: &'static str,
}

impl Prepared {
    /// The span of one run. The text holds no values, which are parameters.
    fn span(&self) -> Span {
        tracing::trace_span!(
            target: SPANS,
            "sql",
            otel.name = self.sql.split_whitespace().next(),
            otel.kind = "client",
            db.system.name = "postgresql",
            db.query.text = self.sql,
        )
    }
}

/// How often the server was found silent, in all and when a connection was made.
struct Silences {
    all: Arc<AtomicU64>,
    noted: u64,
}

impl Silences {
    /// Counts a silence, unless one was found since the connection was made:
    /// what was made after that is not to suffer from the same one.
    fn note(&self) {
        let _ = self.all.compare_exchange(self.noted, self.noted + 1, Ordering::AcqRel, Ordering::Relaxed);
    }

    fn is_more(&self) -> bool {
        self.all.load(Ordering::Acquire) != self.noted
    }
}

/// A connection that one call at a time uses.
///
/// Requests are sent in the order in which their futures are first polled, so
/// that prepared ones that are joined cross the network together.
pub(super) struct Session {
    client: Client,
    /// Encrypts the connection by which a statement is cancelled.
    tls: MakeRustlsConnect,
    statements: Mutex<HashMap<&'static str, Prepared>>,
    patience: Option<Duration>,
    lost: AtomicBool,
    silences: Silences,
    /// Whether it was asked which server is at the other end.
    identified: AtomicBool,
    /// The process of the server that answered first.
    process: OnceLock<Process>,
}

impl Session {
    fn new(client: Client, tls: MakeRustlsConnect, patience: Option<Duration>, silences: Silences) -> Self {
        Self {
            client,
            tls,
            statements: Mutex::default(),
            patience,
            lost: AtomicBool::new(false),
            silences,
            identified: AtomicBool::new(false),
            process: OnceLock::new(),
        }
    }

    /// The connection itself.
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// The process of the server that answered first, once that was asked.
    pub(super) fn process(&self) -> Option<Process> {
        self.process.get().copied()
    }

    /// Whether this is the process that answered first; notes it where none did.
    pub(super) fn is_of(&self, process: Process) -> bool {
        *self.process.get_or_init(|| process) == process
    }

    /// Whether the connection may be used again.
    pub(super) fn is_usable(&self) -> bool {
        !self.lost.load(Ordering::Acquire) && !self.client.is_closed()
    }

    /// Whether the server was found silent since the connection was made: on
    /// this one it may be silent, too.
    pub(super) fn is_suspect(&self) -> bool {
        self.silences.is_more()
    }

    /// Whether it was asked which server is at the other end.
    pub(super) fn is_identified(&self) -> bool {
        self.identified.load(Ordering::Acquire)
    }

    /// Notes that it was.
    pub(super) fn set_identified(&self) {
        self.identified.store(true, Ordering::Release);
    }

    /// Keeps the connection from being used again.
    pub(super) fn give_up(&self) {
        self.lost.store(true, Ordering::Release);
    }

    /// Keeps the connection from being used again, and ends the statement that
    /// is under way for nobody: the server would run it to its end, and wait
    /// for locks, though the connection is gone.
    pub(super) fn abandon(&self) {
        if self.lost.swap(true, Ordering::AcqRel) || self.client.is_closed() {
            return;
        }
        // Where the runtime ends, so does the process, and the server has to find out by itself.
        let Ok(runtime) = Handle::try_current() else { return };
        let (statement, tls) = (self.client.cancel_token(), self.tls.clone());
        runtime.spawn(async move {
            match time::timeout(CANCEL_TIMEOUT, statement.cancel_query(tls)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(event = "database_cancel_failed", %error, "a statement runs on"),
                Err(_) => tracing::debug!(event = "database_cancel_failed", "a statement runs on"),
            }
        });
    }

    /// The statements, prepared; without asking the server where they were prepared before.
    pub(super) async fn prepare<const N: usize>(&self, sql: [&'static str; N]) -> Tx<[Prepared; N]> {
        let mut prepared = Vec::with_capacity(N);
        for sql in sql {
            let known = self.statements.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
            prepared.push(match known {
                Some(known) => known,
                None => self.prepare_anew(sql).await?,
            });
        }
        prepared.try_into().map_err(|_| Failure::Corrupt("a statement that was not prepared".into()))
    }

    async fn prepare_anew(&self, sql: &'static str) -> Tx<Prepared> {
        let prepared = Prepared { statement: self.answer(Box::pin(self.client.prepare(sql))).await?, sql };
        let mut statements = self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if statements.len() >= STATEMENTS {
            statements.clear();
        }
        statements.insert(sql, prepared.clone());
        Ok(prepared)
    }

    /// The rows of a prepared query.
    pub(super) async fn rows<const N: usize>(&self, prepared: &Prepared, params: Params<'_, N>) -> Tx<Vec<Row>> {
        self.answer(Box::pin(self.client.query(&prepared.statement, &params))).instrument(prepared.span()).await
    }

    /// The rows of a prepared query, with as many parameters as it has.
    pub(super) async fn rows_of<P: ToSql + Sync>(&self, prepared: &Prepared, params: &[P]) -> Tx<Vec<Row>> {
        let params: Vec<_> = params.iter().map(|param| param as &(dyn ToSql + Sync)).collect();
        self.answer(Box::pin(self.client.query(&prepared.statement, &params))).await
    }

    /// Runs a prepared statement; how many rows it changed.
    pub(super) async fn execute<const N: usize>(&self, prepared: &Prepared, params: Params<'_, N>) -> Tx<u64> {
        self.answer(Box::pin(self.client.execute(&prepared.statement, &params))).instrument(prepared.span()).await
    }

    /// The rows of a query that is planned anew, knowing its parameters.
    pub(super) async fn ask(&self, sql: &str, params: &[(&(dyn ToSql + Sync), Type)]) -> Tx<Vec<Row>> {
        self.answer(Box::pin(self.client.query_typed(sql, params))).await
    }

    /// Sends a command and does not wait for its end. That it fails is not
    /// heard: a connection that is lost fails what follows, too.
    pub(super) fn send(&self, sql: &str) {
        // The first poll sends it.
        let _ = self.client.batch_execute(sql).now_or_never();
    }

    /// Runs a command.
    pub(super) async fn command(&self, sql: &str) -> Tx<()> {
        self.answer(Box::pin(self.client.batch_execute(sql))).await
    }

    async fn answer<T>(&self, asked: impl Future<Output = Result<T, tokio_postgres::Error>> + Unpin) -> Tx<T> {
        let answer = match self.patience {
            Some(patience) => match time::timeout(patience, asked).await {
                Ok(answer) => answer.map_err(Fault::from),
                Err(_) => Err(Fault::silent(patience)),
            },
            None => asked.await.map_err(Fault::from),
        };
        answer.map_err(|fault| {
            if matches!(fault.kind, FaultKind::Lost | FaultKind::Silent | FaultKind::Stale) {
                self.give_up();
            }
            if fault.kind == FaultKind::Silent {
                self.silences.note();
            }
            fault.into()
        })
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("usable", &self.is_usable()).finish_non_exhaustive()
    }
}
