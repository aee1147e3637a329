use aam_registry_core::types::{DistTag, EvalName, EvalResult, EvalStatus, Gates, PackageName, Reach, Version};
use jiff::Timestamp;
use tokio_postgres::{Row, types::ToSql};

use super::{
    connection::Session,
    failure::{Failure, Tx},
    sql::{self, Text},
};
use crate::relational::{columns, predicates::package_is_in_reach};

/// The results of the evals of the version `v` as one JSON text in the column `evals`.
macro_rules! eval_results_column {
    () => {
        "(SELECT json_agg(json_build_array(e.name, e.status, e.metrics, e.run_at, e.runner, e.environment, e.recorded_at)
            ORDER BY e.name)::text FROM eval_results e WHERE e.version_id = v.id) AS evals"
    };
}
pub(super) use eval_results_column;

/// The names and statuses of the evals of the version `v`, in the columns `eval_names` and `eval_statuses`.
macro_rules! eval_status_columns {
    () => {
        "ARRAY(SELECT e.name FROM eval_results e WHERE e.version_id = v.id ORDER BY e.name) AS eval_names,
         ARRAY(SELECT e.status FROM eval_results e WHERE e.version_id = v.id ORDER BY e.name) AS eval_statuses"
    };
}
pub(super) use eval_status_columns;

/// The gates of a package within reach: `$2` says whether private packages are, `$3` whether versions of every status are.
/// A package without a gate has a row of nulls.
pub(super) const GATES: &str = concat!(
    "SELECT g.tag, g.evals FROM packages p LEFT JOIN tag_gates g ON g.package_id = p.id WHERE p.name = $1 AND ",
    package_is_in_reach!("p.", "$2", "$3")
);
pub(super) const PUT: &str =
    "INSERT INTO eval_results (version_id, name, status, metrics, run_at, runner, environment, recorded_at)
    SELECT v.id, $3, $4, $5, $6, $7, $8, $9 FROM packages p JOIN versions v ON v.package_id = p.id
    WHERE p.name = $1 AND v.version_key = $2
    ON CONFLICT (version_id, name) DO UPDATE SET status = excluded.status, metrics = excluded.metrics,
        run_at = excluded.run_at, runner = excluded.runner, environment = excluded.environment,
        recorded_at = excluded.recorded_at";
pub(super) const DROP_GATES: &str =
    "DELETE FROM tag_gates g USING packages p WHERE p.name = $1 AND g.package_id = p.id";
pub(super) const ADD_GATES: &str = "INSERT INTO tag_gates (package_id, tag, evals)
    SELECT p.id, g.tag, g.evals FROM packages p, unnest($2::text[], $3::text[]) g (tag, evals) WHERE p.name = $1";

/// What the column `evals` of [`eval_results_column`] says.
pub(super) fn results(row: &Row) -> Tx<Vec<EvalResult>> {
    type Columns = (String, String, String, i64, Option<String>, Option<String>, i64);
    let Some(text) = row.try_get::<_, Option<&str>>("evals")? else { return Ok(Vec::new()) };
    let instant = |micros: i64| {
        Timestamp::from_microsecond(micros).map_err(|_| Failure::Corrupt("an instant that is none".into()))
    };
    let rows: Vec<Columns> = serde_json::from_str(text)?;
    let rows = rows.into_iter().map(|(name, status, metrics, run_at, runner, environment, recorded_at)| {
        Ok(EvalResult {
            name: name.parse()?,
            status: columns::eval_status(&status)?,
            metrics: columns::eval_facts(&metrics)?,
            run_at: instant(run_at)?,
            runner,
            environment: environment.map(|text| columns::eval_facts(&text)).transpose()?.unwrap_or_default(),
            recorded_at: instant(recorded_at)?,
        })
    });
    rows.collect()
}

/// What the columns of [`eval_status_columns`] say.
pub(super) fn statuses(row: &Row) -> Tx<Vec<(EvalName, EvalStatus)>> {
    let (names, statuses): (Vec<&str>, Vec<&str>) = (row.try_get("eval_names")?, row.try_get("eval_statuses")?);
    let pairs = names.into_iter().zip(statuses);
    pairs.map(|(name, status)| Ok((name.parse()?, columns::eval_status(status)?))).collect()
}

/// The gates of a package within reach.
pub(super) async fn gates_of(tx: &Session, name: &PackageName, reach: Reach) -> Tx<Option<Gates>> {
    let [query] = tx.prepare([GATES]).await?;
    let rows = tx.rows(&query, [&name.as_str(), &reach.includes_private(), &reach.includes_every_status()]).await?;
    if rows.is_empty() { Ok(None) } else { gates(&rows).map(Some) }
}

/// What the rows of [`GATES`] say.
pub(super) fn gates(rows: &[Row]) -> Tx<Gates> {
    let mut gates = Gates::new();
    for row in rows {
        if let Some(tag) = row.try_get::<_, Option<&str>>(0)? {
            gates.insert(tag.parse()?, columns::eval_names(row.try_get(1)?)?);
        }
    }
    Ok(gates)
}

/// Sets the result of an eval.
pub(super) async fn put(tx: &Session, package: &PackageName, version: &Version, result: &EvalResult) -> Tx<()> {
    let (metrics, environment) =
        (columns::eval_facts_text(&result.metrics)?, columns::eval_facts_text(&result.environment)?);
    let row: [&(dyn ToSql + Sync); 9] = [
        &package.as_str(),
        &version.key(),
        &result.name.as_str(),
        &result.status.as_str(),
        &metrics,
        &result.run_at.as_microsecond(),
        &result.runner.as_deref().map(Text),
        &environment,
        &result.recorded_at.as_microsecond(),
    ];
    sql::run(tx, PUT, row).await.map(drop)
}

/// Sets all gates of a package's dist-tags.
pub(super) async fn set_gates(tx: &Session, package: &PackageName, gates: &Gates) -> Tx<()> {
    sql::run(tx, DROP_GATES, [&package.as_str()]).await?;
    let tags: Vec<&str> = gates.keys().map(DistTag::as_str).collect();
    let evals = gates.values().map(|evals| columns::eval_names_text(evals)).collect::<Result<Vec<_>, _>>()?;
    sql::run(tx, ADD_GATES, [&package.as_str(), &tags, &evals]).await.map(drop)
}
