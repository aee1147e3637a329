//! Who may read the metrics, and how many there are.

use std::{collections::BTreeSet, io::Write};

use serde_json::json;

use crate::{
    process::{Site, wait_until},
    web,
};

const TOKEN: &str = "a-token-of-the-monitoring";

#[test]
fn metrics_need_the_token_and_nothing_else_does() {
    let mut site = Site::new();
    let server = site.set("METRICS_TOKEN", TOKEN).serve(&[]);
    let refused = web::get(server.port(), "/metrics").expect("answered");
    assert_eq!(refused.status, 401, "{refused:?}");
    assert!(refused.head.to_ascii_lowercase().contains("www-authenticate: bearer"), "{refused:?}");
    assert_eq!(refused.json()["error"], "unauthorized");
    let with = |path: &str, token: &str| {
        web::get_with(server.port(), path, &format!("Authorization: Bearer {token}\r\n")).expect("answered")
    };
    assert_eq!(with("/metrics", "another-token-of-16").status, 401);
    let answered = with("/metrics", TOKEN);
    assert_eq!(answered.status, 200, "{answered:?}");
    assert!(answered.body.contains("aam_build_info"), "{answered:?}");
    assert_eq!(web::get(server.port(), "/health").expect("answered").status, 200);
    // It is no credential of the registry.
    assert_eq!(with("/api/v1/packages", TOKEN).status, 401);
    assert!(!server.whole_log().join("\n").contains(TOKEN));
}

#[test]
fn metrics_on_an_address_of_their_own_are_on_no_other() {
    let mut site = Site::new();
    let server =
        site.set("METRICS_ADDRESS", "127.0.0.1:0").set("METRICS_TOKEN", TOKEN).serve_until(&[], "metrics_served");
    let port = server.port();
    let started = server.wait_for("server_started");
    let address = started["address"].as_str().expect("an address");
    let main: u16 = address.rsplit_once(':').expect("a port").1.parse().expect("a number");
    assert_eq!(web::get(main, "/metrics").expect("answered").status, 401, "the token is needed there, too");
    let authorization = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(web::get_with(main, "/metrics", &authorization).expect("answered").status, 404);
    assert_eq!(web::get(port, "/metrics").expect("answered").status, 401);
    let answered = web::get_with(port, "/metrics", &authorization).expect("answered");
    assert_eq!(answered.status, 200, "{answered:?}");
    assert!(answered.body.contains("aam_requests_total"), "{answered:?}");
    assert_eq!(web::get_with(port, "/api/v1/packages", &authorization).expect("answered").status, 404);
    assert_eq!(web::post(port, "/metrics", &authorization, &serde_json::json!({})).status, 405);
}

#[test]
fn an_address_that_is_taken_stops_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let mut site = Site::new();
    site.set("METRICS_ADDRESS", taken.local_addr().expect("bound"));
    let told = site.run(&["serve", "--port", "0"]).failed().stderr();
    assert!(told.contains("cannot listen on 127.0.0.1:") && told.contains("METRICS_ADDRESS"), "{told}");
}

/// The series of `/metrics`: names with their labels.
fn series(port: u16) -> BTreeSet<String> {
    let told = web::get(port, "/metrics").expect("answered").body;
    let lines = told.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
}

/// Requests of every kind with names that nobody used before.
fn ask(port: u16, authorization: &str, round: usize) {
    for number in 0..8 {
        let name = format!("name-{round}-{number}");
        for path in [
            format!("/{name}"),
            format!("/api/v1/{name}"),
            format!("/api/v1/packages?q={name}&{name}=1"),
            format!("/api/v1/packages/{name}"),
            format!("/api/v1/packages/@{name}/{name}/1.0.{number}/download"),
            format!("/api/v1/users/{name}"),
        ] {
            let _ = web::get_with(port, &path, &format!("User-Agent: {name}\r\nX-{name}: 1\r\n")).expect("answered");
        }
        let login = json!({ "username": name, "password": "a sentence that is wrong" });
        web::post(port, "/api/v1/users/login", "", &login);
        assert_eq!(web::post(port, "/api/v1/scopes", authorization, &json!({ "name": name })).status, 201);
        let mut stream = web::connect(port).expect("connected");
        write!(stream, "M{round}X{number} /health HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n")
            .expect("sent");
        web::read(&mut stream).expect("answered");
    }
}

#[test]
fn nothing_that_clients_choose_makes_a_series() {
    let mut site = Site::new();
    for class in ["SEARCH", "DOWNLOAD", "OTHER", "AUTH"] {
        site.set(&format!("RATE_LIMIT_{class}"), 0);
    }
    site.set("MAX_SCOPES_PER_USER", 1000);
    let server = site.serve(&[]);
    let port = server.port();
    let authorization = web::sign_up(port, "alice");
    ask(port, &authorization, 0);
    let mut known = series(port);
    // Work in the background goes on meanwhile, and adds series of its own once.
    wait_until("nothing is added by itself", || std::mem::replace(&mut known, series(port)) == series(port));
    ask(port, &authorization, 1);
    let added: Vec<_> = series(port).difference(&known).cloned().collect();
    let of_background = |name: &String| !name.contains("aam_requests_total") && !name.contains("route=");
    let of_clients: Vec<_> = added.iter().filter(|name| !of_background(name)).collect();
    assert!(of_clients.is_empty(), "{of_clients:?}");
    assert!(added.iter().all(|name| !name.contains("name-")), "{added:?}");
    assert!(known.len() < 5_000, "{} series", known.len());
    let operations = known.iter().filter(|name| name.starts_with("aam_database_duration_seconds_count")).count();
    assert!((5..200).contains(&operations), "{operations} operations of the database");
    for name in ["aam_database_wait_seconds_count", "aam_storage_duration_seconds_count"] {
        assert!(known.iter().any(|series| series.starts_with(name)), "{name}: {known:?}");
    }
    assert!(!known.iter().any(|name| name.contains("operation=\"other\"")), "every call has a name: {known:#?}");
}
