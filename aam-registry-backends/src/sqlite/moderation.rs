//! Decisions about versions, and recalls, as queries read them.

use aam_registry_core::types::{
    Approval, ApprovalStatus, PackageName, Page, PageRequest, Recall, RecallList, RecallQuery, Version, Visibility,
    WaitingVersion,
};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{failure::Tx, sql};
use crate::relational::{columns, predicates::awaiting};

/// The decisions about a version, oldest first.
pub(super) fn approvals(tx: &Connection, name: &PackageName, version: &Version) -> Tx<Vec<Approval>> {
    let query = "SELECT u.username, a.status, a.comment, a.created_at FROM packages p
                 JOIN versions v ON v.package_id = p.id JOIN approvals a ON a.version_id = v.id
                 LEFT JOIN users u ON u.id = a.approver
                 WHERE p.name = ?1 AND v.version_key = ?2 ORDER BY a.id";
    sql::all(tx, query, (name.as_str(), version.key()), |row| {
        Ok(Approval {
            approver: row.get::<_, Option<String>>(0)?.map(|name| name.parse()).transpose()?,
            status: sql::coded(row, 1, columns::approval_status)?,
            comment: row.get(2)?,
            created_at: sql::instant(row, 3)?,
        })
    })
}

/// The versions of that approval status that are neither in quarantine nor removed, oldest first; with those that wait,
/// the open ones whose tag waits.
pub(super) fn by_approval(tx: &Connection, status: ApprovalStatus, page: PageRequest) -> Tx<Page<WaitingVersion>> {
    let count = concat!("SELECT count(*) FROM (", awaiting!("?1"), ") awaiting");
    let total = sql::first(tx, count, [status.as_str()], |row| sql::unsigned(row, 0))?.unwrap_or_default();
    let query = concat!(
        "SELECT p.name, p.private, v.version, u.username, v.published_at, v.status, v.wanted_tag FROM (",
        awaiting!("?1"),
        ") awaiting JOIN versions v ON v.id = awaiting.id JOIN packages p ON p.id = v.package_id
         JOIN users u ON u.id = v.published_by ORDER BY v.id LIMIT ?2 OFFSET ?3"
    );
    let params = (status.as_str(), columns::signed(page.limit), columns::signed(page.offset()));
    let items = sql::all(tx, query, params, |row| {
        Ok(WaitingVersion {
            package: sql::parsed(row, 0)?,
            visibility: Visibility::of(row.get(1)?),
            version: sql::parsed(row, 2)?,
            published_by: sql::parsed(row, 3)?,
            published_at: sql::instant(row, 4)?,
            status: sql::coded(row, 5, columns::approval_status)?,
            tag: row.get::<_, Option<String>>(6)?.map(|tag| tag.parse()).transpose()?,
        })
    })?;
    Ok(Page { items, total, request: page })
}

/// The recalls of versions that everybody could see who sees their package.
pub(super) fn recalls(tx: &Connection, query: &RecallQuery) -> Tx<RecallList> {
    let statement = "SELECT p.name, v.version, v.sha256, r.category, r.reason, r.at, r.lifted_at, p.private
                     FROM recalls r JOIN versions v ON v.id = r.version_id JOIN packages p ON p.id = v.package_id
                     WHERE r.changed_at >= ?1 AND v.status LIKE 'approved%' AND (NOT p.private OR ?2)
                     ORDER BY r.changed_at, r.id";
    let since = query.since.map_or(i64::MIN, Timestamp::as_microsecond);
    let mut statement = tx.prepare_cached(statement)?;
    let mut rows = statement.query((since, query.sight.reach().includes_private()))?;
    let mut list = RecallList::default();
    while let Some(row) = rows.next()? {
        let recall = Recall {
            package: sql::parsed(row, 0)?,
            version: sql::parsed(row, 1)?,
            sha256: sql::digest(row, 2)?,
            category: sql::coded(row, 3, columns::moderation_category)?,
            reason: row.get(4)?,
            at: sql::instant(row, 5)?,
            lifted_at: sql::optional_instant(row, 6)?,
        };
        if Visibility::of(row.get(7)?).is_private() && !query.sight.sees(&recall.package) {
            continue;
        }
        if list.recalls.len() == query.limit {
            list.next_since = Some(recall.changed_at());
            break;
        }
        list.recalls.push(recall);
    }
    Ok(list)
}
