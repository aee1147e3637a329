//! What runs the statements that all databases share.

use aam_registry_core::{
    decide::{CallerFacts, ChangesOf, PackageFacts, PackageReads},
    types::{Actor, JobId, JobState},
};
use rusqlite::{
    CachedStatement, Connection, ToSql,
    types::{ToSqlOutput, Value as Stored, ValueRef},
};

use super::{
    apply::record,
    facts,
    failure::{Failure, Tx},
    jobs,
};
use crate::relational::{
    columns::Corrupt,
    transaction::{Row, Step, Transaction, Value},
};

/// The locks on rows with which a statement may end. SQLite has one writer and knows no such locks.
const LOCKS: [&str; 3] = [" FOR UPDATE", " FOR NO KEY UPDATE", " FOR SHARE"];

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Stored::Null),
            Self::Bool(value) => ToSqlOutput::from(*value),
            Self::Int(value) => ToSqlOutput::from(*value),
            Self::Text(value) => ToSqlOutput::from(value.as_str()),
            Self::Bytes(value) => ToSqlOutput::from(value.as_slice()),
            Self::Id(value) => ToSqlOutput::from(value.to_string()),
        })
    }
}

impl Transaction for Connection {
    type Failure = Failure;

    async fn rows(&self, query: &'static str, params: Vec<Value>) -> Tx<Vec<Row>> {
        let mut statement = prepare(self, query, &params)?;
        let columns = statement.column_count();
        let mut found = statement.raw_query();
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let values = (0..columns).map(|column| Ok(value(row.get_ref(column)?)?));
            rows.push(Row(values.collect::<Tx<_>>()?));
        }
        Ok(rows)
    }

    async fn caller(&self, actor: &Actor) -> Tx<CallerFacts> {
        facts::caller(self, actor)
    }

    async fn job_state(&self, id: JobId, kind: &str) -> Tx<Option<JobState>> {
        jobs::state(self, id, kind)
    }

    async fn package(&self, reads: PackageReads<'_>) -> Tx<PackageFacts> {
        facts::package(self, reads)
    }
}

/// Applies what was decided.
pub(super) fn apply(tx: &Connection, changes: &ChangesOf<Step>) -> Tx<()> {
    changes.writes.iter().try_for_each(|step| run(tx, step))?;
    record(tx, &changes.audit)
}

/// Makes a step.
pub(super) fn run(tx: &Connection, step: &Step) -> Tx<()> {
    match step {
        Step::Run(statement, params) => Ok(prepare(tx, statement, params)?.raw_execute().map(drop)?),
        Step::Queue(job) => jobs::add(tx, job),
        Step::Retry(id) => jobs::retry(tx, *id),
    }
}

fn prepare<'a>(tx: &'a Connection, statement: &'static str, params: &[Value]) -> Tx<CachedStatement<'a>> {
    let mut prepared = tx.prepare_cached(without_locks(statement))?;
    for (value, number) in params.iter().zip(1..) {
        // To SQLite `$1` is the name of a parameter.
        let index = prepared.parameter_index(&format!("${number}"))?;
        let index = index.ok_or_else(|| Failure::Corrupt(format!("a statement without its parameter {number}")))?;
        prepared.raw_bind_parameter(index, value)?;
    }
    Ok(prepared)
}

fn without_locks(statement: &str) -> &str {
    match statement.rfind(" FOR ") {
        Some(at) if LOCKS.iter().any(|lock| statement[at..].starts_with(lock)) => &statement[..at],
        _ => statement,
    }
}

fn value(stored: ValueRef<'_>) -> Result<Value, Corrupt> {
    Ok(match stored {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Text(value) => {
            Value::Text(str::from_utf8(value).map_err(|error| Corrupt(error.to_string()))?.to_owned())
        }
        ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
        ValueRef::Real(_) => return Err(Corrupt("a number with a fraction".into())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{relational::transaction::params, sqlite::sql::at_once};

    #[test]
    fn parameters_are_bound_by_their_numbers() {
        let connection = Connection::open_in_memory().expect("a database");
        let query = "SELECT $2, $1, $2 FOR NO KEY UPDATE OF x";
        let rows = at_once(connection.rows(query, params!["one", 2_i64])).expect("rows");
        assert_eq!(rows[0].0, [Value::Int(2), Value::Text("one".into()), Value::Int(2)]);
    }

    #[test]
    fn locks_alone_are_left_out() {
        assert_eq!(without_locks("SELECT 1 FROM a FOR SHARE OF a"), "SELECT 1 FROM a");
        for statement in ["SELECT 1 FROM a", "SELECT ' FOR SHARE' FROM b WHERE c = ' FOR ME'"] {
            assert_eq!(without_locks(statement), statement);
        }
    }
}
