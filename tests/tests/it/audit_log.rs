//! The audit log as an operator keeps it, through the commands of the server.

use aam_registry_tests::{Api, Package, Server, eventually};
use serde_json::{Value, json};

/// What people do in a part of a day; some of it fails.
async fn some_hours(ada: &Api, anonymous: &Api, major: usize) {
    for minor in 0..10 {
        let (name, version) = ("@ada/kit", format!("{major}.{minor}.0"));
        ada.publish(&Package::new(name, &version).aam(), &[]).await.expect_status(201);
        let path = format!("/api/v1/packages/{name}/{version}");
        ada.put(&format!("{path}/deprecation"), &json!({"message": "there is a newer one"})).await.expect_status(200);
        ada.delete(&format!("{path}?reason=broken")).await.expect_status(200);
        ada.post(&format!("{path}/unyank"), &json!({})).await.expect_status(200);
        let wrong = json!({"username": "ada", "password": "not the password of ada"});
        anonymous.post("/api/v1/users/login", &wrong).await.expect_status(401);
        let token = ada.post("/api/v1/users/tokens", &json!({"name": version, "scopes": ["read"]})).await;
        let id = token.expect_status(201).json()["id"].as_str().expect("an id").to_owned();
        ada.delete(&format!("/api/v1/users/tokens/{id}")).await.expect_status(204);
    }
}

/// `audit verify` of everything that is stored now; it must find the log whole.
async fn verified(server: &Server, known: &[&str]) -> Value {
    let known: Vec<_> = known.iter().flat_map(|link| ["--known", *link]).collect();
    let arguments = [&["audit", "verify", "--json"], &known[..]].concat();
    let verdict = server.run(&arguments).await.expect_code(0).json();
    assert_eq!((&verdict["good"], &verdict["faults"]), (&json!(true), &json!([])), "{verdict}");
    verdict
}

fn end(verdict: &Value) -> &str {
    verdict["end"].as_str().expect("the end of the log")
}

/// The lines of `audit export`.
async fn exported(server: &Server, after: u64) -> Vec<Value> {
    let ran = server.run(&["audit", "export", "--after", &after.to_string()]).await.expect_code(0);
    ran.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

#[tokio::test]
async fn a_day_is_verified_pruned_and_verified_again() {
    let server = Server::start().await;
    let (ada, bob, anonymous) = (server.user("ada").await, server.user("bob").await, server.anonymous());
    some_hours(&ada, &anonymous, 1).await;
    let password = json!({"current_password": "correct horse battery staple"});
    let delete = bob.request(reqwest::Method::DELETE, "/api/v1/users/me").json(&password);
    aam_registry_tests::Answer::of(delete).await.expect_status(204);

    // 70 acts, what each account did, and the end of one. Positions are given within a moment.
    let is_chained = async || (exported(&server, 0).await.len() >= 70 + 5).then_some(());
    eventually("the entries to have positions", is_chained).await;
    let morning = verified(&server, &[]).await;
    let before = exported(&server, 0).await;
    assert_eq!(morning["checked"].as_u64(), Some(before.len() as u64));

    // A deleted account is named nowhere, as in the API, and the lines say so. The hashes are those of the log.
    let of_bob: Vec<_> = before.iter().filter(|line| line["names_hidden"] == true).collect();
    assert!(
        of_bob.iter().any(|line| line["event"] == "user.register" && line["actor"] == "(deleted user)"),
        "{of_bob:?}"
    );
    assert!(!before.iter().any(|line| line["actor"] == "bob" || line["metadata"]["user"] == "bob"), "{before:?}");
    assert!(before.iter().all(|line| line["hash"].as_str().is_some_and(|hash| hash.len() == 64)));
    assert!(before.iter().filter(|line| line["actor"] == "ada").all(|line| line.get("names_hidden").is_none()));

    // Entries of the morning grow old, and go.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    some_hours(&ada, &anonymous, 2).await;
    let would =
        server.run(&["audit", "prune", "--older-than", "1s", "--dry-run", "--json"]).await.expect_code(0).json();
    assert!(would["entries"].as_u64() >= Some(before.len() as u64), "{would}");
    assert_eq!(exported(&server, 0).await[0]["position"], 1, "a dry run deletes nothing");
    let pruned = server.run(&["audit", "prune", "--older-than", "1s", "--json"]).await.expect_code(0).json();
    let through = pruned["through"].as_u64().expect("a position");
    assert!(through >= before.len() as u64 && pruned["entries"].as_u64() == Some(through), "{pruned}");

    let evening = verified(&server, &[end(&morning)]).await;
    assert_eq!(evening["pruned_through"].as_u64(), Some(through), "{evening}");
    let told =
        async || exported(&server, 0).await.iter().any(|line| line["event"] == "admin.audit_prune").then_some(());
    eventually("what was pruned is on record", told).await;
    let after = exported(&server, 0).await;
    assert_eq!(after[0]["position"].as_u64(), Some(through + 1), "the rest is there");
    some_hours(&ada, &anonymous, 3).await;
    let night = verified(&server, &[end(&evening)]).await;
    assert!(night["checked"].as_u64() > evening["checked"].as_u64(), "{night}");
    let forged = format!("{}:{}", through + 1, "0".repeat(64));
    let bad = server.run(&["audit", "verify", "--json", "--known", &forged]).await;
    assert!(bad.code != Some(0) && bad.json()["good"] == false, "{}{}", bad.stdout, bad.stderr);
}
