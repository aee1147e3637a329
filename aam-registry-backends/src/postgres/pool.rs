//! The connections to one server.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bb8_postgres::bb8::{self, ErrorSink, ManageConnection, PooledConnection, QueueStrategy, RunError};
use tokio::sync::watch;

use super::{
    connection::{Connector, Session},
    failure::{Fault, FaultKind},
};
use crate::relational::timing::Wait;

/// How long a connection lives: servers behind a name change, and so do their parameters.
const MAX_LIFETIME: Duration = Duration::from_mins(30);

/// How long a connection is kept that nobody needs.
const MAX_IDLE: Duration = Duration::from_mins(5);

/// A bounded number of connections, made when they are needed.
#[derive(Debug)]
pub(super) struct Pool {
    connections: bb8::Pool<Connector>,
    /// The last reason why no connection could be made.
    failures: watch::Sender<Option<Fault>>,
    gauge: Arc<Gauge>,
}

impl Pool {
    pub(super) fn new(connector: Connector, size: u32, acquire_timeout: Duration) -> Self {
        let failures = watch::Sender::new(None);
        let connections = bb8::Pool::builder()
            .max_size(size)
            .connection_timeout(acquire_timeout)
            // A caller waits for an answer, not for the server to come back.
            .retry_connection(false)
            .queue_strategy(QueueStrategy::Lifo)
            .max_lifetime(MAX_LIFETIME)
            .idle_timeout(MAX_IDLE)
            .error_sink(Box::new(Failures(failures.clone())))
            .build_unchecked(connector);
        Self { connections, failures, gauge: Arc::default() }
    }

    /// A connection, when there is one to be had.
    pub(super) async fn get(&self) -> Result<Lease, Fault> {
        let (_waiting, _wait) = (Waiting::new(), Wait::begin("connection"));
        let mut failures = self.failures.subscribe();
        let failed = async {
            // While there are connections, one of them will be free.
            while failures.changed().await.is_ok() {
                let fault = failures.borrow_and_update().clone();
                if let Some(fault) = fault.filter(|_| self.connections.state().connections == 0) {
                    return fault;
                }
            }
            std::future::pending().await
        };
        let session = tokio::select! {
            biased;
            got = self.connections.get_owned() => got.map_err(|error| match error {
                RunError::User(fault) => fault,
                RunError::TimedOut => Fault::new(FaultKind::Busy, self.timed_out()),
            })?,
            fault = failed => return Err(fault),
        };
        self.gauge.note(&self.connections);
        Ok(Lease { session: Some(session), connections: self.connections.clone(), gauge: Arc::clone(&self.gauge) })
    }
}

impl Pool {
    fn timed_out(&self) -> String {
        match self.connections.state().connections {
            0 => "no connection to the database was made in time".to_owned(),
            all => format!("all {all} connections to the database are in use"),
        }
    }
}

impl ManageConnection for Connector {
    type Connection = Arc<Session>;
    type Error = Fault;

    async fn connect(&self) -> Result<Self::Connection, Fault> {
        Connector::connect(self).await.map(Arc::new)
    }

    /// Without asking the server: what it would answer now says nothing of the statement to come.
    async fn is_valid(&self, session: &mut Self::Connection) -> Result<(), Fault> {
        if session.is_suspect() || !session.is_usable() {
            return Err(Fault::new(FaultKind::Lost, "the connection was closed"));
        }
        Ok(())
    }

    fn has_broken(&self, session: &mut Self::Connection) -> bool {
        session.is_suspect() || !session.is_usable()
    }
}

/// Tells those who wait why no connection could be made.
#[derive(Debug)]
struct Failures(watch::Sender<Option<Fault>>);

impl ErrorSink<Fault> for Failures {
    fn sink(&self, fault: Fault) {
        if fault.kind != FaultKind::Lost {
            self.0.send_replace(Some(fault));
        }
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<Fault>> {
        Box::new(Self(self.0.clone()))
    }
}

/// A connection that goes back into its pool.
pub(super) struct Lease {
    session: Option<PooledConnection<'static, Connector>>,
    connections: bb8::Pool<Connector>,
    gauge: Arc<Gauge>,
}

impl Deref for Lease {
    type Target = Arc<Session>;

    fn deref(&self) -> &Arc<Session> {
        self.session.as_ref().expect("a lease has its connection until it is dropped")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.session = None;
        self.gauge.note(&self.connections);
    }
}

/// What the metrics were told of a pool, in use and idle: several pools add up.
#[derive(Debug, Default)]
struct Gauge(Mutex<(u32, u32)>);

impl Gauge {
    fn note(&self, connections: &bb8::Pool<Connector>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = connections.state();
        let now = (state.connections.saturating_sub(state.idle_connections), state.idle_connections);
        let before = std::mem::replace(&mut *noted, now);
        tell(before, now);
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        tell(*self.0.get_mut().unwrap_or_else(PoisonError::into_inner), (0, 0));
    }
}

fn tell(before: (u32, u32), now: (u32, u32)) {
    let gauge = |state| metrics::gauge!("aam_database_pool_connections", "state" => state);
    gauge("in_use").increment(f64::from(now.0) - f64::from(before.0));
    gauge("idle").increment(f64::from(now.1) - f64::from(before.1));
}

/// Somebody who waits for a connection.
struct Waiting;

impl Waiting {
    fn new() -> Self {
        metrics::gauge!("aam_database_pool_waiting").increment(1);
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        metrics::gauge!("aam_database_pool_waiting").decrement(1);
    }
}
