//! `jobs` beside a running server, and without one.

use serde_json::{Value, json};

use crate::{
    process::{Site, wait_until},
    web,
};

fn listed(site: &Site, more: &[&str]) -> Value {
    let arguments = [&["jobs", "list", "--json"][..], more].concat();
    serde_json::from_str(&site.run(&arguments).succeeded().stdout()).expect("JSON")
}

#[test]
fn a_change_is_queued_until_a_server_has_done_what_follows() {
    let mut site = Site::new();
    site.set("RATE_LIMIT_AUTH", 0);
    let create = ["create-admin", "--username", "ada", "--email", "ada@example.com"];
    site.run_with_input(&create, "a very long sentence to log in with\n").succeeded();
    let queued = listed(&site, &["--state", "waiting"]);
    assert_eq!(queued["total"], 1, "{queued}");
    let job = &queued["jobs"][0];
    assert_eq!((&job["kind"], &job["attempts"], &job["last_error"]), (&json!("event"), &json!(0), &Value::Null));
    assert_eq!((&job["payload"]["event"], &job["payload"]["actor"]), (&json!("admin.create"), &json!("ada")), "{job}");
    assert_eq!(listed(&site, &["--state", "failed"])["total"], 0);
    assert_eq!(listed(&site, &["--kind", "other"])["total"], 0);

    let server = site.serve(&[]);
    wait_until("the queue is empty", || listed(&site, &[])["total"] == 0);
    let told = || web::get(server.port(), "/metrics").expect("answered").body;
    wait_until("the job is counted", || told().contains("aam_jobs_total{kind=\"event\",outcome=\"done\"} 1"));
}

#[test]
fn an_operator_retries_and_drops_jobs() {
    let site = Site::new();
    let create = ["create-admin", "--username", "ada", "--email", "ada@example.com"];
    site.run_with_input(&create, "a very long sentence to log in with\n").succeeded();
    let queued = listed(&site, &[]);
    let id = queued["jobs"][0]["id"].as_str().expect("an id");
    assert_eq!(site.run(&["jobs", "retry", id]).succeeded().stdout(), "1 job is due now\n");
    assert!(site.run(&["jobs", "list"]).succeeded().stdout().starts_with(id));
    assert_eq!(site.run(&["jobs", "drop", "--failed"]).succeeded().stdout(), "no such job\n");
    let dropped = site.run(&["jobs", "drop", id, "--json"]).succeeded().stdout();
    assert_eq!(serde_json::from_str::<Value>(&dropped).expect("JSON"), json!({"dropped": 1}));
    assert_eq!(site.run(&["jobs", "list"]).succeeded().stdout(), "no such jobs\n");
    assert_eq!(site.run(&["jobs", "retry", id]).failed().stdout(), "no such job, or it is running\n");
    let unknown = site.run(&["jobs", "retry", "x"]).failed().stderr();
    assert!(unknown.contains("x is not the id of a job"), "{unknown}");
    for arguments in [&["jobs", "drop"][..], &["jobs", "list", "--state", "odd"]] {
        assert_eq!(site.run(arguments).code(), Some(2), "{arguments:?}");
    }
}
