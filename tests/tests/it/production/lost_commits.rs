//! The database loses commits while replicas keep running.

use aam_registry_core::types::Sha256Digest;
use aam_registry_tests::{
    Api, Package, Redis, S3Server, Server, Stores, eventually, postgres::Postgres, production, replicas,
};

const KIT: &str = "/api/v1/packages/kit";

/// Version 1.0.0 as it was, and as it is published again.
fn archives() -> [Vec<u8>; 2] {
    // With the same size, so that only the bytes differ.
    ["old", "new"].map(|text| Package::new("kit", "1.0.0").file("which", text).aam())
}

/// Asserts that a replica serves this archive and its file, through every endpoint.
async fn serves(api: &Api, aam: &[u8], file: &str) -> Result<(), String> {
    let sha256 = Sha256Digest::of(aam).to_string();
    let get = async |path: &str| api.try_get(&format!("{KIT}{path}")).await.map_err(|error| format!("{path}: {error}"));
    let check = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    let version = get("/1.0.0").await?;
    check(version.status == 200 && version.json()["checksum"]["sha256"] == sha256, "the version")?;
    let package = get("").await?;
    check(package.json()["versions"][0]["checksum"]["sha256"] == sha256, "the package")?;
    let download = get("/1.0.0/download").await?;
    check(download.status == 200 && download.body == aam, "the download")?;
    check(download.headers["x-checksum-sha256"] == *sha256, "the checksum of the download")?;
    check(get(&format!("/1.0.0/download/{sha256}")).await?.body == aam, "the download by digest")?;
    check(get("/1.0.0/files/which").await?.body == file.as_bytes(), "the file")?;
    check(get("/1.0.0/files").await?.status == 200, "the files")
}

/// Publishes the version again on the first server, and asserts that all servers serve the new archive.
async fn publish_again(servers: &[Server], user: &Api, aam: &[u8]) {
    eventually("the version to be free again", async || {
        let answer = user.publish(aam, &[]).await;
        assert!([201, 409, 503].contains(&answer.status), "{}", answer.status);
        (answer.status == 201).then_some(())
    })
    .await;
    for server in servers {
        let api = server.anonymous();
        let mut last = String::new();
        let served = eventually("the new archive to be served everywhere", async || {
            serves(&api, aam, "new").await.map_err(|what| last = what).ok()
        });
        served.await;
        // The old archive does not reappear.
        for _ in 0..20 {
            serves(&api, aam, "new").await.unwrap_or_else(|what| panic!("{what} is the old one again, after {last}"));
        }
    }
}

async fn publish_and_read(servers: &[Server], user: &Api, aam: &[u8]) {
    user.publish(aam, &[]).await.expect_status(201);
    for server in servers {
        let api = server.anonymous();
        let served = eventually("the old archive to be served", async || serves(&api, aam, "old").await.ok());
        served.await;
        serves(&api, aam, "old").await.expect("it is kept by now");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_a_restore_took_back_is_served_as_it_is_published_again() {
    let stores = Stores::start().await;
    let servers = replicas::<2>(&stores.settings()).await;
    let user = servers[0].user("ada").await;
    let dump = stores.database.dump();
    let [old, new] = archives();
    publish_and_read(&servers, &user, &old).await;
    stores.database.restore(&dump);
    publish_again(&servers, &user, &new).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_a_failover_lost_is_served_as_it_is_published_again() {
    let (mut postgres, s3, redis) = tokio::join!(Postgres::start(), S3Server::start(), Redis::start());
    let alone = production(&postgres.url(), &s3.endpoint());
    for (name, settings) in [("ada", alone.clone().with("REDIS_URL", redis.url())), ("bob", alone)] {
        let servers = replicas::<2>(&settings).await;
        let user = servers[0].user(name).await;
        // The data of the standby when it takes over.
        postgres.stop().await;
        postgres.back_up();
        postgres.start_again().await;
        let [old, new] = archives();
        let published = eventually("the database to be back", async || {
            let answer = user.publish(&old, &[]).await;
            (answer.status == 201).then_some(())
        });
        published.await;
        for server in &servers {
            let api = server.anonymous();
            eventually("the old archive to be served", async || serves(&api, &old, "old").await.ok()).await;
        }
        postgres.kill();
        for server in &servers {
            let kept = server.anonymous().get(&format!("{KIT}/1.0.0/download")).await;
            assert_eq!(kept.body, old, "downloads go on meanwhile");
        }
        postgres.go_back();
        postgres.start_again().await;
        publish_again(&servers, &user, &new).await;
        // Remove it again for the next round.
        postgres.client().await.batch_execute("TRUNCATE packages, listings CASCADE").await.expect("ours alone");
    }
}
