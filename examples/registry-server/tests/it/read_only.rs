//! A pause in which nothing changes, switched beside a running server.

use std::fs;

use serde_json::json;

use crate::{
    process::{Site, in_repository, wait_until},
    web,
};

#[test]
fn the_operator_switches_it_beside_a_running_server() {
    let mut site = Site::new();
    let server = site.set("RATE_LIMIT_PUBLISH", 0).serve(&[]);
    let authorization = web::sign_up(server.port(), "alice");
    let archive = fs::read(in_repository("tests/fixtures/greet-kit-1.0.0.aam")).expect("there");
    let on = site.run(&["read-only", "on", "--reason", "moving", "--json"]).succeeded().json();
    assert_eq!((&on["read_only"], &on["reason"], &on["configured"]), (&json!(true), &json!("moving"), &json!(false)));
    wait_until("the server follows", || web::publish(server.port(), &authorization, &archive).status == 503);
    let refused = web::publish(server.port(), &authorization, &archive);
    assert!(refused.body.contains("read_only") && refused.body.contains("moving"), "{}", refused.body);
    wait_until("it is reported", || {
        let told = web::get(server.port(), "/metrics").expect("answered").body;
        told.contains("aam_read_only 1")
    });
    server.wait_for("read_only_began");
    // Commands that change something are refused, too.
    let told = site.run(&[
        "user",
        "create",
        "--username",
        "bob",
        "--email",
        "bob@example.com",
        "--password",
        "a very long sentence",
    ]);
    assert!(told.failed().stderr().contains("read-only for now (moving)"));

    let text = site.run(&["read-only", "off"]).succeeded().stdout();
    assert_eq!(text, "changes are taken\n");
    // It may have been published before the server followed.
    let is_taken = |status| matches!(status, 201 | 409);
    wait_until("the server follows", || is_taken(web::publish(server.port(), &authorization, &archive).status));
    assert_eq!(site.run(&["read-only", "status", "--json"]).succeeded().json()["read_only"], false);
}

#[test]
fn a_server_that_is_configured_read_only_refuses_changes() {
    let mut site = Site::new();
    site.run(&["migrate"]).succeeded();
    site.set("READ_ONLY", "on");
    let server = site.serve(&[]);
    let registration = json!({"username": "alice", "email": "alice@example.com", "password": "a very long sentence"});
    let refused = web::post(server.port(), "/api/v1/users/register", "", &registration);
    assert_eq!((refused.status, &refused.json()["error"]), (503, &json!("read_only")));
    let text = site.run(&["read-only", "status"]).succeeded().stdout();
    assert!(text.contains("READ_ONLY is on here"), "{text}");
}
