//! What makes an upload a version.

use aam_registry_core::{
    decide::{ExistingVersion, NewVersion, PublishCommit, PublishFacts, PublishQuotas, Usage},
    types::{DistTag, PackageName},
};
use futures_util::try_join;
use tokio_postgres::{Row, types::ToSql};
use uuid::Uuid;

use super::{
    connection::Session,
    evals,
    facts::{PackageLocks, credential, latest, latest_columns, rights_columns, rows_where, with_latest},
    failure::{Failure, Fault, FaultKind, Tx},
    sql::{self, Text},
    versions::of_name_and_key,
};
use crate::relational::{columns, predicates::version_is_kept};

/// To consume an upload and to abandon it exclude one another by its row's lock.
const CONSUME: &str = "DELETE FROM uploads WHERE id = $1 AND user_id = $2 AND abandoned_at IS NULL";
/// What a publish has to know of its package, read at once.
const SITUATION: &str = concat!(
    "SELECT ",
    rights_columns!(),
    ", p.id, ",
    latest_columns!(),
    " FROM (SELECT 1) one LEFT JOIN packages p ON p.name = $4",
    with_latest!()
);
const SIMILAR: &str = "SELECT name FROM packages WHERE similarity_key = $1";
const PUBLISHED: &str = concat!("SELECT v.version, v.sha256, v.status", of_name_and_key!());
/// Whether a package has a tag, and how many it has beside `latest`.
const TAGGED: &str = "SELECT EXISTS (SELECT 1 FROM dist_tags t WHERE t.package_id = p.id AND t.tag = $2),
    (SELECT count(*) FROM dist_tags t WHERE t.package_id = p.id AND t.tag <> 'latest')
    FROM packages p WHERE p.name = $1";

/// How many versions a package has that were not removed.
const VERSIONS: &str = concat!(
    "SELECT count(*) FROM packages p JOIN versions v ON v.package_id = p.id WHERE p.name = $1 AND ",
    version_is_kept!("v.")
);
/// How many packages a scope has, and how many bytes the archives of their versions.
const IN_SCOPE: &str = concat!(
    "SELECT (SELECT count(*) FROM packages p WHERE p.scope = $1), (
        SELECT coalesce(sum(v.archive_size), 0)::bigint FROM packages p JOIN versions v ON v.package_id = p.id
        WHERE p.scope = $1 AND ",
    version_is_kept!("v."),
    ")"
);

/// Makes a package.
pub(super) const INSERT_PACKAGE: &str = "WITH package AS (
        INSERT INTO packages (name, scope, similarity_key, created_at, updated_at, private)
        VALUES ($1, $2, $3, $4, $4, $6)
        RETURNING id
    ), owner AS (INSERT INTO package_owners (package_id, user_id) SELECT id, $5 FROM package WHERE $5::uuid IS NOT NULL
    )
    INSERT INTO pending_totals (packages) VALUES (1)";
/// Makes a version and the tags that name it.
pub(super) const INSERT_VERSION: &str = "WITH package AS (
        UPDATE packages SET updated_at = $2 WHERE name = $1 RETURNING id
    ), version AS (
        INSERT INTO versions (package_id, version, version_key, published_at, published_by, sha256, archive,
                              archive_size, dependencies, status, wanted_tag, publisher, dependencies_listed)
        SELECT id, $3, $4, $2, $5, $6, $7, $8, $9, $15, $16, $17, TRUE FROM package RETURNING id, package_id, dependencies
    ), dependency AS (
        INSERT INTO version_dependencies (name, version_id, requirement)
        SELECT d.key, v.id, d.value FROM version v, json_each_text(v.dependencies::json) d
    ), manifest AS (INSERT INTO manifests (version_id, document) SELECT id, $10 FROM version
    ), content AS (INSERT INTO contents (version_id, files, readme) SELECT id, $11, $12 FROM version
    ), tagged AS (
        INSERT INTO dist_tags (package_id, tag, version_id, instead_of)
        SELECT v.package_id, t.tag, v.id, t.instead_of
        FROM version v, unnest($13::text[], $14::text[]) t (tag, instead_of)
        ON CONFLICT (package_id, tag) DO UPDATE SET version_id = excluded.version_id, instead_of = excluded.instead_of
    )
    INSERT INTO pending_totals (versions, storage_bytes) VALUES (1, $8)";

