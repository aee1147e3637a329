use std::time::Duration;

use aam_registry_core::{Error, Result, decorate::Admission};
use bb8_redis::bb8::{PooledConnection, RunError};
use data_encoding::HEXLOWER;
use redis::{Cmd, FromRedisValue, RedisError, RedisResult, ScriptInvocation};

use super::{
    RedisLink,
    connector::{Connection, Connector, timed_out},
    failure,
    purpose::Purpose,
    timing::{name_of, timed},
};

/// How long the key that a health check writes is kept.
const CHECK_LIFE: Duration = Duration::from_secs(10);

/// A connection for one call; records whether its commands succeed.
pub(super) struct Lease<'a> {
    pub(super) link: &'a RedisLink,
    pub(super) purpose: Purpose,
    pub(super) prefix: &'a str,
    pub(super) held: Held<'a>,
}

pub(super) enum Held<'a> {
    /// The connection that all callers share.
    Shared(Connection),
    /// A connection of the pool, used by no other call meanwhile.
    Pooled(PooledConnection<'a, Connector>),
}

impl RedisLink {
    /// Whether Redis stores a value, tested by writing one: a Redis that is out of memory or read-only
    /// still answers.
    ///
    /// # Errors
    /// A backend error of kind cache.
    pub async fn check(&self) -> Result<()> {
        let mut lease = self.insist(Purpose::Check).await?;
        let (key, written) = (lease.key("check:", ""), HEXLOWER.encode(&rand::random::<[u8; 8]>()));
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(&written).arg("PX").arg(CHECK_LIFE.as_millis());
        // Another replica may write the same key, so its value is not compared.
        let () = lease.command(&set).await?;
        let read: Option<String> = lease.command(redis::cmd("GET").arg(&key)).await?;
        read.map(drop).ok_or_else(|| Error::cache("redis did not keep what was written a moment ago", true))
    }

    /// Tests whether Redis answers at all.
    async fn probe(&self) -> Result<()> {
        let mut lease = self.insist(Purpose::Check).await?;
        lease.command(&redis::cmd("PING")).await
    }

    /// A connection for one call; fails if Redis failed a moment ago.
    pub(super) async fn lease(&self, purpose: Purpose) -> Result<Lease<'_>> {
        match self.0.breaker.admit() {
            Admission::Through => return self.insist(purpose).await,
            Admission::Refused => {}
            Admission::Probe => {
                let link = self.clone();
                // The outcome is recorded; no caller waits for it.
                tokio::spawn(async move { link.probe().await });
            }
        }
        Err(Error::cache("redis was out a moment ago", true))
    }

    /// A connection for one call that waits even if Redis failed a moment ago.
    pub(super) async fn insist(&self, purpose: Purpose) -> Result<Lease<'_>> {
        let Some(prefix) = self.0.namespace.get() else {
            return Err(Error::cache("the database has not told yet which registry this is", true));
        };
        let held = if purpose.may_be_large() {
            self.0.pool.get().await.map(Held::Pooled).map_err(|error| self.no_connection(error))
        } else {
            self.0.shared.get().await.map(Held::Shared).map_err(Some)
        };
        match held {
            Ok(held) => Ok(Lease { link: self, purpose, prefix, held }),
            Err(Some(error)) => Err(self.failed(purpose, error)),
            Err(None) => {
                failure::count(purpose);
                Err(Error::cache("every connection to redis is in use", true))
            }
        }
    }

    /// Why the pool had no connection; `None` if all are in use.
    fn no_connection(&self, error: RunError<RedisError>) -> Option<RedisError> {
        let trouble = self.0.pool_trouble.take();
        match error {
            RunError::User(error) => Some(error),
            RunError::TimedOut if self.0.pool.state().connections >= self.0.pool_size => None,
            RunError::TimedOut => Some(trouble.unwrap_or_else(timed_out)),
        }
    }
}

impl Lease<'_> {
    /// The full key or channel of `kind` with that name.
    pub(super) fn key(&self, kind: &str, name: &str) -> String {
        [self.prefix, kind, name].concat()
    }

    /// The run id of the server of this connection.
    pub(super) fn server(&self) -> &str {
        match &self.held {
            Held::Shared(connection) => &connection.server,
            Held::Pooled(connection) => &connection.server,
        }
    }

    pub(super) async fn command<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T> {
        let connection = self.connection();
        let result = timed(name_of(command), command.query_async(&mut connection.inner)).await;
        self.note(result)
    }

    /// Runs a script by its hash, and loads it if the server does not have it.
    pub(super) async fn script<T: FromRedisValue>(&mut self, script: &ScriptInvocation<'_>) -> Result<T> {
        let connection = self.connection();
        let result = timed("EVALSHA", script.invoke_async(&mut connection.inner)).await;
        self.note(result)
    }

    fn connection(&mut self) -> &mut Connection {
        match &mut self.held {
            Held::Shared(connection) => connection,
            Held::Pooled(connection) => connection,
        }
    }

    fn note<T>(&mut self, result: RedisResult<T>) -> Result<T> {
        let era = self.connection().era;
        match result {
            Ok(answer) => {
                self.link.succeeded();
                Ok(answer)
            }
            Err(error) => Err(self.link.command_failed(self.purpose, error, era)),
        }
    }
}
