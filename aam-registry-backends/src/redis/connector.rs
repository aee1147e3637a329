use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bb8_redis::{
    RedisConnectionManager,
    bb8::{ErrorSink, ManageConnection},
};
use redis::{ErrorKind, RedisError, RedisResult, aio::MultiplexedConnection};
use tokio::time::timeout;

/// Opens the connections of a link.
#[derive(Debug)]
pub(super) struct Connector {
    pub(super) manager: RedisConnectionManager,
    pub(super) connect_timeout: Duration,
    pub(super) response_timeout: Duration,
    /// How long an idle connection may take to show that it still works.
    pub(super) check_timeout: Duration,
    pub(super) era: Arc<Era>,
}

/// A connection, with what is known about it.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) inner: MultiplexedConnection,
    pub(super) era: u64,
    /// The run id of the server: it changes with a restart, and differs on a replica that took over.
    pub(super) server: Arc<str>,
}

impl ManageConnection for Connector {
    type Connection = Connection;
    type Error = RedisError;

    async fn connect(&self) -> RedisResult<Connection> {
        let era = self.era.now();
        let connecting = async {
            let mut inner = self.manager.connect().await?;
            inner.set_response_timeout(self.response_timeout);
            let server = run_id(&mut inner).await?;
            Ok(Connection { inner, era, server })
        };
        timeout(self.connect_timeout, connecting).await.unwrap_or_else(|_| Err(timed_out()))
    }

    async fn is_valid(&self, connection: &mut Connection) -> RedisResult<()> {
        if self.has_broken(connection) {
            return Err((ErrorKind::Io, "the connection is from before a failure").into());
        }
        let checking = self.manager.is_valid(&mut connection.inner);
        timeout(self.check_timeout, checking).await.unwrap_or_else(|_| Err(timed_out()))
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        connection.era != self.era.now()
    }
}

async fn run_id(connection: &mut MultiplexedConnection) -> RedisResult<Arc<str>> {
    let info: String = redis::cmd("INFO").arg("server").query_async(connection).await?;
    let id = info.lines().find_map(|line| line.strip_prefix("run_id:"));
    id.map(|id| id.trim().into()).ok_or_else(|| (ErrorKind::Client, "`INFO server` tells no run_id").into())
}

pub(super) fn timed_out() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

/// Counts failures, so that a connection opened before a failure is not used after it. A connection
/// that was cut silently, or one to a server that was replaced, looks usable until a call waits for it
/// in vain.
#[derive(Debug, Default)]
pub(super) struct Era(AtomicU64);

impl Era {
    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends `era` if it has not ended. Failures at the same time end it only once.
    pub(super) fn end(&self, era: u64) {
        let _ = self.0.compare_exchange(era, era + 1, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Keeps the last error that the pool met in the background, to explain why it has no connection.
#[derive(Clone, Debug, Default)]
pub(super) struct LastTrouble(Arc<Mutex<Option<RedisError>>>);

impl LastTrouble {
    pub(super) fn take(&self) -> Option<RedisError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ErrorSink<RedisError> for LastTrouble {
    fn sink(&self, error: RedisError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }

    fn boxed_clone(&self) -> Box<dyn ErrorSink<RedisError>> {
        Box::new(self.clone())
    }
}
