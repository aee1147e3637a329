//! Errors of every layer.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aam_registry_core::{
    ErrorCode, Result,
    decide::Rights,
    error::{DatabaseError, DatabaseTrouble, Outcome},
    memory::MemoryMetadata,
    ports::PackageStore,
    types::{
        Actor, ArchiveFile, DistTag, LocatedVersion, Memberships, Package, PackageName, PackageSummary, Page,
        PublishedVersion, Reach, RegistryTotals, SearchQuery, UserId, Username, Version, VersionDetail, VersionList,
        VersionRange,
    },
};
use async_trait::async_trait;
use http::Method;
use serde_json::json;

use super::site::{Site, request};
use crate::registry::world::World;

#[tokio::test]
async fn what_is_nowhere_is_not_found() {
    let site = Site::new();
    for path in
        ["/nothing", "/api", "/api/v1", "/api/v1/", "/api/v1/packages/", "//", "/api/v1/groups", "/api/v2/packages"]
    {
        site.get(path).await.assert_error(404, "not_found");
    }
}

#[tokio::test]
async fn other_methods_are_told_which_work() {
    let site = Site::new();
    for (method, path, allow) in [
        (Method::PATCH, "/api/v1/packages", "GET, HEAD, POST"),
        (Method::POST, "/api/v1/packages/a/1.0.0", "GET, HEAD, DELETE"),
        (Method::GET, "/api/v1/resolve", "POST"),
        (Method::OPTIONS, "/health", "GET, HEAD"),
        (Method::HEAD, "/api/v1/users/login", "POST"),
        (Method::CONNECT, "/ready", "GET, HEAD"),
    ] {
        let reply = site.send(request(method.clone(), path, &[], "")).await;
        if method == Method::HEAD {
            assert_eq!(reply.status, 405);
        } else {
            reply.assert_error(405, "method_not_allowed");
        }
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn a_bad_credential_is_never_anonymous() {
    let (site, _) = Site::published().await;
    for bad in ["Bearer nonsense", "Bearer", "Basic YTpi", "aam_x", "Bearer aam_abc", "Bearer a.b.c", ""] {
        for path in ["/api/v1/packages", "/api/v1/packages/greet-kit/1.0.0/download", "/health", "/api/v1/users/me"] {
            site.get_with(path, &[("authorization", bad)]).await.assert_error(401, "unauthorized");
        }
    }
}

#[tokio::test]
async fn bodies_are_json_of_bounded_size() {
    let site = Site::new();
    let send = |content_type: &'static str, body: String| {
        let request = request(Method::POST, "/api/v1/resolve", &[("content-type", content_type)], body);
        let site = &site;
        async move { site.send(request).await }
    };
    assert_eq!(send("application/json; charset=utf-8", "{\"dependencies\": {}}".into()).await.status, 200);
    for other in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        send(other, "{}".into()).await.assert_error(415, "unsupported_media_type");
    }
    let marked = send("application/json", "\u{feff}{\"dependencies\": {}}".into()).await;
    assert_eq!(marked.status, 200, "a byte order mark is no part of the JSON");
    for broken in ["{", "[]", "[{}]", "null", "\u{0}", "{\"dependencies\": 1}", "{\"dependencies\": {\"a\": null}}"] {
        send("application/json", broken.into()).await.assert_error(400, "invalid_request");
    }
    let long = format!("{{\"dependencies\": {{}}, \"x\": \"{}\"}}", "x".repeat(1 << 20));
    send("application/json", long.clone()).await.assert_error(413, "payload_too_large");
    let mut unannounced = request(Method::POST, "/api/v1/resolve", &[("content-type", "application/json")], long);
    unannounced.headers_mut().remove("content-length");
    site.send(unannounced).await.assert_error(413, "payload_too_large");
    let nothing =
        site.send(request(Method::POST, "/api/v1/resolve", &[("content-type", "application/json")], "")).await;
    nothing.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn request_ids_are_kept_where_they_are_sane() {
    let site = Site::new();
    let id_of = |given: &'static str| {
        let site = &site;
        async move { site.get_with("/nothing", &[("x-request-id", given)]).await }
    };
    for sane in ["abc-123", "0190d9f0-0000-7000-8000-000000000000", "a.b:c/d+e=_"] {
        let reply = id_of(sane).await;
        reply.assert_error(404, "not_found");
        assert_eq!(reply.header("x-request-id"), sane);
    }
    for other in ["", "a b", "a\"b", "<script>", "a{}"] {
        let reply = id_of(other).await;
        reply.assert_error(404, "not_found");
        assert_ne!(reply.header("x-request-id"), other);
    }
    let long = "x".repeat(129);
    assert_ne!(site.get_with("/", &[("x-request-id", &long)]).await.header("x-request-id"), long);
    let ids = [site.get("/health").await, site.get("/health").await];
    assert_ne!(ids[0].header("x-request-id"), ids[1].header("x-request-id"));
}

/// A database that fails, panics or hangs, depending on the name of the requested package.
#[derive(Debug)]
struct Troubled(MemoryMetadata, Trouble);

/// What is wrong with the database.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Away,
    Unfit,
    Database(DatabaseTrouble),
}

#[async_trait]
impl PackageStore for Troubled {
    async fn package(&self, name: &PackageName, reach: Reach) -> Result<Option<Package>> {
        match name.as_str() {
            "panics" => panic!("the secret is swordfish"),
            "hangs" => std::future::pending().await,
            "fails" => {
                let source = "host db.internal refused the password hunter2";
                Err(aam_registry_core::Error::database(source, true, Outcome::NotApplied))
            }
            "bugs" => Err(aam_registry_core::Error::internal("assertion at /src/lib.rs:7")),
            _ => self.0.package(name, reach).await,
        }
    }

