//! `cleanup-old-versions` beside a running server.

use std::fs;

use crate::{
    process::{Site, in_repository},
    web,
};

#[test]
fn only_versions_that_are_old_are_removed() {
    let site = Site::new();
    let server = site.serve(&[]);
    let authorization = web::sign_up(server.port(), "alice");
    let archive = fs::read(in_repository("tests/fixtures/greet-kit-1.0.0.aam")).expect("there");
    assert_eq!(web::publish(server.port(), &authorization, &archive).status, 201);
    let listed = site.run(&["cleanup-old-versions", "--dry-run", "--json"]).succeeded().json();
    assert_eq!((&listed["removed"], &listed["versions"]), (&0.into(), &serde_json::json!([])), "{listed}");
    assert_eq!(listed["days"], 365);
    let text = site.run(&["cleanup-old-versions", "--days", "1"]).succeeded().stdout();
    assert!(text.starts_with("0 versions removed"), "{text}");
    // Nobody knows what was downloaded before the counts that are kept.
    let told = site.run(&["cleanup-old-versions", "--days", "2000"]).failed().stderr();
    assert!(told.contains("730 days only"), "{told}");

    site.write("config.yaml", "cdn: { enabled: true, base_url: https://cdn.example.com }\n");
    let told = site.run(&["cleanup-old-versions"]).failed().stderr();
    assert!(told.contains("a CDN serves downloads here") && told.contains("--force"), "{told}");
    site.run(&["cleanup-old-versions", "--force"]).succeeded();
}
