//! A replica whose clock is wrong.

use std::time::Duration;

use aam_registry_backends::{
    jwt::{JwtConfig, JwtSessions},
    postgres::PostgresMetadata,
};
use aam_registry_core::{
    memory::{InsecurePasswords, MemoryArchives, MemoryLimiter},
    ports::{Clock, PackageStore, PublishStore, SystemClock},
    registry::{Registration, Registry},
    types::{NewUpload, Reach, UploadId, VersionText},
};
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::json;

use super::world::{TestDatabase, actor, publish};

/// A clock that is wrong by so many seconds.
#[derive(Debug)]
struct Wrong(i64);

impl Clock for Wrong {
    fn now(&self) -> Timestamp {
        SystemClock.now() + SignedDuration::from_secs(self.0)
    }
}

/// Far more than a test takes, and less than any clock here is wrong by.
const ABOUT: Duration = Duration::from_mins(1);

const PASSWORD: &str = "tulip-Wagon-93-kelp";

async fn store(database: &TestDatabase, wrong_by: i64) -> PostgresMetadata {
    PostgresMetadata::open(database.config().with_clock(Wrong(wrong_by))).await.expect("a database")
}

/// A registry on a machine whose clock is wrong.
async fn registry(database: &TestDatabase, wrong_by: i64) -> Registry {
    let store = store(database, wrong_by).await;
    store.check().await.expect("a database");
    Registry::builder()
        .clock(store.clock())
        .database(store)
        .archives(MemoryArchives::new())
        .rate_limiter(MemoryLimiter::unlimited())
        .passwords(InsecurePasswords)
        .sessions(JwtSessions::new(&JwtConfig::new([7; 32])).expect("a secret"))
        .build()
        .expect("every port")
}

async fn session(registry: &Registry) -> String {
    registry.login("ada", PASSWORD.into()).await.expect("logged in").access_token
}

#[tokio::test]
async fn the_clock_of_the_database_is_told_whatever_the_machines_says() {
    let database = TestDatabase::new().await;
    for wrong_by in [150, -600, 86_400] {
        let store = store(&database, wrong_by).await;
        let clock = store.clock();
        store.check().await.expect("a database");
        assert!(clock.now().duration_since(SystemClock.now()).unsigned_abs() < ABOUT, "{wrong_by}");
    }
}

#[tokio::test]
async fn uploads_live_and_die_by_the_databases_clock() {
    let database = TestDatabase::new().await;
    let right = database.open().await;
    let owner = actor(&right, "owner").await;
    for wrong_by in [600, -600] {
        let wrong = store(&database, wrong_by).await;
        let [ours, theirs, lapsed] = [(); 3].map(|()| UploadId::generate());
        let lease = Duration::from_mins(2);
        wrong.begin_upload(&NewUpload { id: ours, user: owner.user, lease }).await.expect("begin");
        right.begin_upload(&NewUpload { id: theirs, user: owner.user, lease }).await.expect("begin");
        assert!(wrong.renew_upload(theirs, lease).await.expect("renew"));
        assert_eq!(wrong.abandon_uploads(100).await.expect("sweep"), 0, "{wrong_by}: all are alive");
        assert_eq!(right.abandon_uploads(100).await.expect("sweep"), 0, "{wrong_by}: all are alive");
        wrong.begin_upload(&NewUpload { id: lapsed, user: owner.user, lease: Duration::ZERO }).await.expect("begin");
        assert_eq!(right.abandon_uploads(100).await.expect("sweep"), 1, "{wrong_by}: one has lapsed");
        let swept = wrong.abandoned_uploads(Duration::ZERO, 100).await.expect("list");
        assert_eq!(swept.iter().map(|upload| upload.id).collect::<Vec<_>>(), [lapsed]);
        assert_eq!(wrong.abandoned_uploads(ABOUT, 100).await.expect("list"), [], "{wrong_by}: not so long ago");
        wrong.forget_upload(lapsed).await.expect("forget");
    }
}

#[tokio::test]
async fn replicas_agree_on_the_time_whatever_their_machines_say() {
    let database = TestDatabase::new().await;
    // A session lives for a day.
    let (right, ahead, behind) =
        tokio::join!(registry(&database, 0), registry(&database, 2 * 86_400), registry(&database, -2 * 86_400));
    let registration =
        Registration { username: "ada".into(), email: "ada@example.com".into(), password: PASSWORD.into() };
    right.register(registration).await.expect("registered");
    for (of, others) in [(&right, [&ahead, &behind]), (&behind, [&right, &ahead]), (&ahead, [&right, &behind])] {
        let session = session(of).await;
        for other in others {
            other.authenticate(&session).await.expect("it lives");
        }
    }

    let store = database.open().await;
    let (name, version) = ("kit".parse().expect("a name"), "1.0.0".parse().expect("a version"));
    let principal = right.authenticate(&session(&right).await).await.expect("it lives");
    publish(&store, &principal.actor(), "kit", "1.0.0", json!({})).await.expect("publish");
    for (registry, reason) in [(&behind, Some("old")), (&ahead, None), (&behind, Some("older"))] {
        let principal = registry.authenticate(&session(registry).await).await.expect("it lives");
        registry
            .change_text(&principal, &name, &version, VersionText::Deprecation, reason.map(Into::into))
            .await
            .expect("deprecated");
        let package = store.package(&name, Reach::Everything).await.expect("read").expect("a package");
        assert!(package.updated_at >= package.created_at);
        assert!(package.updated_at.duration_since(SystemClock.now()).unsigned_abs() < ABOUT, "{}", package.updated_at);
    }
}

#[test]
fn a_wrong_clock_is_in_the_metrics() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let database = TestDatabase::new().await;
            store(&database, -600).await.check().await.expect("a database");
        });
    });
    let shown = handle.render();
    let skew = shown.lines().find_map(|line| line.strip_prefix("aam_clock_skew_seconds ")).expect("a gauge");
    let skew: f64 = skew.parse().expect("a number");
    assert!((-660.0..=-540.0).contains(&skew), "{skew}");
}
