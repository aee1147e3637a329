//! The transaction that makes an upload a version.

use aam_registry_core::{
    Error,
    ports::{Change, PublishCommit, Published},
    types::{Action, DistTag, LatestTag, PublishedVersion},
};
use futures_util::try_join;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{
    access::{Access, PackageAccess, credential, rights_columns},
    audit::Append,
    connection::{Prepared, Session},
    failure::{Failure, Fault, FaultKind, Tx},
    listing::{self, Listing},
    packages::PackageId,
    publishing::{Obstacles, similarity_key, too_similar, version_exists},
    sql::Text,
    tags::{Choice, Tags, choice_columns, with_choice},
    versions::of_name_and_key,
};
use crate::relational::columns;

/// To consume an upload and to abandon it exclude one another by its row's lock.
const CONSUME: &str = "DELETE FROM uploads WHERE id = $1 AND user_id = $2 AND abandoned_at IS NULL";
/// What a publish has to know of its package, read at once.
const SITUATION: &str = concat!(
    "SELECT ",
    rights_columns!(),
    ", p.id, ",
    choice_columns!(),
    " FROM (SELECT 1) one LEFT JOIN packages p ON p.name = $4",
    with_choice!()
);
const SIMILAR: &str = "SELECT name FROM packages WHERE similarity_key = $1";
const PUBLISHED: &str = concat!("SELECT v.version, v.sha256", of_name_and_key!());
const TAGGED: &str = "SELECT 1 FROM packages p JOIN dist_tags t ON t.package_id = p.id
    WHERE p.name = $1 AND t.tag = $2";

/// Makes a package: of an unscoped one the publisher is the owner.
const INSERT_PACKAGE: &str = "WITH package AS (
        INSERT INTO packages (name, scope, similarity_key, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
        RETURNING id
    ), owner AS (INSERT INTO package_owners (package_id, user_id) SELECT id, $5 FROM package WHERE $2::text IS NULL
    ), made AS (INSERT INTO pending_totals (packages) VALUES (1)
    )
    SELECT id FROM package";
/// Makes a version and the tags that name it.
const INSERT_VERSION: &str = "WITH package AS (UPDATE packages SET updated_at = $2 WHERE id = $1
    ), version AS (
        INSERT INTO versions (package_id, version, version_key, published_at, published_by, sha256, archive,
                              archive_size, dependencies)
        VALUES ($1, $3, $4, $2, $5, $6, $7, $8, $9) RETURNING id
    ), manifest AS (INSERT INTO manifests (version_id, document) SELECT id, $10 FROM version
    ), content AS (INSERT INTO contents (version_id, files, readme) SELECT id, $11, $12 FROM version
    ), tagged AS (
        INSERT INTO dist_tags (package_id, tag, version_id, instead_of)
        SELECT $1, t.tag, v.id, t.instead_of FROM version v, unnest($13::text[], $14::text[]) t (tag, instead_of)
        ON CONFLICT (package_id, tag) DO UPDATE SET version_id = excluded.version_id, instead_of = excluded.instead_of
    )
    INSERT INTO pending_totals (versions, storage_bytes) VALUES (1, $8)";

pub(super) async fn publish(tx: &Session, commit: &PublishCommit) -> Tx<Published> {
    let (name, version) = (&commit.manifest.name, &commit.manifest.version);
    let publishing = Publishing::prepare(tx).await?;
    let Situation { access, choice } = publishing.take(tx, commit).await?;

    let (before, after) = latest(choice, commit);
    let moved = before.as_ref().map(|tag| &tag.version) != after.as_ref().map(|tag| &tag.version);
    let is_latest = after.as_ref().is_some_and(|after| after.version == *version);
    let listed = match &after {
        Some(after) if moved && !is_latest => Some(listing::manifest(tx, name, &after.version).await?),
        _ => None,
    };
    let mut named = Vec::new();
    if let Some(after) = after.as_ref().filter(|_| is_latest) {
        named.push((DistTag::latest(), after.instead_of.as_ref().map(ToString::to_string)));
    }
    named.extend(commit.tag.clone().filter(|tag| !tag.is_latest()).map(|tag| (tag, None)));
    // The clock of another replica may have been ahead.
    let now = access.package.map_or(commit.now, |package| commit.now.max(package.updated_at));
    let (package, downloads) = match access.package {
        Some(package) => (package.id, package.downloads),
        None => (publishing.insert_package(tx, commit).await?, 0),
    };
    let row = VersionRow::of(commit, package, &named, now)?;
    let put_latest = async {
        if before != after && !is_latest {
            publishing.tags.put_latest(tx, name, after.as_ref()).await?;
        }
        Ok(())
    };
    let list = async {
        let listing = &publishing.listing;
        if moved {
            listing.list(tx, listed.as_ref().unwrap_or(&commit.manifest), downloads, now).await
        } else {
            listing.touch_listing(tx, name, now).await
        }
    };
    try_join!(
        tx.execute(&publishing.insert_version, row.params()),
        put_latest,
        list,
        publishing.append.run(tx, &commit.audit, Some(Change::Package(name.clone()))),
    )?;
    let mut dist_tags: Vec<_> = named.into_iter().map(|(tag, _)| tag).collect();
    dist_tags.sort();
    Ok(Published { published_at: now, dist_tags })
}

/// The statements of a publish.
struct Publishing {
    access: PackageAccess,
    tags: Tags,
    listing: Listing,
    append: Append,
    consume: Prepared,
    situation: Prepared,
    similar: Prepared,
    published: Prepared,
    tagged: Prepared,
    insert_package: Prepared,
    insert_version: Prepared,
}

/// What a publish that nothing stands in the way of finds, under the locks that keep it so.
struct Situation {
    access: Access,
    choice: Choice,
}

