//! Decisions about versions, and recalls, as queries read them.

use aam_registry_core::types::{
    Approval, ApprovalStatus, PackageName, Page, PageRequest, Recall, RecallList, RecallQuery, Version, Visibility,
    WaitingVersion,
};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::{connection::Session, failure::Tx, sql, versions::of_name_and_key};
use crate::relational::{columns, predicates::awaiting};

const APPROVALS: &str = concat!(
    "SELECT (SELECT u.username FROM users u WHERE u.id = a.approver), a.status, a.comment, a.created_at
    FROM approvals a WHERE a.version_id = (SELECT v.id",
    of_name_and_key!(),
    ") ORDER BY a.id"
);
/// A row for each version of the page, with the number of all; or one without a version where the page has none.
const BY_APPROVAL: &str = concat!(
    "SELECT w.name, w.private, w.version, w.username, w.published_at, (SELECT count(*) FROM (",
    awaiting!("$1"),
    ") c), w.status, w.wanted_tag
    FROM (SELECT 1) one LEFT JOIN (
        SELECT p.name, p.private, v.version, u.username, v.published_at, v.id, v.status, v.wanted_tag FROM (",
    awaiting!("$1"),
    ") a JOIN versions v ON v.id = a.id
        JOIN packages p ON p.id = v.package_id JOIN users u ON u.id = v.published_by
        ORDER BY v.id LIMIT $2 OFFSET $3
    ) w ON TRUE ORDER BY w.id"
);
const RECALLS: &str = "SELECT p.name, v.version, v.sha256, r.category, r.reason, r.at, r.lifted_at, p.private
    FROM recalls r JOIN versions v ON v.id = r.version_id JOIN packages p ON p.id = v.package_id
    WHERE r.changed_at >= $1 AND v.status LIKE 'approved%' AND (NOT p.private OR $2)
    ORDER BY r.changed_at, r.id LIMIT $3";

/// The decisions about a version, oldest first.
pub(super) async fn approvals(tx: &Session, name: &PackageName, version: &Version) -> Tx<Vec<Approval>> {
    sql::all(tx, APPROVALS, [&name.as_str(), &version.key()], |row| {
        Ok(Approval {
            approver: row.try_get::<_, Option<&str>>(0)?.map(str::parse).transpose()?,
            status: sql::coded(row, 1, columns::approval_status)?,
            comment: sql::optional_text(row, 2)?,
            created_at: sql::instant(row, 3)?,
        })
    })
    .await
}

/// The versions of that approval status that are neither in quarantine nor removed, oldest first; with those that wait,
/// the open ones whose tag waits.
pub(super) async fn by_approval(tx: &Session, status: ApprovalStatus, page: PageRequest) -> Tx<Page<WaitingVersion>> {
    let (limit, offset) = (columns::signed(page.limit), columns::signed(page.offset()));
    let [query] = tx.prepare([BY_APPROVAL]).await?;
    let rows = tx.rows(&query, [&status.as_str(), &limit, &offset]).await?;
    let total = rows.first().map(|row| sql::unsigned(row, 5)).transpose()?.unwrap_or_default();
    let waiting = rows.iter().filter(|row| row.try_get::<_, Option<&str>>(0).is_ok_and(|name| name.is_some()));
    let items = waiting.map(|row: &Row| {
        Ok(WaitingVersion {
            package: sql::parsed(row, 0)?,
            visibility: Visibility::of(row.try_get(1)?),
            version: sql::parsed(row, 2)?,
            published_by: sql::parsed(row, 3)?,
            published_at: sql::instant(row, 4)?,
            status: sql::coded(row, 6, columns::approval_status)?,
            tag: row.try_get::<_, Option<&str>>(7)?.map(str::parse).transpose()?,
        })
    });
    Ok(Page { items: items.collect::<Tx<_>>()?, total, request: page })
}

/// The recalls of versions that everybody could see who sees their package. A part may be shorter than it could be,
/// since those of private packages out of sight are left out of it.
pub(super) async fn recalls(tx: &Session, query: &RecallQuery) -> Tx<RecallList> {
    let since = query.since.map_or(i64::MIN, Timestamp::as_microsecond);
    let (private, limit) = (query.sight.reach().includes_private(), columns::limit(query.limit.saturating_add(1)));
    let read = sql::all(tx, RECALLS, [&since, &private, &limit], |row| {
        let recall = Recall {
            package: sql::parsed(row, 0)?,
            version: sql::parsed(row, 1)?,
            sha256: sql::digest(row, 2)?,
            category: sql::coded(row, 3, columns::moderation_category)?,
            reason: sql::text(row, 4)?,
            at: sql::instant(row, 5)?,
            lifted_at: sql::optional_instant(row, 6)?,
        };
        Ok((recall, Visibility::of(row.try_get(7)?)))
    });
    let read: Vec<(Recall, Visibility)> = read.await?;
    let next_since = read.get(query.limit).map(|(recall, _)| recall.changed_at());
    let in_sight = read.into_iter().take(query.limit);
    let in_sight =
        in_sight.filter(|(recall, visibility)| !visibility.is_private() || query.sight.sees(&recall.package));
    Ok(RecallList { recalls: in_sight.map(|(recall, _)| recall).collect(), next_since })
}
