use aam_registry_core::{
    Result,
    ports::AuditLog,
    types::{AuditEntry, AuditEvent, AuditFilter, ChainLink, Change, NewAuditEntry, NewJob, PackageName, Page},
};
use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};

use super::{
    PostgresMetadata, changes_feed,
    connection::{Prepared, Session},
    failure::{Failure, Tx},
    sql::{self, Text, now},
};
use crate::relational::columns;

/// What [`entry`] reads.
macro_rules! columns {
    () => {
        "entry_id, event, actor, package, version, timestamp, metadata, position, hash"
    };
}

/// Appends an entry, queues its event, and tells of the change it records, when that is committed.
const APPEND: &str = concat!(
    "WITH entry AS (
        INSERT INTO audit_log (entry_id, event, actor, package, version, timestamp, metadata)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
    ), event AS (
        INSERT INTO jobs (id, kind, payload, created_at, due_at)
        SELECT $1::uuid, $10::text, $11::text, ",
    now!(),
    ", ",
    now!(),
    " WHERE $11::text IS NOT NULL
    )
    SELECT pg_notify($8, told) FROM unnest($9::text[]) told"
);
/// Appends an entry that records no change; once, however often it is asked to.
const APPEND_ALONE: &str = "INSERT INTO audit_log (entry_id, event, actor, package, version, timestamp, metadata)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (entry_id) DO NOTHING";
const ANY_LOOSE: &str = "SELECT 1 FROM audit_log WHERE position IS NULL LIMIT 1";
/// Positions have no gaps, so what has one need not be counted.
const ALL: &str = "SELECT COALESCE(max(position) - min(position) + 1, 0)
    + (SELECT count(*) FROM audit_log WHERE position IS NULL) FROM audit_log";
/// Whoever sequences holds this row, so that one does at a time.
const CHAIN: &str = "SELECT position, hash FROM audit_chain FOR NO KEY UPDATE";
const HEAD: &str = "SELECT position, hash FROM audit_chain";
const LAST_BEFORE: &str = "SELECT position, hash FROM audit_log
    WHERE position < COALESCE((SELECT min(position) FROM audit_log WHERE timestamp >= $1), 9223372036854775807)
    ORDER BY position DESC LIMIT 1";
const DELETE: &str = "DELETE FROM audit_log WHERE position IN (
        SELECT position FROM audit_log WHERE position <= $1 ORDER BY position LIMIT $2
    )";
const AFTER: &str = concat!("SELECT ", columns!(), " FROM audit_log WHERE position > $1 ORDER BY position LIMIT $2");
const LOOSE: &str = concat!("SELECT ", columns!(), ", id FROM audit_log WHERE position IS NULL ORDER BY id LIMIT $1");
const PLACE: &str = "WITH placed AS (
        UPDATE audit_log a SET position = p.position, hash = p.hash
        FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) p (id, position, hash) WHERE a.id = p.id
    )
    UPDATE audit_chain SET position = $4, hash = $5";

/// The statement that appends an entry, in the transaction of what it records.
pub(super) struct Append([Prepared; 1]);

impl Append {
    pub(super) async fn prepare(tx: &Session) -> Tx<Self> {
        Ok(Self(tx.prepare([APPEND]).await?))
    }

    /// Appends `entry` and, when the transaction commits, tells every replica of `change`.
    pub(super) async fn run(&self, tx: &Session, entry: &NewAuditEntry, change: Option<&Change>) -> Tx<()> {
        let Self([statement]) = self;
        let row = EntryRow::of(entry)?;
        let told: Vec<String> = change.into_iter().filter_map(changes_feed::payload).collect();
        let [id, event, actor, package, version, timestamp, metadata] = row.params();
        let channel = changes_feed::CHANNEL;
        let payload = NewJob::of_event(entry).map(|job| serde_json::to_string(&job.payload)).transpose()?;
        let row: [&(dyn ToSql + Sync); 11] =
            [id, event, actor, package, version, timestamp, metadata, &channel, &told, &NewJob::EVENT, &payload];
        tx.rows(statement, row).await?;
        Ok(())
    }
}

/// An entry as the columns of its row.
struct EntryRow<'a> {
    entry: &'a NewAuditEntry,
    event: &'static str,
    actor: Option<Text<'a>>,
    package: Option<&'a str>,
    version: Option<Text<'a>>,
    timestamp: i64,
    metadata: String,
}

impl<'a> EntryRow<'a> {
    fn of(entry: &'a NewAuditEntry) -> Tx<Self> {
        Ok(Self {
            entry,
            event: entry.event.as_str(),
            actor: entry.actor.as_deref().map(Text),
            package: entry.package.as_ref().map(PackageName::as_str),
            version: entry.version.as_deref().map(Text),
            timestamp: entry.timestamp.as_microsecond(),
            metadata: serde_json::to_string(&entry.metadata)?,
        })
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 7] {
        let Self { entry, event, actor, package, version, timestamp, metadata } = self;
        [&entry.id, event, actor, package, version, timestamp, metadata]
    }
}

#[async_trait]
impl AuditLog for PostgresMetadata {
    async fn append(&self, entry: &NewAuditEntry) -> Result<()> {
        self.repeatable(|tx| async move {
            sql::run(&tx, APPEND_ALONE, EntryRow::of(entry)?.params()).await?;
            Ok(())
        })
        .await
    }

    async fn sequence(&self, limit: usize) -> Result<usize> {
        // The sequencer comes by twice a second; most of the time there is nothing to lock a row for.
        let any = self.read(|tx| async move { sql::exists(&tx, ANY_LOOSE, []).await }).await?;
        if !any {
            return Ok(0);
        }
        self.write(|tx| async move { sequence(&tx, columns::limit(limit)).await }).await
    }

