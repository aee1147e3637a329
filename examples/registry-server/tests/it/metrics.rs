//! Who may read the metrics.

use crate::{process::Site, web};

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
