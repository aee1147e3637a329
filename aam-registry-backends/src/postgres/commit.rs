//! The transaction that makes an upload a version.

use aam_registry_core::{
    Error,
    ports::{Change, PublishCommit, Published},
    types::{Action, DistTag, LatestTag, PublishedVersion},
};
use futures_util::{future::OptionFuture, try_join};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    access::PackageAccess,
    audit::Append,
    connection::Session,
    failure::{Fault, FaultKind, Tx},
    listing::{self, Listing},
    packages::PackageId,
    publishing::{Obstacles, similarity_key, too_similar, version_exists},
    sql::Text,
    tags::{Choice, Tags},
    versions::of_name_and_key,
};
use crate::relational::columns;

/// To consume an upload and to abandon it exclude one another by its row's lock.
const CONSUME: &str = "DELETE FROM uploads WHERE id = $1 AND user_id = $2 AND abandoned_at IS NULL";
const PUBLISHED: &str = concat!("SELECT v.version, v.sha256", of_name_and_key!());
const SIMILAR: &str = "SELECT name FROM packages WHERE similarity_key = $1";

/// Makes a version and, where `$1` is null, its package: of an unscoped one the publisher is the owner.
const INSERT: &str = "WITH made AS (
        INSERT INTO packages (name, scope, similarity_key, created_at, updated_at)
        SELECT $2, $3, $4, $5, $5 WHERE $1::bigint IS NULL RETURNING id
    ), package AS (SELECT id FROM made UNION ALL SELECT $1 WHERE $1 IS NOT NULL
    ), touched AS (UPDATE packages SET updated_at = $5 WHERE id = $1
    ), owner AS (
        INSERT INTO package_owners (package_id, user_id) SELECT id, $6 FROM made WHERE $3::text IS NULL
    ), version AS (
        INSERT INTO versions (package_id, version, version_key, published_at, published_by, sha256, archive,
                              archive_size, dependencies)
        SELECT id, $7, $8, $5, $6, $9, $10, $11, $12 FROM package RETURNING id
    ), manifest AS (INSERT INTO manifests (version_id, document) SELECT id, $13 FROM version
    ), content AS (INSERT INTO contents (version_id, files, readme) SELECT id, $14, $15 FROM version
    )
    INSERT INTO pending_totals (packages, versions, storage_bytes) SELECT (SELECT count(*) FROM made), 1, $11";

