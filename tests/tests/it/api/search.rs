use aam_registry_tests::{Package, Server};
use serde_json::json;

use super::transcript::Transcript;

#[tokio::test]
async fn packages_are_found_and_listed() {
    let server = Server::start().await;
    let ada = server.user("ada").await;
    let review = json!({"skills": [{"name": "diff-reader", "path": "skills/diff", "description": "Reads diffs"}]});
    for package in [
        Package::new("review", "1.0.0").with("description", json!("Reviews code")),
        Package::new("code-review", "1.0.0").with("keywords", json!(["audit", "code"])),
        Package::new("@ada/helper", "1.0.0")
            .with("artifacts", review)
            .with("author", json!("Grace"))
            .file("skills/diff/SKILL.md", "x"),
        Package::new("unrelated", "1.0.0-rc.1"),
    ] {
        ada.publish(&package.aam(), &[]).await.expect_status(201);
    }
    let api = server.anonymous();
    let mut transcript = Transcript::default();
    transcript.get(&api, "/api/v1/packages?q=review").await;
    for query in [
        "q=rev",
        "q=reveiw",
        "q=grace",
        "q=diff-reader",
        "q=audit",
        "q=nothing-like-it",
        "q=@ada/*",
        "q=%22(*%20OR",
        "type=skill",
        "scope=ada",
        "keyword=audit",
        "sort=name",
        "sort=name&limit=2&page=2",
        "page=9",
    ] {
        let found = api.get(&format!("/api/v1/packages?{query}")).await.expect_status(200).json();
        let names: Vec<_> = found["packages"].as_array().expect("a list").iter().map(|row| &row["name"]).collect();
        let summary = json!({"names": names, "total": found["total"], "page": found["page"], "pages": found["pages"]});
        transcript.summary(query, &summary);
    }
    for bad in ["limit=0", "limit=101", "page=0", "page=x", "type=plugin", "sort=random"] {
        transcript.get(&api, &format!("/api/v1/packages?{bad}")).await;
    }
    insta::assert_json_snapshot!(transcript.into_value());
}
