//! Dist-tags and the choice of `latest`, under the lock of the package.

use aam_registry_core::types::{DistTag, LatestTag, PackageName, PublishedVersion, Version};
use tokio_postgres::Row;

use super::{
    connection::{Prepared, Session},
    failure::{Failure, Tx},
    sql,
    versions::VersionId,
};

/// What [`Choice::read`] reads.
macro_rules! choice_columns {
    () => {
        "t.version_id, t.instead_of, c.ids, c.versions, c.visible"
    };
}
pub(super) use choice_columns;

/// What has the columns of a choice for a package `p`.
macro_rules! with_choice {
    () => {
        " LEFT JOIN dist_tags t ON t.package_id = p.id AND t.tag = 'latest'
          LEFT JOIN LATERAL (
              SELECT array_agg(v.id) ids, array_agg(v.version) versions, array_agg(v.yanked_at IS NULL) visible
              FROM (SELECT id, version, yanked_at FROM versions WHERE package_id = p.id ORDER BY id) v
          ) c ON TRUE"
    };
}
pub(super) use with_choice;

const CHOICE: &str =
    concat!("SELECT ", choice_columns!(), " FROM (SELECT 1) one LEFT JOIN packages p ON p.name = $1", with_choice!());
const PUT: &str = "INSERT INTO dist_tags (package_id, tag, version_id, instead_of)
    SELECT p.id, $2, v.id, $4 FROM packages p JOIN versions v ON v.package_id = p.id
    WHERE p.name = $1 AND v.version_key = $3
    ON CONFLICT (package_id, tag) DO UPDATE SET version_id = excluded.version_id, instead_of = excluded.instead_of
    WHERE (dist_tags.version_id, dist_tags.instead_of) IS DISTINCT FROM (excluded.version_id, excluded.instead_of)";
const REMOVE: &str =
    "DELETE FROM dist_tags t USING packages p WHERE p.name = $1 AND t.package_id = p.id AND t.tag = $2";
const REMOVE_OF_VERSION: &str = "DELETE FROM dist_tags WHERE version_id = $1 AND tag <> $2 RETURNING tag";

/// The statements about tags.
pub(super) struct Tags {
    choice: Prepared,
    put: Prepared,
    remove: Prepared,
    remove_of_version: Prepared,
}

/// What `latest` names, and what it may name, in the order of publishing.
pub(super) struct Choice {
    pub(super) before: Option<LatestTag>,
    pub(super) published: Vec<PublishedVersion>,
}

impl Choice {
    /// Out of the columns of [`choice_columns`] that start at `at`.
    pub(super) fn read(row: &Row, at: usize) -> Tx<Self> {
        let ids: Vec<VersionId> = row.try_get::<_, Option<_>>(at + 2)?.unwrap_or_default();
        let versions: Vec<&str> = row.try_get::<_, Option<_>>(at + 3)?.unwrap_or_default();
        let visible: Vec<bool> = row.try_get::<_, Option<_>>(at + 4)?.unwrap_or_default();
        let published = versions.into_iter().zip(visible);
        let published = published.map(|(version, visible)| Ok(PublishedVersion { version: version.parse()?, visible }));
        let published = published.collect::<Tx<Vec<_>>>()?;
        let (latest, instead_of): (Option<VersionId>, Option<&str>) = (row.try_get(at)?, row.try_get(at + 1)?);
        let before = match latest {
            Some(latest) => {
                let place = ids.binary_search(&latest).ok().and_then(|place| published.get(place));
                let version = place.ok_or_else(|| Failure::Corrupt("a tag that names no version".into()))?;
                let instead_of = instead_of.map(str::parse).transpose()?;
                Some(LatestTag { version: version.version.clone(), instead_of })
            }
            None => None,
        };
        Ok(Self { before, published })
    }
}

impl Tags {
    pub(super) async fn prepare(tx: &Session) -> Tx<Self> {
        let [choice, put, remove, remove_of_version] = tx.prepare([CHOICE, PUT, REMOVE, REMOVE_OF_VERSION]).await?;
        Ok(Self { choice, put, remove, remove_of_version })
    }

    /// What `latest` names, and what it is chosen from.
    pub(super) async fn choice(&self, tx: &Session, name: &PackageName) -> Tx<Choice> {
        let rows = tx.rows(&self.choice, [&name.as_str()]).await?;
        Choice::read(rows.first().ok_or_else(|| Failure::Corrupt("a choice without a row".into()))?, 0)
    }

    /// Makes a tag other than `latest` name a version; whether it did not before.
    pub(super) async fn put(&self, tx: &Session, name: &PackageName, tag: &DistTag, version: &Version) -> Tx<bool> {
        self.put_as(tx, name, tag, version, None).await
    }

    /// Makes `latest` what was chosen.
    pub(super) async fn put_latest(&self, tx: &Session, name: &PackageName, chosen: Option<&LatestTag>) -> Tx<bool> {
        match chosen {
            Some(tag) => self.put_as(tx, name, &DistTag::latest(), &tag.version, tag.instead_of.as_ref()).await,
            None => self.remove(tx, name, &DistTag::latest()).await,
        }
    }

    async fn put_as(
        &self,
        tx: &Session,
        name: &PackageName,
        tag: &DistTag,
        version: &Version,
        instead_of: Option<&Version>,
    ) -> Tx<bool> {
        let (key, instead_of) = (version.key(), instead_of.map(ToString::to_string));
        Ok(tx.execute(&self.put, [&name.as_str(), &tag.as_str(), &key, &instead_of]).await? > 0)
    }

    /// Removes a tag; whether there was one.
    pub(super) async fn remove(&self, tx: &Session, name: &PackageName, tag: &DistTag) -> Tx<bool> {
        Ok(tx.execute(&self.remove, [&name.as_str(), &tag.as_str()]).await? > 0)
    }

    /// Removes the tags other than `latest` that name a version; gives them.
    pub(super) async fn remove_of_version(&self, tx: &Session, version: VersionId) -> Tx<Vec<DistTag>> {
        let rows = tx.rows(&self.remove_of_version, [&version, &DistTag::LATEST]).await?;
        rows.iter().map(|row| sql::parsed(row, 0)).collect()
    }
}
