use aam_registry_core::types::{EvalName, EvalResult, EvalStatus, Gates, Version};
use rusqlite::Connection;

use super::{
    failure::Tx,
    ids::{PackageId, VersionId},
    sql,
};
use crate::relational::columns;

/// The last result of each eval of a version, by name.
pub(super) fn of_version(tx: &Connection, version: VersionId) -> Tx<Vec<EvalResult>> {
    let query = "SELECT name, status, metrics, run_at, runner, environment, recorded_at
                 FROM eval_results WHERE version_id = ?1 ORDER BY name";
    sql::all(tx, query, [version], |row| {
        let environment: Option<String> = row.get(5)?;
        Ok(EvalResult {
            name: sql::parsed(row, 0)?,
            status: sql::coded(row, 1, columns::eval_status)?,
            metrics: sql::coded(row, 2, columns::eval_facts)?,
            run_at: sql::instant(row, 3)?,
            runner: row.get(4)?,
            environment: environment.map(|text| columns::eval_facts(&text)).transpose()?.unwrap_or_default(),
            recorded_at: sql::instant(row, 6)?,
        })
    })
}

/// How each eval of a version ended last, by name.
pub(super) fn statuses(tx: &Connection, version: VersionId) -> Tx<Vec<(EvalName, EvalStatus)>> {
    let query = "SELECT name, status FROM eval_results WHERE version_id = ?1 ORDER BY name";
    sql::all(tx, query, [version], |row| Ok((sql::parsed(row, 0)?, sql::coded(row, 1, columns::eval_status)?)))
}

/// Sets the result of an eval.
pub(super) fn put(tx: &Connection, package: PackageId, version: &Version, result: &EvalResult) -> Tx<()> {
    let put = "INSERT INTO eval_results (version_id, name, status, metrics, run_at, runner, environment, recorded_at)
        SELECT id, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM versions WHERE package_id = ?1 AND version_key = ?2
        ON CONFLICT (version_id, name) DO UPDATE SET status = excluded.status, metrics = excluded.metrics,
            run_at = excluded.run_at, runner = excluded.runner, environment = excluded.environment,
            recorded_at = excluded.recorded_at";
    let row = (
        package,
        version.key(),
        result.name.as_str(),
        result.status.as_str(),
        columns::eval_facts_text(&result.metrics)?,
        result.run_at.as_microsecond(),
        &result.runner,
        columns::eval_facts_text(&result.environment)?,
        result.recorded_at.as_microsecond(),
    );
    sql::run(tx, put, row).map(drop)
}

/// The gates of a package's dist-tags.
pub(super) fn gates(tx: &Connection, package: PackageId) -> Tx<Gates> {
    let query = "SELECT tag, evals FROM tag_gates WHERE package_id = ?1";
    sql::all(tx, query, [package], |row| Ok((sql::parsed(row, 0)?, sql::coded(row, 1, columns::eval_names)?)))
}

/// Sets all gates of a package's dist-tags.
pub(super) fn set_gates(tx: &Connection, package: PackageId, gates: &Gates) -> Tx<()> {
    sql::run(tx, "DELETE FROM tag_gates WHERE package_id = ?1", [package])?;
    for (tag, evals) in gates {
        let insert = "INSERT INTO tag_gates (package_id, tag, evals) VALUES (?1, ?2, ?3)";
        sql::run(tx, insert, (package, tag.as_str(), columns::eval_names_text(evals)?))?;
    }
    Ok(())
}
