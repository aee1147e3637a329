//! The written rows must equal those that the registry itself would have written.

use aam_registry_core::{
    decide::TagChange,
    ports::{CommandHandlerExt, Database},
    types::{
        AccountRoles, Actor, AuditEvent, AuditFilter, ChainHash, Credential, DistTag, NewAuditEntry, PackageSummary,
        PageRequest, Reach, SearchQuery, SearchSort, Sight, TagRules, Version, search_words,
    },
};
use jiff::Timestamp;

use super::{Dataset, Size, archives::Stored, dataset::Package, releases::latest, tables::Source};

const SIZE: Size = Size { packages: 60, versions: 600 };

macro_rules! on_every_database {
    ($($case:ident),+ $(,)?) => {
        mod sqlite {
            use aam_registry_backends::sqlite::{SqliteConfig, SqliteMetadata, migrate};

            use super::{Dataset, SIZE, Source, Stored};
            use crate::scale::sqlite::fill;

            async fn filled(dataset: &Dataset) -> (SqliteMetadata, tempfile::TempDir) {
                let folder = tempfile::tempdir().expect("a folder");
                let config = SqliteConfig::new(folder.path().join("registry.db"));
                migrate(&config).expect("a schema");
                let stored = Stored::new().expect("an archive");
                fill(config.path(), &Source { dataset, stored: &stored }).expect("filled");
                (SqliteMetadata::open(config).await.expect("a database"), folder)
            }

            $(
                #[tokio::test]
                async fn $case() {
                    let dataset = Dataset::new(SIZE);
                    let (database, _folder) = filled(&dataset).await;
                    super::$case(&database, &dataset).await;
                }
            )+
        }

        #[cfg(feature = "service-tests")]
        mod postgres {
            use aam_registry_backends::postgres::{PostgresConfig, PostgresMetadata, migrate};
            use tokio_postgres::{Client, Config, NoTls};

            use super::{Dataset, SIZE, Source, Stored};
            use crate::scale::postgres::fill;

            async fn connect(config: &Config) -> Client {
                let (client, connection) = config.connect(NoTls).await.expect("PostgreSQL");
                tokio::spawn(async move { connection.await.ok() });
                client
            }

            async fn filled(name: &str, dataset: &Dataset) -> PostgresMetadata {
                let server = std::env::var("AAM_TEST_POSTGRES_URL").expect(
                    "AAM_TEST_POSTGRES_URL is not set; run the tests by `scripts/services cargo nextest run …`",
                );
                let mut config: Config = server.parse().expect("a URL");
                let admin = connect(&config).await;
                for change in [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name}")] {
                    admin.batch_execute(&change).await.expect("a database");
                }
                let (base, options) = server.split_once('?').unwrap_or((&server, ""));
                let (base, _) = base.rsplit_once('/').expect("a URL with a database");
                let of_metadata = PostgresConfig::new(&format!("{base}/{name}?{options}")).expect("a URL");
                migrate(&of_metadata).await.expect("a schema");
                let stored = Stored::new().expect("an archive");
                let client = connect(config.dbname(name)).await;
                fill(&client, &Source { dataset, stored: &stored }).await.expect("filled");
                PostgresMetadata::open(of_metadata).await.expect("a database")
            }

            $(
                #[tokio::test]
                async fn $case() {
                    let dataset = Dataset::new(SIZE);
                    let database = filled(concat!("bench_", stringify!($case)), &dataset).await;
                    super::$case(&database, &dataset).await;
                }
            )+
        }
    };
}

on_every_database!(
    every_version_reads_back,
    the_audit_chain_holds,
    packages_are_listed_as_the_registry_lists_them,
    lists_have_everything_that_has_a_latest,
);

fn query(text: Option<&str>) -> SearchQuery {
    SearchQuery {
        text: text.map(str::to_owned),
        artifact_type: None,
        scope: None,
        keyword: None,
        sort: SearchSort::Relevance,
        page: PageRequest { page: 1, limit: 100 },
        sight: Sight::default(),
    }
}

