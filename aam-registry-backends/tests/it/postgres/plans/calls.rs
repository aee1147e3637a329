use aam_registry_backends::postgres::PostgresMetadata;
use aam_registry_core::{
    decide::{Audience, Reports},
    ports::{
        AccountStore, ArchiveIndex, AuditLog, Clock, DownloadStore, PackageStore, PublishStore, QueryHandlerExt,
        ScopeStore, SystemClock, UserStore,
    },
    types::{
        AccountFilter, ArtifactType, AuditEvent, AuditFilter, DownloadBatch, DownloadCount, DownloadQuery, PackageName,
        PageRequest, Reach, ReportFilter, ReportState, SearchQuery, SearchSort, Sight, Version, VersionBounds,
        VersionRange,
    },
};
use jiff::civil::date;

/// How often a session runs a statement before it may keep a plan for any parameters, and once more.
const UNTIL_PLANNED_FOR_ALL: usize = 7;

/// Packages with few and with many versions, with and without a scope.
const PACKAGES: [(&str, &str); 3] = [("kit-5", "1.0.10"), ("kit-50001", "1.0.100002"), ("@scope-71/kit-70", "1.0.140")];

/// Calls every read of the ports, as clients do.
pub(super) async fn read_everything(store: &PostgresMetadata) {
    for _ in 0..UNTIL_PLANNED_FOR_ALL {
        for (name, version) in PACKAGES {
            read_package(store, &name.parse().expect("a name"), &version.parse().expect("a version")).await;
        }
        read_accounts(store).await;
        sweep(store).await;
    }
    search(store).await;
    read_log(store).await;
    for state in [None, Some(ReportState::Open), Some(ReportState::Closed)] {
        let filter = ReportFilter { state, page: PageRequest { page: 2, limit: 50 } };
        assert_eq!(store.ask(Reports(filter)).await.expect("read").items.len(), 50);
    }
}

async fn read_package(store: &PostgresMetadata, name: &PackageName, version: &Version) {
    assert!(store.package(name, Reach::Public).await.expect("read").is_some(), "{name}");
    assert!(!store.versions(name, Reach::Public).await.expect("read").expect("a package").is_empty());
    let range = VersionRange { before: Some(version.clone()), bounds: VersionBounds::LISTED };
    assert!(store.version_list(name, &range, Reach::Public).await.expect("read").is_some());
    assert!(!store.version_numbers(name, Reach::Public).await.expect("read").expect("a package").is_empty());
    assert!(store.tags(name, Reach::Public).await.expect("read").is_some());
    assert!(store.owners(name, Reach::Public).await.expect("read").is_some());
    assert!(store.version(name, version, Reach::Public).await.expect("read").is_some(), "{name} {version}");
    assert!(store.located_version(name, version, Reach::Public).await.expect("read").is_some());
    assert!(store.files(name, version, Reach::Public).await.expect("read").is_some());
    assert!(store.readme(name, version, Reach::Public).await.expect("read").is_some());
    assert!(store.archive_location(name, version, Audience::Everyone).await.expect("read").is_some());
    let day = date(2025, 6, 1);
    let count = DownloadCount { package: name.clone(), version: version.clone(), day, count: 1 };
    store.add_downloads(&DownloadBatch::new(SystemClock.now(), vec![count])).await.expect("add");
    for version in [None, Some(version.clone())] {
        let query = DownloadQuery { package: name.clone(), version, from: day, to: date(2025, 7, 1) };
        assert!(!store.downloads(&query).await.expect("read").is_empty());
    }
}

async fn read_accounts(store: &PostgresMetadata) {
    let login = store.login("user-7").await.expect("read").expect("a user");
    assert!(store.login("user-7@example.com").await.expect("read").is_some());
    assert!(store.session_user(login.user.id, "session-8", 0).await.expect("read").is_some());
    assert!(store.profile(&login.user.username, &Sight::unrestricted()).await.expect("read").is_some());
    assert!(store.has_admin().await.expect("read"));
    assert!(!store.scopes_of(login.user.id, 100).await.expect("read").is_empty());
    assert!(!store.memberships(login.user.id).await.expect("read").scopes.is_empty());
    let listed = AccountFilter { role: None, disabled: None, after: Some(login.user.username), limit: 100 };
    assert_eq!(store.accounts(&listed).await.expect("read").len(), 100);
    assert!(store.scope(&"scope-9".parse().expect("a scope"), &Sight::unrestricted()).await.expect("read").is_some());
}

/// The statements of the background jobs.
async fn sweep(store: &PostgresMetadata) {
    let now = SystemClock.now();
    store.abandon_uploads(100).await.expect("sweep");
    store.abandoned_uploads(std::time::Duration::ZERO, 100).await.expect("list");
    store.forget_sessions(now).await.expect("forget");
    let first = store.published_archives(None, 100).await.expect("list");
    let keys: Vec<_> = first.into_iter().map(|location| location.archive).collect();
    assert_eq!(store.published_archives(keys.last(), 100).await.expect("list").len(), 100);
    store.unreferenced_archives(&keys).await.expect("read");
    store.refresh_totals().await.expect("refresh");
    store.totals().await.expect("read");
    store.sequence(100).await.expect("sequence");
    store.check().await.expect("a database");
}

async fn search(store: &PostgresMetadata) {
    let sorts = [SearchSort::Relevance, SearchSort::Name, SearchSort::Updated, SearchSort::Downloads];
    // Searches that match all packages, a word of all packages, more than are ranked, a few, and a few with a typo.
    let texts = [None, Some("kit"), Some("common7"), Some("kit common7"), Some("word77"), Some("kit wrod77")];
    let filters = [(None, None, None), (Some(ArtifactType::Skill), None, None), (None, Some("scope-71"), None)];
    let filters = filters.into_iter().chain([(None, None, Some("common7")), (None, None, Some("word77"))]);
    for (artifact_type, scope, keyword) in filters {
        for (sort, text) in sorts.into_iter().flat_map(|sort| texts.map(|text| (sort, text))) {
            for page in [1, 3] {
                let query = SearchQuery {
                    text: text.map(str::to_owned),
                    artifact_type,
                    scope: scope.map(|scope: &str| scope.parse().expect("a scope")),
                    keyword: keyword.map(str::to_owned),
                    sort,
                    page: PageRequest { page, limit: 20 },
                    sight: Sight::default(),
                };
                store.search(&query).await.expect("search");
            }
        }
    }
}

async fn read_log(store: &PostgresMetadata) {
    let position = store.head().await.expect("read").position;
    store.entries_after(position.saturating_sub(100), 50).await.expect("read");
    store.last_before(SystemClock.now()).await.expect("read");
    store.delete_entries(0, 50).await.expect("delete");
    let packages = [None, Some("kit-5".parse().expect("a name"))];
    for package in packages {
        for event in [None, Some(AuditEvent::PackagePublish)] {
            for actor in [None, Some("user-7".to_owned())] {
                for from in [None, Some(SystemClock.now())] {
                    let page = PageRequest { page: 2, limit: 50 };
                    let filter =
                        AuditFilter { package: package.clone(), event, actor: actor.clone(), from, to: None, page };
                    store.entries(&filter).await.expect("read");
                }
            }
        }
    }
}
