//! Dist-tags and the choice of `latest`, under the lock of the package.

use aam_registry_core::types::{DistTag, LatestTag, PackageName, PublishedVersion, Version};
use futures_util::try_join;

use super::{
    connection::{Prepared, Session},
    failure::Tx,
    sql,
    versions::VersionId,
};

const LATEST: &str = "SELECT v.version, t.instead_of FROM packages p
    JOIN dist_tags t ON t.package_id = p.id AND t.tag = $2 JOIN versions v ON v.id = t.version_id WHERE p.name = $1";
const PUBLISHED: &str = "SELECT v.version, v.yanked_at IS NULL FROM packages p
    JOIN versions v ON v.package_id = p.id WHERE p.name = $1 ORDER BY v.id";
const EXISTS: &str = "SELECT 1 FROM packages p JOIN dist_tags t ON t.package_id = p.id
    WHERE p.name = $1 AND t.tag = $2";
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
    latest: Prepared,
    published: Prepared,
    exists: Prepared,
    put: Prepared,
    remove: Prepared,
    remove_of_version: Prepared,
}

/// What `latest` names, and what it may name, in the order of publishing.
pub(super) struct Choice {
    pub(super) before: Option<LatestTag>,
    pub(super) published: Vec<PublishedVersion>,
}

impl Tags {
    pub(super) async fn prepare(tx: &Session) -> Tx<Self> {
        let [latest, published, exists, put, remove, remove_of_version] =
            tx.prepare([LATEST, PUBLISHED, EXISTS, PUT, REMOVE, REMOVE_OF_VERSION]).await?;
        Ok(Self { latest, published, exists, put, remove, remove_of_version })
    }

    /// What `latest` names.
    pub(super) async fn latest(&self, tx: &Session, name: &PackageName) -> Tx<Option<LatestTag>> {
        let rows = tx.rows(&self.latest, [&name.as_str(), &DistTag::LATEST]).await?;
        let tag = rows.first().map(|row| {
            let instead_of: Option<&str> = row.try_get(1)?;
            Ok(LatestTag { version: sql::parsed(row, 0)?, instead_of: instead_of.map(str::parse).transpose()? })
        });
        tag.transpose()
    }

    /// What `latest` is chosen from.
    pub(super) async fn choice(&self, tx: &Session, name: &PackageName) -> Tx<Choice> {
        let full = name.as_str();
        let (before, published) = try_join!(self.latest(tx, name), tx.rows(&self.published, [&full]))?;
        let published = published
            .iter()
            .map(|row| Ok(PublishedVersion { version: sql::parsed(row, 0)?, visible: row.try_get(1)? }));
        Ok(Choice { before, published: published.collect::<Tx<_>>()? })
    }

    /// Whether there is such a tag.
    pub(super) async fn exists(&self, tx: &Session, name: &PackageName, tag: &DistTag) -> Tx<bool> {
        Ok(!tx.rows(&self.exists, [&name.as_str(), &tag.as_str()]).await?.is_empty())
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
