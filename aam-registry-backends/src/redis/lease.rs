use aam_registry_core::Result;
use bb8_redis::bb8::PooledConnection;
use redis::{Cmd, FromRedisValue, RedisResult, ScriptInvocation};

use super::{
    RedisLink,
    connector::{Connection, Connector},
    purpose::Purpose,
};

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
        let result = command.query_async(&mut connection.inner).await;
        self.note(result)
    }

    /// Runs a script by its hash, and loads it if the server does not have it.
    pub(super) async fn script<T: FromRedisValue>(&mut self, script: &ScriptInvocation<'_>) -> Result<T> {
        let connection = self.connection();
        let result = script.invoke_async(&mut connection.inner).await;
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
