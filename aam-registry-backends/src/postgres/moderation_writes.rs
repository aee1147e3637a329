//! What is written about approvals, quarantines and removals.

use aam_registry_core::{
    decide::QuarantineState,
    types::{PackageName, Version},
};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    connection::Session,
    failure::Tx,
    sql::{self, Text, now},
    versions::of_name_and_key,
};

pub(super) const SET_STATUS: &str = "UPDATE versions v SET status = $3 FROM packages p
    WHERE p.name = $1 AND v.package_id = p.id AND v.version_key = $2";
pub(super) const SET_WANTED_TAG: &str = "UPDATE versions v SET wanted_tag = $3 FROM packages p
    WHERE p.name = $1 AND v.package_id = p.id AND v.version_key = $2";
pub(super) const ADD_APPROVAL: &str = concat!(
    "INSERT INTO approvals (version_id, approver, status, comment, created_at) SELECT v.id, $3, $4, $5, $6",
    of_name_and_key!()
);
/// Replaces what was recorded of a quarantine that lasts.
pub(super) const OPEN_RECALL: &str = concat!(
    "INSERT INTO recalls (version_id, category, reason, at, moderator, changed_at) SELECT v.id, $3, $4, $5, $6, $5",
    of_name_and_key!(),
    " ON CONFLICT (version_id) WHERE lifted_at IS NULL DO UPDATE SET category = excluded.category,
        reason = excluded.reason, at = excluded.at, moderator = excluded.moderator, changed_at = excluded.changed_at"
);
pub(super) const LIFT_RECALL: &str = "UPDATE recalls r SET lifted_at = $3, changed_at = $3
    FROM packages p JOIN versions v ON v.package_id = p.id
    WHERE p.name = $1 AND v.version_key = $2 AND r.version_id = v.id AND r.lifted_at IS NULL";
/// Forgets the contents of a version, and leaves its bytes to the sweeper.
pub(super) const DISCARD_ARCHIVE: &str = concat!(
    "WITH version AS (SELECT v.id, v.archive_size",
    of_name_and_key!(),
    "), content AS (
        UPDATE contents c SET files = '[]', readme = NULL FROM version v WHERE c.version_id = v.id
    ), upload AS (INSERT INTO uploads (id, user_id, started_at, lease_until, abandoned_at)
        VALUES ($3, $4, ",
    now!(),
    ", ",
    now!(),
    ", ",
    now!(),
    ")
    )
    INSERT INTO pending_totals (versions, storage_bytes) SELECT -1, -v.archive_size FROM version v"
);

pub(super) async fn open_recall(
    tx: &Session,
    package: &PackageName,
    version: &Version,
    quarantine: &QuarantineState,
) -> Tx<()> {
    let QuarantineState { category, reason, at, by } = quarantine;
    let row: [&(dyn ToSql + Sync); 6] =
        [&package.as_str(), &version.key(), &category.as_str(), &Text(reason), &at.as_microsecond(), &Uuid::from(*by)];
    sql::run(tx, OPEN_RECALL, row).await.map(drop)
}
