//! What runs the statements that all databases share.

use std::{error::Error, slice};

use aam_registry_core::{
    decide::{CallerFacts, ChangesOf, PackageFacts, PackageReads},
    types::{Actor, JobId, JobState},
};
use bytes::BytesMut;
use futures_util::{future::try_join_all, try_join};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use super::{
    audit::Append,
    connection::Session,
    facts,
    failure::{Failure, Tx},
    jobs,
    sql::{self, Text},
};
use crate::relational::transaction::{Row, Step, Transaction, Value};

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Bool(value) => value.to_sql_checked(kind, out),
            Self::Int(value) => value.to_sql_checked(kind, out),
            Self::Text(value) => Text(value).to_sql_checked(kind, out),
            Self::Bytes(value) => value.as_slice().to_sql_checked(kind, out),
            Self::Id(value) => value.to_sql_checked(kind, out),
        }
    }

    /// Whatever the type is: a value that is not of it is found when it is sent.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl Transaction for Session {
    type Failure = Failure;

    async fn rows(&self, query: &'static str, params: Vec<Value>) -> Tx<Vec<Row>> {
        let [prepared] = self.prepare([query]).await?;
        let rows = self.rows_of(&prepared, &params).await?;
        rows.iter().map(|row| (0..row.len()).map(|column| value(row, column)).collect::<Tx<_>>().map(Row)).collect()
    }

    async fn caller(&self, actor: &Actor) -> Tx<CallerFacts> {
        facts::caller(self, actor).await
    }

    async fn job_state(&self, id: JobId, kind: &str) -> Tx<Option<JobState>> {
        jobs::state(self, id, kind).await
    }

    async fn package(&self, reads: PackageReads<'_>) -> Tx<PackageFacts> {
        facts::package(self, reads).await
    }
}

/// Applies what was decided. Sends all of it at once.
pub(super) async fn apply(tx: &Session, changes: &ChangesOf<Step>) -> Tx<()> {
    let append = Append::prepare(tx).await?;
    for step in &changes.writes {
        // Prepared before any is sent, so that they arrive in this order.
        let statement = match step {
            Step::Run(statement, _) => statement,
            Step::Queue(_) => jobs::ENQUEUE,
            Step::Retry(_) => jobs::RETRY_ONE,
        };
        tx.prepare([statement]).await?;
    }
    let written = try_join_all(changes.writes.iter().map(|step| run(tx, step)));
    let recorded = changes.audit.iter().map(|entry| append.run(tx, entry, changes.invalidates.as_ref()));
    try_join!(written, try_join_all(recorded)).map(drop)
}

/// Makes a step.
pub(super) async fn run(tx: &Session, step: &Step) -> Tx<()> {
    match step {
        Step::Run(statement, params) => {
            let [prepared] = tx.prepare([statement]).await?;
            tx.rows_of(&prepared, params).await.map(drop)
        }
        Step::Queue(job) => jobs::enqueue(tx, slice::from_ref(job)).await,
        Step::Retry(id) => sql::run(tx, jobs::RETRY_ONE, [&Uuid::from(*id)]).await.map(drop),
    }
}

fn value(row: &tokio_postgres::Row, column: usize) -> Tx<Value> {
    let value = match *row.columns()[column].type_() {
        Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(Value::Bool),
        Type::INT8 => row.try_get::<_, Option<i64>>(column)?.map(Value::Int),
        Type::INT4 => row.try_get::<_, Option<i32>>(column)?.map(|value| Value::Int(value.into())),
        Type::TEXT | Type::VARCHAR => sql::optional_text(row, column)?.map(Value::Text),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(column)?.map(Value::Bytes),
        Type::UUID => row.try_get::<_, Option<Uuid>>(column)?.map(Value::Id),
        ref other => return Err(Failure::Corrupt(format!("a column of the type {other}"))),
    };
    Ok(value.unwrap_or(Value::Null))
}