    async fn version_list(
        &self,
        name: &PackageName,
        range: &VersionRange,
        reach: Reach,
    ) -> Result<Option<VersionList>> {
        self.0.version_list(name, range, reach).await
    }

    async fn version_numbers(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<PublishedVersion>>> {
        self.0.version_numbers(name, reach).await
    }

    async fn tags(&self, name: &PackageName, reach: Reach) -> Result<Option<BTreeMap<DistTag, Version>>> {
        self.0.tags(name, reach).await
    }

    async fn owners(&self, name: &PackageName, reach: Reach) -> Result<Option<Vec<Username>>> {
        self.0.owners(name, reach).await
    }

    async fn version(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<VersionDetail>> {
        self.0.version(name, version, reach).await
    }

    async fn located_version(
        &self,
        name: &PackageName,
        version: &Version,
        reach: Reach,
    ) -> Result<Option<LocatedVersion>> {
        self.0.located_version(name, version, reach).await
    }

    async fn files(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Vec<ArchiveFile>>> {
        self.0.files(name, version, reach).await
    }

    async fn readme(&self, name: &PackageName, version: &Version, reach: Reach) -> Result<Option<Option<String>>> {
        self.0.readme(name, version, reach).await
    }

    async fn search(&self, query: &SearchQuery) -> Result<Page<PackageSummary>> {
        self.0.search(query).await
    }

    async fn rights(&self, actor: &Actor, package: &PackageName) -> Result<Option<Rights>> {
        self.0.rights(actor, package).await
    }

    async fn memberships(&self, user: UserId) -> Result<Arc<Memberships>> {
        self.0.memberships(user).await
    }

    async fn totals(&self) -> Result<RegistryTotals> {
        self.0.totals().await
    }

    async fn check(&self) -> Result<()> {
        match self.1 {
            Trouble::Away => {
                Err(aam_registry_core::Error::database("host db.internal is away", true, Outcome::NotApplied))
            }
            Trouble::Database(trouble) => Err(aam_registry_core::Error::database(
                DatabaseError::new(trouble, "/srv/registry.db: trouble"),
                false,
                Outcome::NotApplied,
            )),
            Trouble::Unfit => Err(aam_registry_core::Error::unfit("its schema on db.internal serves 9.0.0 and later")),
        }
    }
}

fn troubled(trouble: Trouble) -> Site {
    let world = World::with(|builder, database, _| builder.packages(Troubled(database.clone(), trouble)));
    Site::with(world, "", |builder| builder.request_timeout(Duration::from_millis(50)))
}

#[tokio::test]
async fn trouble_inside_is_told_without_secrets() {
    let site = troubled(Trouble::Away);
    for (name, status, code) in [
        ("panics", 500, ErrorCode::Internal),
        ("bugs", 500, ErrorCode::Internal),
        ("fails", 503, ErrorCode::DatabaseUnavailable),
        ("hangs", 504, ErrorCode::Timeout),
    ] {
        let reply = site.get(&format!("/api/v1/packages/{name}")).await;
        reply.assert_error(status, code.as_str());
        for secret in ["swordfish", "db.internal", "hunter2", "src/lib.rs"] {
            assert!(!reply.text().contains(secret), "{reply:?}");
        }
    }
    assert_eq!(site.get("/health").await.status, 200, "it goes on");
}

#[tokio::test]
async fn an_outage_degrades_readiness_and_fails_its_part() {
    let site = troubled(Trouble::Away);
    site.get("/health/db").await.assert_error(503, "database_unavailable");
    assert_eq!(site.get("/health/storage").await.status, 200);
    let ready = site.get("/ready").await;
    assert_eq!(
        (ready.status.as_u16(), ready.json()),
        (
            200,
            json!({"status": "degraded", "failing": ["database"], "reasons": ["The registry's database does not answer"]})
        )
    );
}

#[tokio::test]
async fn a_database_that_this_release_must_not_work_on_makes_it_unready() {
    let site = troubled(Trouble::Unfit);
    let ready = site.get("/ready").await;
    ready.assert_error(503, "database_unavailable");
    assert!(ready.text().contains("its log says why") && !ready.text().contains("db.internal"), "{ready:?}");
    site.get("/health/db").await.assert_error(503, "database_unavailable");
    assert_eq!(site.get("/health").await.status, 200, "the process is up");
}

#[tokio::test]
async fn what_only_the_operator_can_mend_is_told_each_in_its_words() {
    for (trouble, status, told) in [
        (
            DatabaseTrouble::Gone,
            503,
            "was moved away or replaced under the running server: the right file has to be put",
        ),
        (DatabaseTrouble::Damaged, 200, "database is damaged: it has to be restored from a backup"),
        (DatabaseTrouble::ReadOnly, 200, "database takes no changes"),
        (DatabaseTrouble::Full, 200, "The disk of the registry's database is full: room has to be made there"),
        (DatabaseTrouble::LoginRefused, 200, "database does not let the server log in"),
        (DatabaseTrouble::Missing, 200, "database does not exist: it has to be created or restored"),
    ] {
        let site = troubled(Trouble::Database(trouble));
        let ready = site.get("/ready").await;
        assert_eq!(ready.status, status, "{ready:?}");
        assert!(ready.text().contains(told) && !ready.text().contains("/srv"), "{ready:?}");
        let health = site.get("/health/db").await;
        health.assert_error(503, "database_unavailable");
        assert!(health.text().contains(told), "{health:?}");
    }
}

#[tokio::test]
async fn errors_are_the_same_for_head() {
    let site = Site::new();
    let reply = site.head("/api/v1/packages/nobody").await;
    assert_eq!((reply.status.as_u16(), reply.body.len()), (404, 0));
    assert_eq!(reply.header("content-type"), "application/json");
}
