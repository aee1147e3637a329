use std::{collections::BTreeMap, pin::pin};

use aam_registry_core::{Error, Result, error::Outcome};
use bytes::Bytes;
use futures_util::SinkExt;

use super::{
    catalogue::{Table, every_table, quoted, references, tables},
    read::read_all,
    session::session_without_time_limits,
    text_format::write_line,
};
use crate::{
    postgres::{
        PostgresConfig,
        connection::Session,
        failure::{Failure, Fault, Tx},
        schema::{self, failed},
    },
    relational::{
        rows::{RowSink, RowSource, SCHEMA_TABLES, SINGLETONS, TableRows, in_order_of_references, require_same_tables},
        schema::HISTORY,
    },
};

/// How many bytes are sent at a time.
const CHUNK: usize = 64 * 1024;

/// Requires that the database has no table, or a registry with no rows but those with which every registry begins. What
/// a restore left that was killed counts as empty.
///
/// # Errors
/// A backend error of kind database that names a table with rows or of something else, or if the database cannot be
/// read.
pub async fn require_empty(config: &PostgresConfig) -> Result<()> {
    let session = session_without_time_limits(config).await?;
    empty(&session).await.map_err(failed)
}

async fn empty(session: &Session) -> Tx<()> {
    let tables = every_table(session).await?;
    let refused = |reason| Err(Error::database(reason, false, Outcome::NotApplied).into());
    if !tables.is_empty() && !tables.iter().any(|table| table == HISTORY) {
        return refused(format!("it has tables of something else, such as {}; restore into a new database", tables[0]));
    }
    for table in tables {
        if SCHEMA_TABLES.contains(&table.as_str()) || SINGLETONS.contains(&table.as_str()) {
            continue;
        }
        let rows = session.ask(&format!("SELECT 1 FROM {} LIMIT 1", quoted(&table)), &[]).await?;
        if !rows.is_empty() {
            return refused(format!("it is not empty, its table {table} has rows; restore into a new database"));
        }
    }
    Ok(())
}

/// Makes an empty database ready for [`restore_rows`]: with the schema that a backup had, which the migrations of
/// these names made, and marked, so that no server works on it before the restore is complete.
///
/// # Errors
/// As [`require_empty`]; or if this release does not know the schema, or the database has a newer one.
pub async fn begin_restore(config: &PostgresConfig, migrations: &[String]) -> Result<()> {
    let session = session_without_time_limits(config).await?;
    empty(&session).await.map_err(failed)?;
    schema::begin_restore(config, &session, migrations).await
}

/// Fills a database that [`begin_restore`] made ready with the rows of `source`, and reads all of them back into
/// `proof`, which fails if they are not the same. Only then they are kept, in one transaction, and later migrations
/// run.
///
/// # Errors
/// A backend error of kind database where the database cannot be written, or `source` has other tables or columns; and
/// what `source` and `proof` fail with. The database then is as before.
pub async fn restore_rows(
    config: &PostgresConfig,
    migrations: &[String],
    source: &mut dyn RowSource,
    proof: &mut dyn RowSink,
) -> Result<()> {
    let mut session = session_without_time_limits(config).await?;
    let restored = async {
        session.command("BEGIN").await?;
        session.command(&format!("LOCK TABLE {HISTORY} IN EXCLUSIVE MODE")).await?;
        schema::require_unfinished(&session).await?;
        fill(&mut session, source).await?;
        read_all(&mut session, proof).await?;
        schema::unmark_unfinished(&session, migrations).await?;
        session.command("COMMIT").await
    };
    // The transaction ends with the connection where it fails.
    restored.await.map_err(failed)?;
    schema::migrate(config).await?;
    // Fresh tables have no statistics, without which the planner reads them whole.
    session.command("ANALYZE").await.map_err(failed)
}

async fn fill(session: &mut Session, source: &mut dyn RowSource) -> Tx<()> {
    let ours: BTreeMap<String, Table> =
        tables(session).await?.into_iter().map(|table| (table.columns.table.clone(), table)).collect();
    require_same_tables(&ours.keys().cloned().collect(), &source.tables()?.into_iter().collect())?;
    for table in SINGLETONS {
        session.command(&format!("DELETE FROM {table}")).await?;
    }
    for name in in_order_of_references(ours.keys().cloned().collect(), &references(session).await?) {
        if let Some(table) = ours.get(&name) {
            insert(session, table, source.open(&name)?).await?;
            go_on_numbering(session, table).await?;
        }
    }
    Ok(())
}

async fn insert(session: &mut Session, table: &Table, given: TableRows) -> Tx<()> {
    let name = &table.columns.table;
    if given.columns != table.columns.names() {
        let reason = format!("the table {name} has the columns {:?} in the backup", given.columns);
        return Err(Error::unfit(reason).into());
    }
    let kinds: Vec<_> = table.columns.columns.iter().map(|(_, kind)| *kind).collect();
    let columns: Vec<_> = given.columns.iter().map(|column| quoted(column)).collect();
    let copy = format!("COPY {} ({}) FROM STDIN", quoted(name), columns.join(", "));
    let sink = session.client().copy_in::<_, Bytes>(&copy).await.map_err(Fault::from)?;
    let mut sink = pin!(sink);
    let mut lines = String::with_capacity(2 * CHUNK);
    for row in given.rows {
        write_line(&row?, &kinds, &mut lines).map_err(|failure| match failure {
            Failure::Corrupt(what) => Failure::Corrupt(format!("the table {name} of the backup holds {what}")),
            other => other,
        })?;
        if lines.len() >= CHUNK {
            sink.send(Bytes::from(std::mem::take(&mut lines))).await.map_err(Fault::from)?;
        }
    }
    sink.send(Bytes::from(lines)).await.map_err(Fault::from)?;
    sink.as_mut().finish().await.map_err(Fault::from)?;
    Ok(())
}

/// Has the database number new rows after those that were inserted with their numbers.
async fn go_on_numbering(session: &Session, table: &Table) -> Tx<()> {
    let name = &table.columns.table;
    for column in &table.numbered {
        let next = format!(
            "SELECT setval(pg_get_serial_sequence('{}', '{}'), (SELECT max({}) FROM {}))",
            quoted(name).replace('\'', "''"),
            column.replace('\'', "''"),
            quoted(column),
            quoted(name)
        );
        session.ask(&next, &[]).await?;
    }
    Ok(())
}
