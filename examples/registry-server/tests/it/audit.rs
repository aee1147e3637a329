//! `audit` beside a running server, and without one.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::{
    process::{Site, in_repository, wait_until},
    web,
};

fn verified(site: &Site, more: &[&str]) -> Value {
    site.run(&[&["audit", "verify", "--json"][..], more].concat()).succeeded().json()
}

#[test]
fn an_operator_verifies_exports_and_prunes_the_log() {
    let mut site = Site::new();
    site.set("RATE_LIMIT_AUTH", 0);
    let server = site.serve(&[]);
    for name in ["ada", "bob", "eve"] {
        web::sign_up(server.port(), name);
    }
    // Registering and logging in is an entry each.
    wait_until("each entry has its position", || verified(&site, &[])["checked"] == 6);
    let end = verified(&site, &[])["end"].as_str().expect("an end").to_owned();
    assert_eq!(verified(&site, &["--known", &end])["good"], true);
    let text = site.run(&["audit", "verify", "--known", &end]).succeeded().stdout();
    assert_eq!(text, format!("6 entries checked: all as the registry wrote them\nend: {end}\n"));
    let other = format!("3:{}", "0".repeat(64));
    let text = site.run(&["audit", "verify", "--known", &other]).failed().stdout();
    assert!(text.starts_with("the log was rewritten: position 3 does not have the hash"), "{text}");
    assert_eq!(site.run(&["audit", "verify", "--known", "3"]).code(), Some(2));

    let lines = site.run(&["audit", "export"]).succeeded().stdout();
    let entries: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(entries.len(), 6);
    assert_eq!((&entries[0]["event"], &entries[0]["actor"]), (&"user.register".into(), &"ada".into()));
    assert_eq!(format!("6:{}", entries[5]["hash"].as_str().expect("a hash")), end);
    let file = site.path("audit.jsonl");
    let named = file.to_str().expect("UTF-8");
    site.run(&["audit", "export", "--after", "4", "--output", named]).succeeded();
    let written = fs::read_to_string(&file).expect("written");
    assert_eq!(written.lines().collect::<Vec<_>>(), lines.lines().skip(4).collect::<Vec<_>>());
    assert_eq!(fs::metadata(&file).expect("written").permissions().mode() & 0o777, 0o600);
    let refused = site.run(&["audit", "export", "--output", named]).failed().stderr();
    assert!(refused.contains("cannot be written"), "{refused}");

    assert_eq!(site.run(&["audit", "prune"]).succeeded().stdout(), "no entry is old enough\n");
    let would = site.run(&["audit", "prune", "--older-than", "0s", "--dry-run"]).succeeded().stdout();
    assert_eq!(would, "6 entries would be deleted, up to position 6\n");
    let pruned = site.run(&["audit", "prune", "--older-than", "0s", "--json"]).succeeded().json();
    assert_eq!((&pruned["entries"], &pruned["through"]), (&6.into(), &6.into()), "{pruned}");
    wait_until("the entry about it has its position", || verified(&site, &["--known", &end])["checked"] == 1);
    let verdict = verified(&site, &["--known", &end]);
    assert_eq!((&verdict["good"], &verdict["pruned_through"]), (&true.into(), &6.into()), "{verdict}");
    let left = site.run(&["audit", "export"]).succeeded().stdout();
    assert!(left.contains("admin.audit_prune") && left.lines().count() == 1, "{left}");
}

#[test]
fn downloads_are_in_the_log_where_they_are_to_be_and_old_entries_go_by_themselves() {
    let mut site = Site::new();
    site.set("RATE_LIMIT_AUTH", 0);
    site.write("config.yaml", "audit: { log_all_reads: true, retention_days: 0 }\n");
    let refused = site.run(&["audit", "prune"]).failed().stderr();
    assert!(refused.contains("kept for ever; say with --older-than"), "{refused}");
    let mut server = site.serve(&[]);
    let ada = web::sign_up(server.port(), "ada");
    let archive = fs::read(in_repository("tests/fixtures/greet-kit-1.0.0.aam")).expect("fixture");
    assert_eq!(web::publish(server.port(), &ada, &archive).status, 201);
    let path = "/api/v1/packages/greet-kit/1.0.0/download";
    for credential in ["", &*ada, ""] {
        assert_eq!(web::get_with(server.port(), path, credential).expect("answered").status, 200);
    }
    // What was counted is written at the latest when the server ends.
    server.terminate();
    assert!(server.wait().success());
    let lines = site.run(&["audit", "export"]).succeeded().stdout();
    let entries = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut read: Vec<_> = entries.filter(|entry| entry["event"] == "package.download").collect();
    read.sort_by_key(|entry| entry["actor"].to_string());
    let told: Vec<_> = read.iter().map(|entry| (&entry["actor"], &entry["metadata"]["count"])).collect();
    assert_eq!(told, [(&"ada".into(), &1.into()), (&Value::Null, &2.into())], "{lines}");
    assert!(read.iter().all(|entry| entry["package"] == "greet-kit" && entry["version"] == "1.0.0"), "{lines}");
}