/// What a commit is decided by. Locks what it relies on and consumes its
/// upload. Sends all it asks at once.
pub(super) async fn commit_facts(tx: &Session, commit: &PublishCommit) -> Tx<PublishFacts> {
    let name = &commit.manifest.name;
    let locks = if commit.quotas.count_scope_of(name) {
        PackageLocks::prepare_to_count(tx).await?
    } else {
        PackageLocks::prepare(tx).await?
    };
    let [consume, situation, similar, published, tagged, gates] =
        tx.prepare([CONSUME, SITUATION, SIMILAR, PUBLISHED, TAGGED, evals::GATES]).await?;
    let actor = &commit.actor;
    let key = commit.manifest.version.key();
    let (full, scope, similarity_key) = (name.as_str(), name.scope_or_empty(), similarity_key(name));
    let (user, upload) = (Uuid::from(actor.user), Uuid::from(commit.upload));
    let (session, _) = credential(actor);
    let tag = commit.tag.as_ref().map(DistTag::as_str);
    let (held, similar, situation, tagged, gates, consumed) = try_join!(
        locks.take(tx, actor, name),
        rows_where(tx, &similar, similarity_key.as_ref().map(|key| [key as _])),
        // Runs after SIMILAR, so a package inserted in between is seen here and the transaction restarts.
        tx.rows(&situation, [&user, &session, &scope, &full]),
        rows_where(tx, &tagged, tag.as_ref().map(|tag| [&full as _, tag as _])),
        rows_where(tx, &gates, tag.is_some().then_some([&full as _, &true as _, &true as _])),
        tx.execute(&consume, [&upload, &user]),
    )?;
    let situation = situation.first().ok_or_else(|| Failure::Corrupt("a situation without a row".into()))?;
    // There was no package to lock, and then there was one: what was read belongs to several instants.
    if held.package.is_none() && situation.try_get::<_, Option<i64>>(3)?.is_some() {
        return Err(Fault::new(FaultKind::Raced, "somebody made the package at the same time").into());
    }
    let latest = latest(situation, 4)?;
    let is_published = latest.published.iter().any(|published| published.version.key() == key);
    let published = rows_where(tx, &published, is_published.then_some([&full as _, &key as _])).await?;
    let usage = usage(tx, commit.quotas, name).await?;
    Ok(PublishFacts {
        usage,
        scope_exists: held.scope_exists,
        access: held.access(situation)?,
        existing: published.first().map(|row| existing(row, 0)).transpose()?.flatten(),
        similar: similar.first().map(|row| sql::parsed(row, 0)).transpose()?,
        upload_is_live: consumed > 0,
        tag_is_set: tagged.first().map(|row| row.try_get(0)).transpose()?.unwrap_or_default(),
        gates: evals::gates(&gates)?,
        tag_count: tagged.first().map(|row| sql::unsigned(row, 1)).transpose()?.unwrap_or_default(),
        latest,
    })
}

/// How much there is of what a publish of that package adds to, where a quota asks for it.
pub(super) async fn usage(tx: &Session, quotas: PublishQuotas, name: &PackageName) -> Tx<Usage> {
    let mut usage = Usage::default();
    if quotas.versions_per_package.is_some() {
        let versions = sql::first(tx, VERSIONS, [&name.as_str()], |row| sql::unsigned(row, 0)).await?;
        usage.versions = versions.unwrap_or_default();
    }
    if quotas.count_scope_of(name) {
        let scope = name.scope_or_empty();
        let counts = sql::first(tx, IN_SCOPE, [&scope], |row| Ok((sql::unsigned(row, 0)?, sql::unsigned(row, 1)?)));
        (usage.packages, usage.storage) = counts.await?.unwrap_or_default();
    }
    Ok(usage)
}

/// A version that was published, out of the three columns that start at `at`; `None` where they are null.
pub(super) fn existing(row: &Row, at: usize) -> Tx<Option<ExistingVersion>> {
    let Some(version) = row.try_get::<_, Option<&str>>(at)? else { return Ok(None) };
    let status = sql::coded(row, at + 2, columns::version_status)?;
    Ok(Some(ExistingVersion { version: version.parse()?, sha256: sql::digest(row, at + 1)?, status }))
}

/// What an unscoped package's name is too similar by.
pub(super) fn similarity_key(name: &PackageName) -> Option<String> {
    name.scope().is_none().then(|| name.similarity_key())
}

/// Makes a package that is new with the version.
pub(super) async fn insert_package(tx: &Session, new: &NewVersion<'_>) -> Tx<()> {
    let name = &new.commit.manifest.name;
    let scope = Some(name.scope_or_empty()).filter(|scope| !scope.is_empty());
    let (created_at, owner) = (new.published_at.as_microsecond(), new.owner.map(Uuid::from));
    let private = new.visibility.is_private();
    let row: [&(dyn ToSql + Sync); 6] = [&name.as_str(), &scope, &similarity_key(name), &created_at, &owner, &private];
    sql::run(tx, INSERT_PACKAGE, row).await.map(drop)
}

/// Makes the version, with the tags that name it.
pub(super) async fn insert_version(tx: &Session, new: &NewVersion<'_>) -> Tx<()> {
    let NewVersion { commit, published_at, status, tag, wanted_tag, latest, .. } = new;
    let manifest = &commit.manifest;
    let latest = latest.after.as_ref().filter(|latest| latest.version == manifest.version);
    let instead_of = latest.and_then(|latest| latest.instead_of.as_ref()).map(ToString::to_string);
    let named = latest.map(|_| (DistTag::LATEST, instead_of.as_deref())).into_iter();
    // What the policy had picked in place of what each tag names.
    let (tags, instead_of): (Vec<&str>, Vec<Option<&str>>) =
        named.chain(tag.as_ref().map(|tag| (tag.as_str(), None))).unzip();
    let publisher = new.publisher.as_deref().map(Text);
    let row: [&(dyn ToSql + Sync); 17] = [
        &manifest.name.as_str(),
        &published_at.as_microsecond(),
        &manifest.version.to_string(),
        &manifest.version.key(),
        &Uuid::from(new.published_by),
        &commit.sha256.as_bytes().as_slice(),
        &commit.archive.as_str(),
        &columns::signed(commit.archive_size),
        &columns::dependencies_text(&manifest.dependencies)?,
        &serde_json::to_string(&manifest.document)?,
        &columns::files_text(&commit.files)?,
        &commit.readme.as_deref().map(Text),
        &tags,
        &instead_of,
        &status.as_str(),
        &wanted_tag.as_ref().map(DistTag::as_str),
        &publisher,
    ];
    sql::run(tx, INSERT_VERSION, row).await.map(drop)
}