async fn every_version_reads_back(database: &impl Database, dataset: &Dataset) {
    for package in &dataset.packages {
        let read = database.package(&package.name, Reach::Everything).await.expect("read").expect("a package");
        assert_eq!(read.downloads, package.downloads());
        let newest_first: Vec<_> = package.releases.iter().rev().map(|release| &release.version).collect();
        assert_eq!(read.versions.iter().map(|version| &version.version).collect::<Vec<_>>(), newest_first);
        let tagged = read.dist_tags.get(&DistTag::latest());
        assert_eq!(tagged, latest(&package.releases).map(|at| &package.releases[at].version));
        for release in &package.releases {
            let detail = database
                .version(&package.name, &release.version, Reach::Everything)
                .await
                .expect("read")
                .expect("a version");
            assert_eq!(detail.summary.yanked, release.is_yanked);
            assert_eq!(detail.manifest.version, release.version);
            assert_eq!(detail.manifest.dependencies, detail.summary.dependencies);
            let files =
                database.files(&package.name, &release.version, Reach::Everything).await.expect("read").expect("files");
            assert_eq!(files[0].path, "README.md");
        }
    }
    let totals = database.totals().await.expect("read");
    assert_eq!((totals.packages, totals.versions), (SIZE.packages, SIZE.versions));
}

async fn the_audit_chain_holds(database: &impl Database, _: &Dataset) {
    let page = PageRequest { page: 1, limit: SIZE.versions + 10 };
    let filter = AuditFilter { package: None, event: None, actor: None, from: None, to: None, page };
    assert_eq!(database.sequence(100).await.expect("sequenced"), 0, "an entry has no position");
    database.append(&NewAuditEntry::new(AuditEvent::UserLogin, Timestamp::now())).await.expect("appended");
    assert_eq!(database.sequence(100).await.expect("sequenced"), 1);
    let entries = database.entries(&filter).await.expect("read").items;
    let mut previous = ChainHash::from([0; 32]);
    for (position, entry) in (1..).zip(entries.iter().rev()) {
        previous = entry.entry.chain_hash(&previous, position);
        assert_eq!(entry.chained, Some((position, previous)));
    }
    assert_eq!(entries.len() as u64, SIZE.versions + 1);
}

/// Moves `latest` away and back, so that the database writes the package's listing again.
async fn packages_are_listed_as_the_registry_lists_them(database: &impl Database, dataset: &Dataset) {
    let mut relisted = 0;
    for package in &dataset.packages {
        let Some(at) = latest(&package.releases) else { continue };
        let mut others = package.releases.iter().enumerate().filter(|(other, one)| *other != at && !one.is_yanked);
        let Some((_, other)) = others.next() else { continue };
        let before = found(database, package).await;
        assert!(!before.is_empty(), "{} is not found", package.name);
        for version in [&other.version, &package.releases[at].version] {
            tag_latest(database, dataset, package, version).await;
        }
        assert_eq!(found(database, package).await, before, "{}", package.name);
        relisted += 1;
    }
    assert!(relisted > 20, "{relisted}");
}

/// For every word of a package: its position in the search results, and its summary.
async fn found(database: &impl Database, package: &Package) -> Vec<(String, usize, PackageSummary)> {
    let texts = [package.name.as_str(), &package.description, package.author.as_deref().unwrap_or_default()];
    let mut words: Vec<_> = texts.iter().flat_map(|text| search_words(text)).collect();
    words.extend(package.keywords.iter().cloned());
    words.extend(package.artifacts.iter().map(|(_, name)| name.clone()));
    words.push(package.name.to_string());
    let mut found = Vec::new();
    for word in words {
        let page = database.search(&query(Some(&word))).await.expect("a search");
        let at = page.items.iter().position(|one| one.name == package.name);
        let at = at.unwrap_or_else(|| panic!("`{word}` does not find {}", package.name));
        // Listing it again changes its time of last change.
        let summary = PackageSummary { updated_at: Timestamp::UNIX_EPOCH, ..page.items[at].clone() };
        found.push((word, at, summary));
    }
    found
}

async fn tag_latest(database: &impl Database, dataset: &Dataset, package: &Package, version: &Version) {
    let owner = &dataset.users[package.owner];
    let user = database.login(owner).await.expect("read").expect("the owner").user;
    let now = Timestamp::now();
    let change = TagChange {
        actor: Actor {
            user: user.id,
            username: user.username,
            credential: Credential::Session { id: "a session".to_owned(), generation: 0, expires_at: Timestamp::MAX },
            roles: AccountRoles::NONE,
        },
        package: package.name.clone(),
        tag: DistTag::latest(),
        version: Some(version.clone()),
        rules: TagRules::at_most(100),
        now,
        audit: NewAuditEntry::new(AuditEvent::TagSet, now),
    };
    database.execute(&change).await.expect("the owner may");
}

async fn lists_have_everything_that_has_a_latest(database: &impl Database, dataset: &Dataset) {
    let listed = dataset.packages.iter().filter(|package| latest(&package.releases).is_some()).count();
    let page = database.search(&query(None)).await.expect("a list");
    assert_eq!(page.total, listed as u64);
}