pub(super) async fn publish(tx: &Session, commit: &PublishCommit) -> Tx<Published> {
    let (name, version) = (&commit.manifest.name, &commit.manifest.version);
    let (user, key, similarity_key) = (Uuid::from(commit.actor.user), version.key(), similarity_key(name));
    let (access, tags) = (PackageAccess::prepare(tx).await?, Tags::prepare(tx).await?);
    let (listing, append) = (Listing::prepare(tx).await?, Append::prepare(tx).await?);
    let [published, similar, consume, insert] = tx.prepare([PUBLISHED, SIMILAR, CONSUME, INSERT]).await?;

    let (full, upload) = (name.as_str(), Uuid::from(commit.upload));
    let (access, published, similar, choice, tagged, consumed) = try_join!(
        access.take(tx, &commit.actor, name, commit.now),
        tx.rows(&published, [&full, &key]),
        tx.rows(&similar, [&similarity_key]),
        tags.choice(tx, name),
        async { OptionFuture::from(commit.tag.as_ref().map(|tag| tags.exists(tx, name, tag))).await.transpose() },
        tx.execute(&consume, [&upload, &user]),
    )?;
    // There was no package to lock, and then there was one: what was read belongs to several instants.
    let made_meanwhile = similar.iter().any(|row| row.try_get(0).is_ok_and(|other: &str| other == full));
    if access.package.is_none() && made_meanwhile {
        return Err(Fault::new(FaultKind::Raced, "somebody made the package at the same time").into());
    }
    let obstacles = Obstacles {
        rights: access.rights,
        scope_exists: access.scope_exists,
        package_exists: access.package.is_some(),
        published: published.first().map(|row| version_exists(row, 0, name)).transpose()?,
        similar: similar.first().map(|row| too_similar(row, 0, name)).transpose()?,
    };
    obstacles.require_none(name)?;
    if consumed == 0 {
        return Err(Error::upload_ended().into());
    }
    if tagged == Some(true) {
        access.require(Action::Tag, name)?;
    }

    let package = access.package.map(|package| package.id);
    let (before, after) = latest(choice, commit);
    let moved = before.as_ref().map(|tag| &tag.version) != after.as_ref().map(|tag| &tag.version);
    let listed = match &after {
        Some(after) if moved && after.version != *version => Some(listing::manifest(tx, name, &after.version).await?),
        _ => None,
    };
    let row = VersionRow::of(commit, package, user, similarity_key)?;
    let put_latest = async {
        if before != after {
            tags.put_latest(tx, name, after.as_ref()).await?;
        }
        Ok(())
    };
    let put_tag = async {
        if let Some(tag) = commit.tag.as_ref().filter(|tag| !tag.is_latest()) {
            tags.put(tx, name, tag, version).await?;
        }
        Ok(())
    };
    let list = async {
        if moved {
            let downloads = access.package.map_or(0, |package| package.downloads);
            listing.list(tx, listed.as_ref().unwrap_or(&commit.manifest), downloads, commit.now).await
        } else {
            listing.touch_listing(tx, name, commit.now).await
        }
    };
    try_join!(
        tx.execute(&insert, row.params()),
        put_latest,
        put_tag,
        list,
        append.run(tx, &commit.audit, Some(Change::Package(name.clone()))),
    )?;
    let latest = after.is_some_and(|after| after.version == *version).then(DistTag::latest);
    let mut dist_tags: Vec<_> = commit.tag.clone().filter(|tag| !tag.is_latest()).into_iter().chain(latest).collect();
    dist_tags.sort();
    Ok(Published { published_at: commit.now, dist_tags })
}

/// What `latest` names before and after the publish.
fn latest(choice: Choice, commit: &PublishCommit) -> (Option<LatestTag>, Option<LatestTag>) {
    let version = &commit.manifest.version;
    let mut published = choice.published;
    published.push(PublishedVersion { version: version.clone(), visible: true });
    let picked = commit.latest_policy.recompute(choice.before.as_ref(), &published);
    let asked = commit.tag.as_ref().is_some_and(DistTag::is_latest);
    let after = if asked { Some(LatestTag::set_by_hand(version.clone(), picked.as_ref())) } else { picked };
    (choice.before, after)
}

/// What [`INSERT`] is given.
struct VersionRow<'a> {
    package: Option<PackageId>,
    name: &'a str,
    scope: Option<&'a str>,
    similarity_key: Option<String>,
    now: i64,
    user: Uuid,
    version: String,
    key: String,
    sha256: &'a [u8],
    archive: &'a str,
    archive_size: i64,
    dependencies: String,
    document: String,
    files: String,
    readme: Option<Text<'a>>,
}

impl<'a> VersionRow<'a> {
    fn of(
        commit: &'a PublishCommit,
        package: Option<PackageId>,
        user: Uuid,
        similarity_key: Option<String>,
    ) -> Tx<Self> {
        let manifest = &commit.manifest;
        Ok(Self {
            package,
            name: manifest.name.as_str(),
            scope: Some(manifest.name.scope_or_empty()).filter(|scope| !scope.is_empty()),
            similarity_key,
            now: commit.now.as_microsecond(),
            user,
            version: manifest.version.to_string(),
            key: manifest.version.key(),
            sha256: commit.sha256.as_bytes(),
            archive: commit.archive.as_str(),
            archive_size: columns::signed(commit.archive_size),
            dependencies: columns::dependencies_text(&manifest.dependencies)?,
            document: serde_json::to_string(&manifest.document)?,
            files: columns::files_text(&commit.files)?,
            readme: commit.readme.as_deref().map(Text),
        })
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 15] {
        [
            &self.package,
            &self.name,
            &self.scope,
            &self.similarity_key,
            &self.now,
            &self.user,
            &self.version,
            &self.key,
            &self.sha256,
            &self.archive,
            &self.archive_size,
            &self.dependencies,
            &self.document,
            &self.files,
            &self.readme,
        ]
    }
}
