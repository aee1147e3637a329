use std::{collections::BTreeMap, sync::Arc};

use aam_registry_core::{
    Error, Result,
    decide::{CallerFacts, PackageAccess, Rights},
    ports::PackageStore,
    types::{
        Actor, ArchiveFile, DistTag, LocatedVersion, Memberships, Package, PackageName, PackageSummary, Page,
        PublishedVersion, Reach, RegistryTotals, ScopeRole, SearchQuery, UserId, Username, Version, VersionBounds,
        VersionDetail, VersionList, VersionRange, Visibility,
    },
};
use async_trait::async_trait;
use futures_util::try_join;
use tokio::task::JoinHandle;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    connection::Session,
    facts::{self, account_columns},
    failure::{Failure, Fault, Tx},
    search, sql,
    versions::{self, LIST},
};
use crate::relational::{
    columns,
    predicates::{has_open_version, package_is_in_reach, version_is_listed},
};

/// The manifest is that of `latest`, or of the newest listed where there is none.
const PACKAGE: &str = concat!(
    "SELECT p.created_at, p.updated_at, p.downloads,
        (SELECT m.document FROM manifests m WHERE m.version_id = COALESCE(
            (SELECT t.version_id FROM dist_tags t WHERE t.package_id = p.id AND t.tag = $2),
            (SELECT v.id FROM versions v WHERE v.package_id = p.id AND ",
    version_is_listed!("v.", "$5"),
    " ORDER BY v.id DESC LIMIT 1))),
        ARRAY(SELECT u.username FROM package_owners o JOIN users u ON u.id = o.user_id WHERE o.package_id = p.id
              UNION
              SELECT u.username FROM scope_members m JOIN users u ON u.id = m.user_id
              WHERE m.scope = p.scope AND m.role = $3
              ORDER BY 1),
        p.private
    FROM packages p WHERE p.name = $1 AND ",
    package_is_in_reach!("p.", "$4", "$5")
);
const OWNERS: &str = concat!(
    "SELECT ARRAY(
        SELECT u.username FROM package_owners o JOIN users u ON u.id = o.user_id WHERE o.package_id = p.id
        UNION
        SELECT u.username FROM scope_members m JOIN users u ON u.id = m.user_id
        WHERE m.scope = p.scope AND m.role = $2
        ORDER BY 1)
    FROM packages p WHERE p.name = $1 AND ",
    package_is_in_reach!("p.", "$3", "$4")
);
/// A row for each tag, or one without a tag where a package has none.
const TAGS: &str = concat!(
    "SELECT t.tag, v.version FROM packages p
    LEFT JOIN (dist_tags t JOIN versions v ON v.id = t.version_id) ON t.package_id = p.id
    WHERE p.name = $1 AND ",
    package_is_in_reach!("p.", "$2", "$3")
);
const RIGHTS: &str = concat!(
    "SELECT ",
    account_columns!(),
    ", EXISTS (SELECT 1 FROM package_owners o WHERE o.package_id = p.id AND o.user_id = $2),
        (SELECT m.role FROM scope_members m WHERE m.scope = p.scope AND m.user_id = $2), p.updated_at, p.private,
        p.trusted_only, ",
    has_open_version!("p."),
    " FROM packages p LEFT JOIN users u ON u.id = $2 WHERE p.name = $1"
);
/// One row: the scopes of which a user is a member, with the roles; the packages that list the user and of which not
/// everybody sees everything; and the versions that the user published and that not everybody sees.
const MEMBERSHIPS: &str = "SELECT ARRAY(SELECT m.scope FROM scope_members m WHERE m.user_id = $1 ORDER BY m.scope),
        ARRAY(SELECT m.role FROM scope_members m WHERE m.user_id = $1 ORDER BY m.scope),
        ARRAY(SELECT p.name FROM package_owners o JOIN packages p ON p.id = o.package_id
            WHERE o.user_id = $1 AND (p.private OR EXISTS (
                SELECT 1 FROM versions v WHERE v.package_id = p.id AND v.status <> 'approved')) ORDER BY p.name),
        n.packages, n.keys
    FROM (SELECT array_agg(p.name ORDER BY p.name, v.version_key) packages,
            array_agg(v.version_key ORDER BY p.name, v.version_key) keys
        FROM (SELECT package_id, version_key FROM versions
            WHERE published_by = $1 AND status <> 'approved' ORDER BY id DESC LIMIT $2) v
        JOIN packages p ON p.id = v.package_id) n";
const TOTALS: &str = "SELECT t.packages + p.packages, t.versions + p.versions, t.users + p.users, t.downloads,
        t.storage_bytes + p.storage_bytes
    FROM registry_totals t, (
        SELECT COALESCE(sum(packages), 0)::bigint AS packages, COALESCE(sum(versions), 0)::bigint AS versions,
            COALESCE(sum(users), 0)::bigint AS users, COALESCE(sum(storage_bytes), 0)::bigint AS storage_bytes
        FROM pending_totals
    ) p";
/// How often a search is repeated if its answer lacks packages that were found. A replica may lag for long.
const MOST_ANSWERS: u32 = 3;

const READ_ONLY: &str = "the database takes no changes: it is read-only, or a standby";
const CHECK: &str = "SELECT current_setting('transaction_read_only') = 'on' FROM registry_totals";

#[async_trait]
impl PackageStore for PostgresMetadata {
    async fn package(&self, name: &PackageName, reach: Reach) -> Result<Option<Package>> {
        self.snapshot(|tx| async move { package(&tx, name, reach).await }).await
    }

    async fn version_list(
        &self,
        name: &PackageName,
        range: &VersionRange,
        reach: Reach,
    ) -> Result<Option<VersionList>> {
        self.read(|tx| async move { versions::list(&tx, name, range, reach).await }).await
    }

    async fn version_numbers(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<PublishedVersion>>> {
        self.read(|tx| async move { versions::numbers(&tx, name, reach).await }).await
    }

    async fn tags(&self, name: &PackageName, reach: Reach) -> Result<Option<BTreeMap<DistTag, Version>>> {
        self.read(|tx| async move {
            let [query] = tx.prepare([TAGS]).await?;
            let (private, every) = (reach.includes_private(), reach.includes_every_status());
            let rows = tx.rows(&query, [&name.as_str(), &private, &every]).await?;
            if rows.is_empty() { Ok(None) } else { tags(&rows).map(Some) }
        })
        .await
    }

    async fn owners(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<Username>>> {
        let (name, owner) = (name.as_str(), ScopeRole::Owner.as_str());
        let (private, every) = (reach.includes_private(), reach.includes_every_status());
        self.read(
            |tx| async move { sql::first(&tx, OWNERS, [&name, &owner, &private, &every], |row| owners(row, 0)).await },
        )
        .await
    }

    async fn version(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<VersionDetail>> {
        self.read(|tx| async move { versions::detail(&tx, name, version, reach).await }).await
    }

    async fn located_version(
        &self,
        name: &PackageName,
        version: &Version,
        reach: Reach,
    ) -> Result<Option<LocatedVersion>> {
        self.read(|tx| async move { versions::located(&tx, name, version, reach).await }).await
    }

    async fn files(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Vec<ArchiveFile>>> {
        self.read(|tx| async move { versions::files(&tx, name, version, reach).await }).await
    }

    async fn readme(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Option<String>>> {
        self.read(|tx| async move { versions::readme(&tx, name, version, reach).await }).await
    }

    async fn rights(&self, actor: &Actor, name: &PackageName) -> Result<Option<Rights>> {
        let user = Uuid::from(actor.user);
        self.read(|tx| async move {
            const NEXT: usize = facts::ACCOUNT_COLUMNS;
            let access = |row: &Row| {
                let caller = CallerFacts { account: facts::account(row, 0)?, ..CallerFacts::default() };
                let (package_owner, scope_role) = (row.try_get(NEXT)?, facts::role(row, NEXT + 1)?);
                let package = Some(facts::package_state(row, NEXT + 2)?);
                Ok(PackageAccess { caller, package_owner, scope_role, package, ..PackageAccess::default() })
            };
            let access = sql::first(&tx, RIGHTS, [&name.as_str(), &user], access).await?;
            Ok(access.and_then(|access| access.rights(actor)))
        })
        .await
    }

    async fn memberships(&self, user: UserId) -> Result<Arc<Memberships>> {
        let user = Uuid::from(user);
        let memberships = self.read(|tx| async move {
            let most = columns::limit(Memberships::MAX_PUBLISHED);
            sql::first(&tx, MEMBERSHIPS, [&user, &most], |row| {
                let (scopes, roles): (Vec<&str>, Vec<&str>) = (row.try_get(0)?, row.try_get(1)?);
                let scopes = scopes.into_iter().zip(roles);
                let scopes = scopes.map(|(scope, role)| Ok((scope.parse()?, columns::role(role)?)));
                let packages = row.try_get::<_, Vec<&str>>(2)?.into_iter().map(str::parse);
                let published: Option<Vec<&str>> = row.try_get(3)?;
                let keys: Option<Vec<String>> = row.try_get(4)?;
                let published = published.unwrap_or_default().into_iter().zip(keys.unwrap_or_default());
                Ok(Memberships {
                    scopes: scopes.collect::<Tx<_>>()?,
                    packages: packages.collect::<Result<_, _>>()?,
                    published: published.map(|(name, key)| Ok((name.parse()?, key))).collect::<Tx<_>>()?,
                })
            })
            .await
        });
        Ok(Arc::new(memberships.await?.unwrap_or_default()))
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<PackageSummary>> {
        let mut answers = 0;
        loop {
            let times_built = self.searches.times_built();
            let answer = self.lagging(|tx| async move { search::search(&tx, &self.searches, query).await }).await?;
            if let Some(answer) = answer {
                answers += 1;
                if self.searches.has_expired() {
                    // Built in the background, while searches use the old one.
                    drop(self.build_index(times_built));
                }
                if answer.is_whole || answers == MOST_ANSWERS {
                    return Ok(answer.page);
                }
                continue;
            }
            // Waits without holding a connection, which others may need.
            match self.build_index(times_built) {
                Some(building) => {
                    building.await.map_err(|_| Error::internal("the index of searches was not built"))??;
                }
                None => self.searches.built().await,
            }
        }
    }

    async fn totals(&self) -> Result<RegistryTotals> {
        self.lagging(|tx| async move {
            let totals = sql::first(&tx, TOTALS, [], totals).await?;
            totals.ok_or_else(|| Failure::Corrupt("the totals are missing".into()))
        })
        .await
    }

    async fn check(&self) -> Result<()> {
        self.read(|tx| async move {
            match sql::first(&tx, CHECK, [], |row| Ok(row.try_get(0)?)).await? {
                Some(true) => {
                    // Another session may take changes: this one keeps what held when it was made.
                    tx.give_up();
                    Err(Fault::read_only(READ_ONLY).into())
                }
                _ => Ok(()),
            }
        })
        .await
    }
}

impl PostgresMetadata {
    /// Starts to build an index of searches, which continues even if nobody waits for it any more.
    /// `None` if another task is building one, or more than `times_built` were built.
    fn build_index(&self, times_built: u64) -> Option<JoinHandle<Result<()>>> {
        let permit = self.searches.permit_build(times_built)?;
        let store = self.clone();
        Some(tokio::spawn(async move {
            let _permit = permit;
            let searches = &store.searches;
            let built = store.lagging(|tx| async move { search::build(&tx, searches).await }).await;
            if let Err(error) = &built {
                let error = error as &dyn std::error::Error;
                tracing::warn!(event = "search_index_not_made", error, "the index of searches could not be built");
            }
            built
        }))
    }
}

async fn package(tx: &Session, name: &PackageName, reach: Reach) -> Tx<Option<Package>> {
    let [package, tags_of, list] = tx.prepare([PACKAGE, TAGS, LIST]).await?;
    let (full, owner) = (name.as_str(), ScopeRole::Owner.as_str());
    let bounds = VersionBounds::LISTED;
    let (private, every) = (reach.includes_private(), reach.includes_every_status());
    let (before, size, count) = (None::<&str>, versions::size_bound(&bounds), versions::row_bound(&bounds));
    let (packages, tag_rows, version_rows) = try_join!(
        tx.rows(&package, [&full, &DistTag::LATEST, &owner, &private, &every]),
        tx.rows(&tags_of, [&full, &private, &every]),
        tx.rows(&list, [&full, &before, &size, &count, &private, &every]),
    )?;
    let Some(row) = packages.first() else { return Ok(None) };
    // One that has no version to show is not found.
    let Some(document) = row.try_get::<_, Option<&str>>(3)? else { return Ok(None) };
    let list = versions::read_list(&version_rows, &bounds)?.unwrap_or_default();
    Ok(Some(Package {
        name: name.clone(),
        manifest: columns::manifest(document)?,
        created_at: sql::instant(row, 0)?,
        updated_at: sql::instant(row, 1)?,
        owners: owners(row, 4)?,
        visibility: Visibility::of(row.try_get(5)?),
        downloads: sql::unsigned(row, 2)?,
        dist_tags: tags(&tag_rows)?,
        versions: list.versions,
        version_count: list.total,
    }))
}

/// What the rows of [`TAGS`] say.
fn tags(rows: &[Row]) -> Tx<BTreeMap<DistTag, Version>> {
    let tagged = rows.iter().filter(|row| row.try_get::<_, Option<&str>>(0).is_ok_and(|tag| tag.is_some()));
    tagged.map(|row| Ok((sql::parsed(row, 0)?, sql::parsed(row, 1)?))).collect()
}

/// The usernames in an array.
fn owners(row: &Row, column: usize) -> Tx<Vec<Username>> {
    Ok(row.try_get::<_, Vec<&str>>(column)?.into_iter().map(str::parse).collect::<Result<_, _>>()?)
}

fn totals(row: &Row) -> Tx<RegistryTotals> {
    Ok(RegistryTotals {
        packages: sql::unsigned(row, 0)?,
        versions: sql::unsigned(row, 1)?,
        users: sql::unsigned(row, 2)?,
        downloads: sql::unsigned(row, 3)?,
        storage_bytes: sql::unsigned(row, 4)?,
    })
}
