//! Measuring, checking and tidying up the database.

use std::fs;

use crate::{
    process::{Site, in_repository},
    web,
};

#[test]
fn a_database_is_measured_checked_and_tidied_up_beside_its_server() {
    let site = Site::new();
    let server = site.serve(&[]);
    let authorization = web::sign_up(server.port(), "alice");
    let archive = fs::read(in_repository("tests/fixtures/greet-kit-1.0.0.aam")).expect("there");
    assert_eq!(web::publish(server.port(), &authorization, &archive).status, 201);
    let stats = site.run(&["db", "stats", "--json"]).succeeded().json();
    let tables = stats["tables"].as_array().expect("a list");
    assert!(tables.iter().any(|table| table["table"] == "versions" && table["rows"] == 1), "{stats}");
    assert!(stats["slow_statements"].is_null(), "{stats}");
    let text = site.run(&["db", "stats"]).succeeded().stdout();
    assert!(text.contains("free for new rows") && text.contains("1 rows"), "{text}");
    let tidied = site.run(&["db", "vacuum", "--json"]).succeeded().json();
    assert!(tidied["bytes"].as_u64() > Some(0), "{tidied}");
    assert!(site.run(&["db", "check"]).succeeded().stdout().ends_with(": sound\n"));
    assert_eq!(web::get(server.port(), "/api/v1/packages/greet-kit").expect("answered").status, 200);
}

#[test]
fn a_damaged_database_is_told_with_the_remedy() {
    let site = Site::new();
    site.run(&["migrate"]).succeeded();
    let file = site.path("data/registry.db");
    let mut bytes = fs::read(&file).expect("there");
    // The last page: the schema can still be read.
    let last = bytes.len() - 4096;
    bytes[last..].fill(0xff);
    fs::write(&file, bytes).expect("written");
    let checked = site.run(&["db", "check"]).failed();
    assert!(checked.stdout().contains("docs/backup.md"), "{}{}", checked.stdout(), checked.stderr());
}

#[test]
fn a_database_that_is_not_there_is_not_made() {
    let site = Site::new();
    for action in ["stats", "vacuum", "check"] {
        let told = site.run(&["db", action]).failed().stderr();
        assert!(told.contains("there is no registry"), "{told}");
    }
    assert!(!site.path("data/registry.db").exists());
}
