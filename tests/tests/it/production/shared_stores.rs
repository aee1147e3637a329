//! Registries that share a Redis or an archive store.

use aam_registry_tests::{
    Api, Package, Redis, S3Server, Server, Settings, eventually, postgres::Database, production, replicas,
};

const JWT_SECRET: &str = "a secret that all replicas of a test have in common";

async fn latest(api: &Api) -> String {
    let package = api.get("/api/v1/packages/kit").await.expect_status(200).json();
    package["latest_version"].as_str().expect("a version").to_owned()
}

/// Makes every cacheable read of a package, so that the answers are cached.
async fn read(api: &Api) {
    for path in ["", "/versions", "/1.0.0", "/resolve"] {
        api.get(&format!("/api/v1/packages/kit{path}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_on_one_redis_see_nothing_of_each_other() {
    let (redis, one, two) = tokio::join!(Redis::start(), Database::create(), Database::create());
    let settings = |database: &Database| {
        let settings = Settings::default().with("DATABASE_URL", database.url()).with("AUTO_MIGRATE", "true");
        settings.with("REDIS_URL", redis.url()).with("JWT_SECRET", JWT_SECRET)
    };
    // Two replicas of one registry, and another registry.
    let replicas = replicas::<2>(&settings(&one)).await;
    let other = Server::start_on(settings(&two)).await;
    for server in replicas.iter().chain([&other]) {
        let api = server.anonymous();
        eventually("redis to be in use", async || (api.get("/health/cache").await.status == 200).then_some(())).await;
    }

    let ada = replicas[0].user("ada").await;
    ada.publish(&Package::new("kit", "1.0.0").aam(), &[]).await.expect_status(201);
    ada.publish(&Package::new("kit", "2.0.0").aam(), &[]).await.expect_status(201);
    for server in &replicas {
        read(&server.anonymous()).await;
    }
    for path in ["", "/versions", "/1.0.0", "/1.0.0/download"] {
        let status = other.anonymous().get(&format!("/api/v1/packages/kit{path}")).await.status;
        assert_eq!(status, 404, "kit{path} is only in the first registry");
    }
    // The other registry has packages with the same names and fewer versions.
    let eve = other.user("ada").await;
    eve.publish(&Package::new("kit", "1.0.0").with("description", "Another kit".into()).aam(), &[])
        .await
        .expect_status(201);
    read(&other.anonymous()).await;
    assert_eq!(latest(&other.anonymous()).await, "1.0.0");
    for server in &replicas {
        assert_eq!(latest(&server.anonymous()).await, "2.0.0");
        let version = server.anonymous().get("/api/v1/packages/kit/1.0.0").await.json();
        assert_eq!(version["description"], "A package called kit");
    }
}

/// Two registries with their own databases that store archives in the same place.
async fn check_that_neither_harms_the_other(first: Server, second: Settings) {
    let ada = first.user("ada").await;
    ada.publish(&Package::new("kit", "1.0.0").aam(), &[]).await.expect_status(201);
    let second = Server::start_on(second).await;
    eventually("the second registry to say whose the archives are", async || {
        second.log().contains("storage_not_ours").then_some(())
    })
    .await;

    let refused = second.run(&["storage", "cleanup", "--older-than", "0s", "--json"]).await.expect_code(1);
    assert!(refused.stderr.contains("storage adopt"), "{}", refused.stderr);
    let bob = second.user("bob").await;
    let other = Package::new("other-kit", "1.0.0").aam();
    assert_eq!(bob.publish(&other, &[]).await.expect_status(503).json()["error"], "storage_unavailable");
    assert_eq!(bob.get("/health/storage").await.status, 503);
    let verified = second.run(&["storage", "verify", "--json"]).await.expect_code(1).json();
    assert_eq!(verified["checked"], 0);
    first.run(&["storage", "cleanup", "--older-than", "0s"]).await.expect_code(0);
    first.run(&["storage", "verify", "--deep"]).await.expect_code(0);

    let adopted = second.run(&["storage", "adopt", "--json"]).await.expect_code(0).json();
    assert_ne!(adopted["registry"], adopted["before"]);
    eventually("the second registry to publish", async || (bob.publish(&other, &[]).await.status == 201).then_some(()))
        .await;
    let refused = first.run(&["storage", "cleanup", "--older-than", "0s"]).await.expect_code(1);
    assert!(refused.stderr.contains(adopted["registry"].as_str().expect("an id")), "{}", refused.stderr);
    eventually("the first registry to notice", async || {
        let answer = ada.publish(&Package::new("kit", "1.1.0").aam(), &[]).await;
        (answer.status == 503).then_some(())
    })
    .await;
    ada.get("/api/v1/packages/kit/1.0.0/download").await.expect_status(200);
    let again = first.run(&["storage", "adopt"]).await.expect_code(0).stdout;
    assert!(again.contains("is now that of this one"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_in_one_folder_do_not_delete_each_others_archives() {
    let first = Server::start_on(Settings::default()).await;
    let folder = first.data_dir().join("packages").to_str().expect("text").to_owned();
    check_that_neither_harms_the_other(first, Settings::default().with("STORAGE_PATH", folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registries_in_one_bucket_do_not_delete_each_others_archives() {
    let (s3, one, two) = tokio::join!(S3Server::start(), Database::create(), Database::create());
    let first = Server::start_on(production(one.url(), &s3.endpoint())).await;
    check_that_neither_harms_the_other(first, production(two.url(), &s3.endpoint())).await;
}
