//! Sizes, checks and tidying of a database, by commands beside running servers.

use std::time::Duration;

use aam_registry_core::Result;

use super::{
    PostgresConfig,
    connection::{Connector, Session},
    failure::{Failure, Tx},
    pooler,
    schema::{self, failed, misconfigured, not_applied},
    sql,
};
use crate::relational::maintenance::{DatabaseStats, SlowStatement, TableSize};

/// The percentage of dead rows from which on autovacuum does not keep up.
const DEAD_PERCENT: i64 = 40;
/// A table of fewer rows is not worth a word.
const DEAD_ROWS: i64 = 10_000;
/// The age at which the server warns of its own that transaction ids run out is 40 million before 2 billion.
const OLD_TRANSACTIONS: i64 = 1_000_000_000;

/// How large the database is, by table, and which statements took most time, if the extension `pg_stat_statements` is
/// there.
///
/// # Errors
/// A backend error where the database cannot be read, or its schema is not that of this release.
pub async fn stats(config: &PostgresConfig) -> Result<DatabaseStats> {
    let session = session(config).await?;
    read_stats(&session).await.map_err(failed)
}

async fn session(config: &PostgresConfig) -> Result<Session> {
    let connector = Connector::new(config, &config.primary).map_err(misconfigured)?;
    let session = connector.connect().await.map_err(not_applied)?;
    pooler::require_own(&connector, &session).await.map_err(failed)?;
    schema::require_current(&session).await.map_err(failed)?;
    // A large table takes its time, and nobody waits for it but the operator.
    session.command("SET statement_timeout = 0").await.map_err(failed)?;
    Ok(session)
}

async fn read_stats(session: &Session) -> Tx<DatabaseStats> {
    let tables: Vec<(TableSize, u64)> = sql::all(
        session,
        "SELECT tables.relname::text, greatest(tables.n_live_tup, 0), pg_total_relation_size(tables.relid), \
                (pg_relation_size(tables.relid) * tables.n_dead_tup / greatest(tables.n_live_tup + tables.n_dead_tup, 1)) \
         FROM pg_stat_user_tables AS tables WHERE tables.schemaname = current_schema() \
         ORDER BY 3 DESC, 1",
        [],
        |row| {
            let size = |column| Ok::<_, Failure>(unsigned(row.try_get(column)?));
            Ok((TableSize { table: row.try_get(0)?, rows: size(1)?, bytes: size(2)? }, size(3)?))
        },
    )
    .await?;
    let bytes = sql::first(session, "SELECT pg_database_size(current_database())", [], |row| Ok(row.try_get(0)?));
    Ok(DatabaseStats {
        bytes: unsigned(bytes.await?.unwrap_or_default()),
        unused: tables.iter().map(|(_, unused)| unused).sum(),
        tables: tables.into_iter().map(|(table, _)| table).collect(),
        slow: slow_statements(session).await?,
    })
}

async fn slow_statements(session: &Session) -> Tx<Option<Vec<SlowStatement>>> {
    // The view exists where the extension was created, and answers where the server has loaded it.
    let is_there = "SELECT 1 FROM pg_extension WHERE extname = 'pg_stat_statements' \
                    AND string_to_array(replace(current_setting('shared_preload_libraries'), ' ', ''), ',') \
                        @> ARRAY['pg_stat_statements']";
    if !sql::exists(session, is_there, []).await? {
        return Ok(None);
    }
    let slow = "SELECT query, calls, mean_exec_time, total_exec_time FROM pg_stat_statements \
                WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                ORDER BY total_exec_time DESC LIMIT 10";
    let slow = sql::all(session, slow, [], |row| {
        let time = |column| Ok::<_, Failure>(milliseconds(row.try_get(column)?));
        Ok(SlowStatement {
            statement: row.try_get(0)?,
            calls: unsigned(row.try_get(1)?),
            mean: time(2)?,
            total: time(3)?,
        })
    });
    Ok(Some(slow.await?))
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn milliseconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number / 1000.0).unwrap_or_default()
}

/// Makes the room of deleted rows usable for new ones and counts rows anew for the planner, table by table; calls
/// `done` with the name of each. Nobody has to wait for it.
///
/// # Errors
/// A backend error where the database cannot be reached, or its user may not do that.
pub async fn vacuum(config: &PostgresConfig, mut done: impl FnMut(&str)) -> Result<()> {
    let session = session(config).await?;
    for table in read_stats(&session).await.map_err(failed)?.tables {
        let name = table.table.replace('"', "\"\"");
        session.command(&format!("VACUUM (ANALYZE) \"{name}\"")).await.map_err(failed)?;
        done(&table.table);
    }
    Ok(())
}

/// What is wrong with the database or will be, with the remedy; nothing if it is sound.
///
/// # Errors
/// A backend error where the database cannot be read.
pub async fn check(config: &PostgresConfig) -> Result<Vec<String>> {
    let session = session(config).await?;
    faults(&session).await.map_err(failed)
}

async fn faults(session: &Session) -> Tx<Vec<String>> {
    let invalid = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT (indisvalid AND indisready) ORDER BY 1";
    let invalid: Vec<String> = sql::all(session, invalid, [], |row| Ok(row.try_get(0)?)).await?;
    let mut faults: Vec<_> = invalid
        .iter()
        .map(|index| {
            format!(
                "the index {index} is not used, because making it was broken off: REINDEX INDEX CONCURRENTLY {index}"
            )
        })
        .collect();
    let damaged = "SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()";
    let damaged: i64 = sql::first(session, damaged, [], |row| Ok(row.try_get(0)?)).await?.unwrap_or_default();
    if damaged > 0 {
        faults.push(format!(
            "{damaged} pages were read whose checksum was wrong: the disk or memory is failing; restore from a backup \
             on other hardware"
        ));
    }
    let dead = "SELECT relname::text, n_dead_tup FROM pg_stat_user_tables \
                WHERE schemaname = current_schema() AND n_dead_tup > $1 \
                AND 100 * n_dead_tup > $2 * (n_live_tup + n_dead_tup) ORDER BY 1";
    let dead: Vec<(String, i64)> =
        sql::all(session, dead, [&DEAD_ROWS, &DEAD_PERCENT], |row| Ok((row.try_get(0)?, row.try_get(1)?))).await?;
    faults.extend(dead.iter().map(|(table, rows)| {
        format!("the table {table} holds {rows} deleted rows, more than autovacuum removes: `aam-registry db vacuum`")
    }));
    let age = "SELECT age(datfrozenxid)::bigint FROM pg_database WHERE datname = current_database()";
    let age: i64 = sql::first(session, age, [], |row| Ok(row.try_get(0)?)).await?.unwrap_or_default();
    if age > OLD_TRANSACTIONS {
        faults.push(format!(
            "the oldest row is {age} transactions old; the server stops taking writes at about 2,000,000,000: see that \
             autovacuum runs, and end transactions that are open for days"
        ));
    }
    Ok(faults)
}