    async fn head(&self) -> Result<ChainLink> {
        let head = self.read(|tx| async move { sql::first(&tx, HEAD, [], link).await });
        Ok(head.await?.unwrap_or_default())
    }

    async fn entries_after(&self, after: u64, limit: usize) -> Result<Vec<AuditEntry>> {
        let (after, limit) = (columns::signed(after), columns::limit(limit));
        self.read(|tx| async move { sql::all(&tx, AFTER, [&after, &limit], entry).await }).await
    }

    async fn entries(&self, filter: &AuditFilter) -> Result<Page<AuditEntry>> {
        self.snapshot(|tx| async move { entries(&tx, filter).await }).await
    }

    async fn last_before(&self, before: Timestamp) -> Result<Option<ChainLink>> {
        let before = before.as_microsecond();
        self.read(|tx| async move { sql::first(&tx, LAST_BEFORE, [&before], link).await }).await
    }

    async fn delete_entries(&self, through: u64, limit: usize) -> Result<usize> {
        let (through, limit) = (columns::signed(through), columns::limit(limit));
        self.repeatable(|tx| async move {
            let deleted = sql::run(&tx, DELETE, [&through, &limit]).await?;
            Ok(usize::try_from(deleted).unwrap_or(usize::MAX))
        })
        .await
    }
}

fn link(row: &Row) -> Tx<ChainLink> {
    Ok(ChainLink { position: sql::unsigned(row, 0)?, hash: sql::digest(row, 1)? })
}

async fn sequence(tx: &Session, limit: i64) -> Tx<usize> {
    let chain = sql::first(tx, CHAIN, [], link).await?;
    let ChainLink { mut position, mut hash } =
        chain.ok_or_else(|| Failure::Corrupt("the head of the audit chain is missing".into()))?;
    // Read after the lock was had, so that what the one before placed is not loose any more. What was
    // appended by a transaction that is still under way is not seen, and gets a later position.
    let loose: Vec<(NewAuditEntry, i64)> =
        sql::all(tx, LOOSE, [&limit], |row| Ok((entry(row)?.entry, row.try_get(9)?))).await?;
    if loose.is_empty() {
        return Ok(0);
    }
    let (mut ids, mut positions, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for (entry, id) in &loose {
        position += 1;
        hash = entry.chain_hash(&hash, position);
        ids.push(*id);
        positions.push(columns::signed(position));
        hashes.push(hash.as_bytes().to_vec());
    }
    let head = (columns::signed(position), hash.as_bytes().as_slice());
    sql::run(tx, PLACE, [&ids, &positions, &hashes, &head.0, &head.1]).await?;
    Ok(loose.len())
}

async fn entries(tx: &Session, filter: &AuditFilter) -> Tx<Page<AuditEntry>> {
    let package = filter.package.as_ref().map(PackageName::as_str);
    let event = filter.event.map(AuditEvent::as_str);
    let actor = filter.actor.as_deref().map(Text);
    let (from, to) = (filter.from.map(Timestamp::as_microsecond), filter.to.map(Timestamp::as_microsecond));
    let mut conditions = vec!["TRUE".to_owned()];
    let mut params: Vec<(&(dyn ToSql + Sync), Type)> = Vec::new();
    for (condition, param, kind, asked) in [
        ("package =", &package as &(dyn ToSql + Sync), Type::TEXT, package.is_some()),
        ("event =", &event, Type::TEXT, event.is_some()),
        ("actor =", &actor, Type::TEXT, actor.is_some()),
        ("timestamp >=", &from, Type::INT8, from.is_some()),
        ("timestamp <", &to, Type::INT8, to.is_some()),
    ] {
        if asked {
            params.push((param, kind));
            conditions.push(format!("{condition} ${}", params.len()));
        }
    }
    let conditions = conditions.join(" AND ");
    let total =
        if params.is_empty() { ALL.to_owned() } else { format!("SELECT count(*) FROM audit_log WHERE {conditions}") };
    let total = tx.ask(&total, &params).await?.first().map(|row| sql::unsigned(row, 0)).transpose()?.unwrap_or(0);
    let (limit, offset) = (columns::signed(filter.page.limit), columns::signed(filter.page.offset()));
    let at = params.len();
    params.extend([(&limit as &(dyn ToSql + Sync), Type::INT8), (&offset, Type::INT8)]);
    let query = format!(
        "SELECT {} FROM audit_log WHERE {conditions} ORDER BY position DESC NULLS FIRST, id DESC
         LIMIT ${} OFFSET ${}",
        columns!(),
        at + 1,
        at + 2,
    );
    let items = tx.ask(&query, &params).await?.iter().map(entry).collect::<Tx<_>>()?;
    Ok(Page { items, total, request: filter.page })
}

fn entry(row: &Row) -> Tx<AuditEntry> {
    let package: Option<&str> = row.try_get(3)?;
    let chained = match row.try_get::<_, Option<i64>>(7)? {
        Some(_) => Some((sql::unsigned(row, 7)?, sql::digest(row, 8)?)),
        None => None,
    };
    Ok(AuditEntry {
        entry: NewAuditEntry {
            id: row.try_get(0)?,
            event: sql::coded(row, 1, columns::audit_event)?,
            actor: sql::optional_text(row, 2)?,
            package: package.map(str::parse).transpose()?,
            version: sql::optional_text(row, 4)?,
            timestamp: sql::instant(row, 5)?,
            metadata: sql::coded(row, 6, |text| Ok(serde_json::from_str(text)?))?,
        },
        chained,
    })
}
