//! What is written about approvals, quarantines and removals.

use aam_registry_core::{
    decide::QuarantineState,
    types::{ApprovalStatus, ArchiveKey, PackageName, UserId, Version},
};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    failure::{Failure, Tx},
    ids::VersionId,
    sql,
};

type OfVersion<'a> = (&'a PackageName, &'a Version);

/// The id of a version that is there.
fn id(tx: &Connection, (package, version): OfVersion<'_>) -> Tx<VersionId> {
    let query = "SELECT v.id FROM packages p JOIN versions v ON v.package_id = p.id
                 WHERE p.name = ?1 AND v.version_key = ?2";
    sql::first(tx, query, (package.as_str(), version.key()), sql::value)?
        .ok_or_else(|| Failure::Corrupt("a version that is gone".into()))
}

pub(super) fn add_approval(
    tx: &Connection,
    version: OfVersion<'_>,
    approver: UserId,
    status: ApprovalStatus,
    comment: Option<&str>,
    at: Timestamp,
) -> Tx<()> {
    let row = (id(tx, version)?, approver.to_string(), status.as_str(), comment, at.as_microsecond());
    let insert =
        "INSERT INTO approvals (version_id, approver, status, comment, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    sql::run(tx, insert, row).map(drop)
}

/// Records a quarantine; replaces what was recorded of one that lasts.
pub(super) fn open_recall(tx: &Connection, version: OfVersion<'_>, quarantine: &QuarantineState) -> Tx<()> {
    let QuarantineState { category, reason, at, by } = quarantine;
    let row = (id(tx, version)?, category.as_str(), reason, at.as_microsecond(), by.to_string());
    let put = "INSERT INTO recalls (version_id, category, reason, at, moderator, changed_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?4)
               ON CONFLICT (version_id) WHERE lifted_at IS NULL
               DO UPDATE SET category = excluded.category, reason = excluded.reason, at = excluded.at,
                             moderator = excluded.moderator, changed_at = excluded.changed_at";
    sql::run(tx, put, row).map(drop)
}

pub(super) fn lift_recall(tx: &Connection, version: OfVersion<'_>, at: Timestamp) -> Tx<()> {
    let lift = "UPDATE recalls SET lifted_at = ?2, changed_at = ?2 WHERE version_id = ?1 AND lifted_at IS NULL";
    sql::run(tx, lift, (id(tx, version)?, at.as_microsecond())).map(drop)
}

/// Forgets the contents of a version, and leaves its bytes to the sweeper.
pub(super) fn discard_archive(tx: &Connection, version: OfVersion<'_>, archive: &ArchiveKey, by: UserId) -> Tx<()> {
    let id = id(tx, version)?;
    sql::run(tx, "UPDATE contents SET files = '[]', readme = NULL WHERE version_id = ?1", [id])?;
    let abandon =
        "INSERT INTO uploads (id, user_id, started_at, lease_until, abandoned_at) VALUES (?1, ?2, ?3, ?3, ?3)";
    sql::run(tx, abandon, (archive.upload_id().to_string(), by.to_string(), sql::now()))?;
    let subtract = "UPDATE registry_totals SET versions = versions - 1,
                    storage_bytes = storage_bytes - (SELECT archive_size FROM versions WHERE id = ?1)";
    sql::run(tx, subtract, [id]).map(drop)
}