impl Publishing {
    async fn prepare(tx: &Session) -> Tx<Self> {
        let [consume, situation, similar, published, tagged, insert_package, insert_version] =
            tx.prepare([CONSUME, SITUATION, SIMILAR, PUBLISHED, TAGGED, INSERT_PACKAGE, INSERT_VERSION]).await?;
        Ok(Self {
            access: PackageAccess::prepare(tx).await?,
            tags: Tags::prepare(tx).await?,
            listing: Listing::prepare(tx).await?,
            append: Append::prepare(tx).await?,
            consume,
            situation,
            similar,
            published,
            tagged,
            insert_package,
            insert_version,
        })
    }

    /// Locks what the publish relies on, consumes its upload and finds out
    /// that it may go on. Sends all it asks at once.
    async fn take(&self, tx: &Session, commit: &PublishCommit) -> Tx<Situation> {
        let (actor, now) = (&commit.actor, commit.now);
        let (name, key) = (&commit.manifest.name, commit.manifest.version.key());
        let (full, scope) = (name.as_str(), name.scope_or_empty());
        let (user, upload) = (Uuid::from(actor.user), Uuid::from(commit.upload));
        let (session, _) = credential(actor);
        let similar = async {
            let Some(similarity_key) = similarity_key(name) else { return Ok(None) };
            let rows = tx.rows(&self.similar, [&similarity_key]).await?;
            Ok(rows.first().map(|row| too_similar(row, 0, name)).transpose()?.flatten())
        };
        let is_tagged = async {
            let Some(tag) = &commit.tag else { return Ok(false) };
            Ok(!tx.rows(&self.tagged, [&full, &tag.as_str()]).await?.is_empty())
        };
        let (held, similar, situation, is_tagged, consumed) = try_join!(
            self.access.lock(tx, actor, name, now),
            similar,
            // Behind it, so that it knows of a package that was found similar to itself.
            tx.rows(&self.situation, [&user, &session, &scope, &full]),
            is_tagged,
            tx.execute(&self.consume, [&upload, &user]),
        )?;
        let situation = situation.first().ok_or_else(|| Failure::Corrupt("a situation without a row".into()))?;
        // There was no package to lock, and then there was one: what was read belongs to several instants.
        if held.package.is_none() && situation.try_get::<_, Option<PackageId>>(3)?.is_some() {
            return Err(Fault::new(FaultKind::Raced, "somebody made the package at the same time").into());
        }
        let access = PackageAccess::of(actor, &held, situation, now)?;
        let choice = Choice::read(situation, 4)?;
        let published = if choice.published.iter().any(|published| published.version.key() == key) {
            let rows = tx.rows(&self.published, [&full, &key]).await?;
            rows.first().map(|row| version_exists(row, 0, name)).transpose()?.flatten()
        } else {
            None
        };
        let (rights, scope_exists, package_exists) = (access.rights, access.scope_exists, access.package.is_some());
        Obstacles { rights, scope_exists, package_exists, published, similar }.require_none(name)?;
        if consumed == 0 {
            return Err(Error::upload_ended().into());
        }
        if is_tagged {
            access.require(Action::Tag, name)?;
        }
        Ok(Situation { access, choice })
    }

    async fn insert_package(&self, tx: &Session, commit: &PublishCommit) -> Tx<PackageId> {
        let name = &commit.manifest.name;
        let scope = Some(name.scope_or_empty()).filter(|scope| !scope.is_empty());
        let (similarity_key, now, user) =
            (similarity_key(name), commit.now.as_microsecond(), Uuid::from(commit.actor.user));
        let rows = tx.rows(&self.insert_package, [&name.as_str(), &scope, &similarity_key, &now, &user]).await?;
        let row = rows.first().ok_or_else(|| Failure::Corrupt("a package that was not made".into()))?;
        Ok(row.try_get(0)?)
    }
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

/// What [`INSERT_VERSION`] is given.
struct VersionRow<'a> {
    package: PackageId,
    now: i64,
    version: String,
    key: String,
    user: Uuid,
    sha256: &'a [u8],
    archive: &'a str,
    archive_size: i64,
    dependencies: String,
    document: String,
    files: String,
    readme: Option<Text<'a>>,
    tags: Vec<&'a str>,
    /// What the policy had picked in place of what each tag names.
    instead_of: Vec<Option<&'a str>>,
}

impl<'a> VersionRow<'a> {
    fn of(
        commit: &'a PublishCommit,
        package: PackageId,
        named: &'a [(DistTag, Option<String>)],
        now: Timestamp,
    ) -> Tx<Self> {
        let manifest = &commit.manifest;
        Ok(Self {
            package,
            now: now.as_microsecond(),
            version: manifest.version.to_string(),
            key: manifest.version.key(),
            user: commit.actor.user.into(),
            sha256: commit.sha256.as_bytes(),
            archive: commit.archive.as_str(),
            archive_size: columns::signed(commit.archive_size),
            dependencies: columns::dependencies_text(&manifest.dependencies)?,
            document: serde_json::to_string(&manifest.document)?,
            files: columns::files_text(&commit.files)?,
            readme: commit.readme.as_deref().map(Text),
            tags: named.iter().map(|(tag, _)| tag.as_str()).collect(),
            instead_of: named.iter().map(|(_, instead_of)| instead_of.as_deref()).collect(),
        })
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 14] {
        [
            &self.package,
            &self.now,
            &self.version,
            &self.key,
            &self.user,
            &self.sha256,
            &self.archive,
            &self.archive_size,
            &self.dependencies,
            &self.document,
            &self.files,
            &self.readme,
            &self.tags,
            &self.instead_of,
        ]
    }
}
