use aam_registry_tests::{Package, Server, fixture};
use flate2::{Compression, write::GzEncoder};
use reqwest::Method;
use serde_json::{Value, json};

use super::transcript::Transcript;

#[tokio::test]
async fn archives_of_another_client_are_published() {
    let server = Server::start().await;
    let (acme, my_org) = (server.user("acme").await, server.user("my_org").await);
    let mut transcript = Transcript::default();
    for (api, file, fields) in [
        (&acme, "greet-kit-1.0.0.aam", &[][..]),
        (&acme, "greet-kit-1.1.0.aam", &[("tag", "beta")]),
        (&acme, "acme-review-suite-2.1.0.aam", &[]),
        (&my_org, "my_org-style-guide-0.3.0.aam", &[]),
        (&acme, "pre-1.0.0-rc.1.aam", &[]),
    ] {
        transcript.publish(file, api, &fixture(file), fields).await;
    }
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn a_version_is_published_once() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let mut transcript = Transcript::default();
    let package = Package::new("kit", "1.0.0");
    transcript.publish("first", &ada, &package.aam(), &[]).await;
    transcript.publish("the same again", &ada, &package.aam(), &[]).await;
    transcript.publish("other bytes", &ada, &package.file("more.md", "more").aam(), &[]).await;
    transcript.publish("other build metadata", &ada, &Package::new("kit", "1.0.0+2").aam(), &[]).await;
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn who_may_not_publish_is_told_why() {
    let server = Server::start().await;
    let (ada, bob) = (server.user("ada").await, server.user("bob").await);
    let mut transcript = Transcript::default();
    let aam = Package::new("kit", "1.0.0").aam();
    transcript.publish("no credential", &server.anonymous(), &aam, &[]).await;
    transcript.publish("a bad credential", &server.anonymous().with_token("nonsense"), &aam, &[]).await;
    ada.publish(&aam, &[]).await.expect_status(201);
    transcript.publish("not an owner", &bob, &Package::new("kit", "1.1.0").aam(), &[]).await;
    transcript.publish("a scope of somebody else", &bob, &Package::new("@ada/kit", "1.0.0").aam(), &[]).await;
    transcript.publish("a scope of nobody", &bob, &Package::new("@nobody/kit", "1.0.0").aam(), &[]).await;

    let read_only = bob.post("/api/v1/users/tokens", &json!({"name": "ci", "scopes": ["read"]})).await;
    let read_only = bob.with_token(read_only.expect_status(201).json()["token"].as_str().expect("a token"));
    transcript.publish("a token without the scope", &read_only, &Package::new("other", "1.0.0").aam(), &[]).await;
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn what_cannot_be_published_is_refused() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let mut transcript = Transcript::default();
    let aam = Package::new("kit", "1.0.0").aam();
    let zeros = "0".repeat(64);
    transcript.publish("not an archive", &ada, b"hello", &[]).await;
    transcript.publish("cut off", &ada, &aam[..aam.len() - 1], &[]).await;
    transcript.publish("an empty file", &ada, b"", &[]).await;
    transcript.publish("another checksum", &ada, &aam, &[("checksum", &zeros)]).await;
    transcript.publish("no checksum", &ada, &aam, &[("checksum", "abc")]).await;
    transcript.publish("a reserved tag", &ada, &aam, &[("tag", "all")]).await;
    transcript.publish("a signature", &ada, &aam, &[("signature", "{}"), ("signature_type", "sigstore")]).await;
    transcript.publish("a private package", &ada, &private(), &[]).await;
    transcript.publish("faults", &ada, &faulty(), &[]).await;
    let unsupported = ada.post("/api/v1/packages", &json!({})).await;
    transcript.note("POST /api/v1/packages: JSON", &unsupported);
    let form = reqwest::multipart::Form::new().text("tag", "beta");
    let without = aam_registry_tests::Answer::of(ada.request(Method::POST, "/api/v1/packages").multipart(form)).await;
    transcript.note("POST /api/v1/packages: no archive", &without);
    transcript.get(&server.anonymous(), "/api/v1/packages").await;
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn an_upload_that_failed_blocks_nothing() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let aam = Package::new("kit", "1.0.0").aam();
    ada.publish(&aam[..aam.len() / 2], &[]).await.expect_status(400);
    ada.publish(&aam, &[("checksum", &"0".repeat(64))]).await.expect_status(400);
    ada.publish(&aam, &[]).await.expect_status(201);
}

#[tokio::test]
async fn an_archive_over_the_limit_is_refused() {
    let server = Server::start_with(&[("MAX_ARCHIVE_SIZE", "20000"), ("MAX_UNPACKED_SIZE", "100000")]).await;
    let ada = server.user("ada").await;
    let mut transcript = Transcript::default();
    let noise: Vec<u8> = (0..30_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    transcript.publish("large", &ada, &Package::new("kit", "1.0.0").file("noise", &noise[..60_000]).aam(), &[]).await;
    let bomb = Package::new("kit", "1.0.0").file("zeros", vec![0; 200_000]).aam();
    transcript.publish("a bomb", &ada, &bomb, &[]).await;
    insta::assert_json_snapshot!(transcript.into_value());
}

#[tokio::test]
async fn the_limits_of_a_manifest_are_those_that_the_registry_tells() {
    let server = Server::start_with(&[("MAX_DEPENDENCIES", "2"), ("MAX_MANIFEST_KEY", "30")]).await;
    let ada = server.user("ada").await;
    let limits = server.anonymous().get("/api/v1/limits").await.json();
    assert_eq!((&limits["max_dependencies"], &limits["max_manifest_key"]), (&json!(2), &json!(30)));
    let needs = |count: usize| (0..count).map(|at| (format!("p{at}"), json!("*"))).collect::<Value>();
    let package = |count| Package::new("kit", "1.0.0").with("dependencies", needs(count));
    let refused = ada.publish(&package(3).with(&"k".repeat(31), json!(1)).aam(), &[]).await;
    assert_eq!(refused.status, 400);
    let faults = refused.json()["details"].clone();
    assert_eq!(faults[0], json!({"field": "dependencies", "error": "has 3 entries; at most 2 are allowed"}));
    assert_eq!(faults[1]["error"], "is a key of 31 bytes; at most 30 are allowed");
    ada.publish(&package(2).with(&"k".repeat(30), json!(1)).aam(), &[]).await.expect_status(201);
}

/// An archive that the packer would not create.
fn raw(manifest: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, contents) in [("aam.yaml", manifest), ("p.md", "Hello")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, contents.as_bytes()).expect("in memory");
    }
    tar.into_inner().and_then(GzEncoder::finish).expect("in memory")
}

fn private() -> Vec<u8> {
    raw("name: kit\nversion: 1.0.0\ndescription: d\nprivate: true\nartifacts: {prompts: [{name: p, path: p.md}]}\n")
}

fn faulty() -> Vec<u8> {
    raw("name: Kit\nversion: 1.10\nhomepage: nowhere\nkeywords: [Ok]\nartifacts: {skills: [{name: s, path: ../s}]}\n\
         dependencies: {b: '>=1 <2'}\n")
}
