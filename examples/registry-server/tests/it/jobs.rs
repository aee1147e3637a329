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

/// As jobs of a webhook that is in config.yaml no more.
#[test]
fn jobs_that_nobody_will_do_are_marked_and_dropped_by_their_kind() {
    let mut site = Site::new();
    site.set("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1");
    // A port on which nobody listens any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("an address").port();
    let hook = "webhooks:\n  - url: http://127.0.0.1:PORT/hook\n    name: old\n    secret: \
                whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n    events: [admin.create]\n";
    site.write("config.yaml", &hook.replace("PORT", &port.to_string()));
    let create = ["create-admin", "--username", "ada", "--email", "ada@example.com"];
    site.run_with_input(&create, "a very long sentence to log in with\n").succeeded();
    let server = site.serve(&[]);
    wait_until("it was tried", || listed(&site, &["--kind", "webhook:old"])["jobs"][0]["last_error"].is_string());
    drop(server);
    assert_eq!(listed(&site, &[])["jobs"][0]["has_handler"], true);
    site.write("config.yaml", "");
    assert_eq!(listed(&site, &[])["jobs"][0]["has_handler"], false);
    let shown = site.run(&["jobs", "list"]).succeeded().stdout();
    assert!(shown.contains("no handler: remove it with `jobs drop`"), "{shown}");
    assert_eq!(site.run(&["jobs", "retry", "--kind", "webhook:old"]).succeeded().stdout(), "1 job is due now\n");
    let dropped = site.run(&["jobs", "drop", "--kind", "webhook:old"]).succeeded().stdout();
    assert_eq!(dropped, "1 job removed; what it was to do is not done\n");
    assert_eq!(listed(&site, &[])["total"], 0);
    assert_eq!(site.run(&["jobs", "drop", "x", "--kind", "event"]).code(), Some(2), "ids or a kind");
}
