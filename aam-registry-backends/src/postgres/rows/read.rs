use aam_registry_core::Result;
use futures_util::{StreamExt, pin_mut};

use super::{
    catalogue::{Table, select_of, tables},
    session::session_without_time_limits,
    text_format::read_line,
};
use crate::{
    postgres::{
        PostgresConfig,
        connection::Session,
        failure::{Failure, Fault, Tx},
        schema::{self, failed},
    },
    relational::rows::RowSink,
};

/// Gives all rows to `sink`, as they are at one instant while others write: one read-only transaction that sees one
/// snapshot reads table by table. Returns the names of the migrations that made the schema.
///
/// # Errors
/// A backend error of kind database where the database cannot be read, the connection is lost, or the schema is not
/// that of this release; and what `sink` fails with.
pub async fn read_rows(config: &PostgresConfig, sink: &mut dyn RowSink) -> Result<Vec<String>> {
    let mut session = session_without_time_limits(config).await?;
    schema::require_current(&session).await.map_err(failed)?;
    let read = async {
        session.command("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        read_all(&mut session, sink).await?;
        let names = schema::applied_names(&session).await?;
        session.command("COMMIT").await?;
        Ok(names)
    };
    read.await.map_err(failed)
}

/// The same within a transaction.
pub(super) async fn read_all(session: &mut Session, sink: &mut dyn RowSink) -> Tx<()> {
    session.command("SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL bytea_output = 'hex'").await?;
    for table in tables(session).await? {
        sink.table(&table.columns.table, &table.columns.names())?;
        read_table(session, &table, sink).await?;
    }
    Ok(sink.end()?)
}

async fn read_table(session: &mut Session, table: &Table, sink: &mut dyn RowSink) -> Tx<()> {
    let kinds: Vec<_> = table.columns.columns.iter().map(|(_, kind)| *kind).collect();
    let copy = format!("COPY ({}) TO STDOUT", select_of(table));
    let rows = session.client().copy_out(&copy).await.map_err(Fault::from)?;
    pin_mut!(rows);
    // A message need not be a whole line.
    let mut pending: Vec<u8> = Vec::new();
    while let Some(chunk) = rows.next().await {
        pending.extend_from_slice(&chunk.map_err(Fault::from)?);
        let mut begin = 0;
        while let Some(length) = pending[begin..].iter().position(|byte| *byte == b'\n') {
            sink.row(&read_line(&pending[begin..begin + length], &kinds)?)?;
            begin += length + 1;
        }
        pending.drain(..begin);
    }
    if pending.is_empty() { Ok(()) } else { Err(Failure::Corrupt("a row without an end".to_owned())) }
}
