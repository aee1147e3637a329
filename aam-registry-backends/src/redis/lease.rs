use aam_registry_core::Result;
use bb8_redis::bb8::PooledConnection;
use redis::{Cmd, FromRedisValue, RedisResult, ScriptInvocation};

use super::{
    RedisLink,
    connector::{Connection, Connector},
    purpose::Purpose,
};

/// A connection for one call; how its commands went is noted.
pub(super) struct Lease<'a> {
    pub(super) link: &'a RedisLink,
    pub(super) purpose: Purpose,
    pub(super) prefix: &'a str,
    pub(super) held: Held<'a>,
}

pub(super) enum Held<'a> {
    /// The one that all share.
    Shared(Connection),
    /// One of the pool, nobody else's meanwhile.
    Pooled(PooledConnection<'a, Connector>),
}

impl Lease<'_> {
    /// The key or channel of that name.
    pub(super) fn key(&self, kind: &str, name: &str) -> String {
        [self.prefix, kind, name].concat()
    }

    /// Names the run of the server this connection reaches.
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

    /// Runs a script by its hash, and hands it over where the server does not know it.
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
