use aam_registry_core::{
    Result,
    ports::AuditLog,
    types::{AuditEntry, AuditEvent, AuditFilter, ChainLink, NewAuditEntry, PackageName, Page},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, ToSql};

use super::{
    SqliteMetadata,
    failure::{Failure, Tx},
    sql,
};
use crate::relational::columns;

/// What [`entry`] reads.
const COLUMNS: &str = "entry_id, event, actor, package, version, timestamp, metadata, position, hash";

/// The end of the chain.
const HEAD: &str = "SELECT position, hash FROM audit_chain";

/// Appends an entry to the log, in the transaction of what it records.
pub(super) fn append(tx: &Connection, entry: &NewAuditEntry) -> Tx<()> {
    sql::run(
        tx,
        "INSERT INTO audit_log (entry_id, event, actor, package, version, timestamp, metadata)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            entry.id.to_string(),
            entry.event.as_str(),
            &entry.actor,
            entry.package.as_ref().map(PackageName::as_str),
            &entry.version,
            entry.timestamp.as_microsecond(),
            serde_json::to_string(&entry.metadata)?,
        ),
    )?;
    Ok(())
}

#[async_trait]
impl AuditLog for SqliteMetadata {
    async fn append(&self, entry: &NewAuditEntry) -> Result<()> {
        let entry = entry.clone();
        let append = move |tx: &Connection| {
            let known = "SELECT 1 FROM audit_log WHERE entry_id = ?1";
            if sql::exists(tx, known, [entry.id.to_string()])? { Ok(()) } else { append(tx, &entry) }
        };
        self.write(append).await
    }

    async fn sequence(&self, limit: usize) -> Result<usize> {
        // The sequencer comes by twice a second; most of the time there is nothing to sync a disk for.
        let any = self.read(|tx| sql::exists(tx, "SELECT 1 FROM audit_log WHERE position IS NULL", [])).await?;
        if any { self.write(move |tx| sequence(tx, limit)).await } else { Ok(0) }
    }

    async fn head(&self) -> Result<ChainLink> {
        Ok(self.read(move |tx| sql::first(tx, HEAD, [], link)).await?.unwrap_or_default())
    }

    async fn entries_after(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>> {
        let query = format!("SELECT {COLUMNS} FROM audit_log WHERE position > ?1 ORDER BY position LIMIT ?2");
        let params = [columns::signed(after), columns::limit(limit)];
        self.read_document(move |tx| sql::all(tx, &query, params, entry)).await
    }

    async fn entries(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>> {
        let filter = filter.clone();
        self.read_document(move |tx| entries(tx, &filter)).await
    }

    async fn last_before(&self, before: Timestamp) -> Result<Option<ChainLink>> {
        let query = "SELECT position, hash FROM audit_log
            WHERE position < COALESCE((SELECT min(position) FROM audit_log WHERE timestamp >= ?1), 9223372036854775807)
            ORDER BY position DESC LIMIT 1";
        self.read(move |tx| sql::first(tx, query, [before.as_microsecond()], link)).await
    }

    async fn delete_entries(&self, through: u64, limit: usize) -> Result<usize> {
        let query = "DELETE FROM audit_log WHERE position IN (
                SELECT position FROM audit_log WHERE position <= ?1 ORDER BY position LIMIT ?2
            )";
        self.write(move |tx| sql::run(tx, query, [columns::signed(through), columns::limit(limit)])).await
    }
}

fn link(row: &Row<'_>) -> Tx<ChainLink> {
    Ok(ChainLink { position: sql::unsigned(row, 0)?, hash: sql::digest(row, 1)? })
}

fn sequence(tx: &Connection, limit: usize) -> Tx<usize> {
    let ChainLink { mut position, mut hash } = sql::first(tx, HEAD, [], link)?
        .ok_or_else(|| Failure::Corrupt("the head of the audit chain is missing".into()))?;
    let query = format!("SELECT {COLUMNS}, id FROM audit_log WHERE position IS NULL ORDER BY id LIMIT ?1");
    let loose: Vec<(NewAuditEntry, i64)> =
        sql::all(tx, &query, [columns::limit(limit)], |row| Ok((entry(row)?.entry, row.get(9)?)))?;
    for (entry, id) in &loose {
        position += 1;
        hash = entry.chain_hash(&hash, position);
        sql::run(
            tx,
            "UPDATE audit_log SET position = ?2, hash = ?3 WHERE id = ?1",
            (id, columns::signed(position), hash.as_bytes()),
        )?;
    }
    sql::run(tx, "UPDATE audit_chain SET position = ?1, hash = ?2", (columns::signed(position), hash.as_bytes()))?;
    Ok(loose.len())
}

fn entries(tx: &Connection, filter: &AuditFilter) -> Tx<Page<AuditEntry>> {
    let package = filter.package.as_ref().map(PackageName::as_str);
    let event = filter.event.map(AuditEvent::as_str);
    let from = filter.from.map(Timestamp::as_microsecond);
    let to = filter.to.map(Timestamp::as_microsecond);
    let mut conditions = vec!["TRUE"];
    let mut params: Vec<&dyn ToSql> = Vec::new();
    for (condition, param, asked) in [
        ("package = ?", &package as &dyn ToSql, package.is_some()),
        ("event = ?", &event, event.is_some()),
        ("actor = ?", &filter.actor, filter.actor.is_some()),
        ("timestamp >= ?", &from, from.is_some()),
        ("timestamp < ?", &to, to.is_some()),
    ] {
        if asked {
            conditions.push(condition);
            params.push(param);
        }
    }
    let conditions = conditions.join(" AND ");
    let total = format!("SELECT count(*) FROM audit_log WHERE {conditions}");
    let total = sql::first(tx, &total, &*params, |row| sql::unsigned(row, 0))?.unwrap_or(0);
    let (limit, offset) = (columns::signed(filter.page.limit), columns::signed(filter.page.offset()));
    params.extend([&limit as &dyn ToSql, &offset]);
    // Positions are given in the order of the append, so that is the order of both parts of the list.
    let query = format!("SELECT {COLUMNS} FROM audit_log WHERE {conditions} ORDER BY id DESC LIMIT ? OFFSET ?");
    Ok(Page { items: sql::all(tx, &query, &*params, entry)?, total, request: filter.page })
}

fn entry(row: &Row<'_>) -> Tx<AuditEntry> {
    let package: Option<String> = row.get(3)?;
    let chained = match row.get::<_, Option<i64>>(7)? {
        Some(_) => Some((sql::unsigned(row, 7)?, sql::digest(row, 8)?)),
        None => None,
    };
    Ok(AuditEntry {
        entry: NewAuditEntry {
            id: row.get::<_, String>(0)?.parse().map_err(|_| Failure::Corrupt("id of an audit entry".into()))?,
            event: sql::coded(row, 1, columns::audit_event)?,
            actor: row.get(2)?,
            package: package.map(|package| package.parse()).transpose()?,
            version: row.get(4)?,
            timestamp: sql::instant(row, 5)?,
            metadata: sql::coded(row, 6, |text| Ok(serde_json::from_str(text)?))?,
        },
        chained,
    })
}
