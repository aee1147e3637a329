//! Which server answers, and whether it may have lost commits.

use std::sync::{Mutex, PoisonError};

use tokio_postgres::{Row, types::Type};

use super::{
    connection::Session,
    failure::{Failure, Tx},
};

/// More servers than a registry uses; of those that were seen, all but the last are forgotten.
const MOST_SERVERS: usize = 16;

/// The columns by which [`ServerIdentity::of`] tells servers apart: `file`, `started`
/// and `is_replica`. The file of a table, whose path names the database too,
/// is the same on replicas, and another one after whatever did not change it
/// row by row, such as a restore.
macro_rules! of_server {
    () => {
        "pg_relation_filepath(to_regclass('listings')) AS file, pg_postmaster_start_time()::text AS started,
        pg_is_in_recovery() AS is_replica"
    };
}
pub(super) use of_server;

/// Reads a [`ServerIdentity`].
pub(super) const SERVER: &str = concat!("SELECT ", of_server!());

/// A server, since when it runs and as what. One that was started anew, took a
/// primary's place or was restored is another one: it may lack what was read
/// before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct ServerIdentity {
    /// `None` in the middle of a restore.
    pub(super) file: Option<String>,
    started: String,
    pub(super) is_replica: bool,
}

impl ServerIdentity {
    /// The server that a row begins with.
    pub(super) fn of(row: &Row) -> Tx<Self> {
        Ok(Self { file: row.try_get(0)?, started: row.try_get(1)?, is_replica: row.try_get(2)? })
    }

    /// A server for tests.
    #[cfg(test)]
    pub(super) fn of_test(file: &str, started: &str, is_replica: bool) -> Self {
        Self { file: Some(file.to_owned()), started: started.to_owned(), is_replica }
    }

    /// The server at the other end of a connection.
    pub(super) async fn at_end_of(session: &Session) -> Tx<Self> {
        let none: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 0] = [];
        let rows = session.ask(SERVER, &none).await?;
        let row = rows.first().ok_or_else(|| Failure::Corrupt("the server does not say which one it is".into()))?;
        Self::of(row)
    }
}

/// The servers that were seen to take changes, since the process started.
#[derive(Debug, Default)]
pub(super) struct SeenServers(Mutex<Vec<ServerIdentity>>);

impl SeenServers {
    /// Notes a server. Gives whether it took the place of others: it was not
    /// seen before, and is not the first.
    pub(super) fn is_successor(&self, server: &ServerIdentity) -> bool {
        // What a replica has, its primary has or had.
        if server.is_replica {
            return false;
        }
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains(server) {
            return false;
        }
        let is_first = seen.is_empty();
        if seen.len() == MOST_SERVERS {
            seen.clear();
        }
        seen.push(server.clone());
        !is_first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(file: &str, started: &str, is_replica: bool) -> ServerIdentity {
        ServerIdentity::of_test(file, started, is_replica)
    }

    #[test]
    fn a_server_is_a_successor_once() {
        let seen = SeenServers::default();
        assert!(!seen.is_successor(&server("base/1/1", "monday", true)), "a replica is none");
        assert!(!seen.is_successor(&server("base/1/1", "sunday", false)), "it is the first");
        assert!(!seen.is_successor(&server("base/1/1", "sunday", false)));
        for other in [
            server("base/1/2", "sunday", false),
            server("base/1/2", "tuesday", false),
            server("base/1/1", "monday", false),
            ServerIdentity { file: None, ..server("", "tuesday", false) },
        ] {
            assert!(seen.is_successor(&other), "{other:?}");
            assert!(!seen.is_successor(&other), "{other:?} again");
        }
    }
}
