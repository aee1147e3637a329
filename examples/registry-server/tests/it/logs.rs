//! The log and the metrics.

use std::fs;

use serde_json::{Value, json};

use crate::{
    process::{Site, in_repository},
    web,
};

#[test]
fn the_log_is_json_lines_without_any_secret() {
    let mut site = Site::new();
    let secret = "jwt-secret-of-the-test".repeat(2);
    let admin_password = "the password of the administrator";
    let password = "the password of somebody else";
    site.set("JWT_SECRET", &secret)
        .set("ADMIN_USERNAME", "root")
        .set("ADMIN_EMAIL", "root@example.com")
        .set("ADMIN_PASSWORD", admin_password);
    let server = site.serve(&["--log-level", "trace"]);
    let port = server.port();
    let account = json!({ "username": "alice", "email": "alice@example.com", "password": password });
    assert_eq!(web::post(port, "/api/v1/users/register", "", &account).status, 201);
    let wrong = json!({ "username": "alice", "password": "a wrong password, and long" });
    assert_eq!(web::post(port, "/api/v1/users/login", "", &wrong).status, 401);
    let by_email = json!({ "email": "alice@example.com", "password": password });
    let session = web::post(port, "/api/v1/users/login", "", &by_email).json()["access_token"].clone();
    let session = session.as_str().expect("a session").to_owned();
    let bearer = format!("Authorization: Bearer {session}\r\n");
    let token = web::post(port, "/api/v1/users/tokens", &bearer, &json!({ "name": "ci", "scopes": ["publish"] }));
    let token = token.json()["token"].as_str().expect("a token").to_owned();
    let asked = web::get(port, "/api/v1/users/alice?token=hidden-in-the-query").expect("answered");
    assert_eq!(asked.status, 200);

    let log = server.whole_log();
    let lines: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for line in &lines {
        assert!(line["timestamp"].as_str().is_some_and(|time| time.ends_with('Z') && time.contains('T')), "{line}");
        assert!(line["level"].is_string() && line["event"].is_string(), "{line}");
    }
    for event in ["admin_created", "user_registered", "login_failed", "login", "token_created"] {
        let line = lines.iter().find(|line| line["event"] == event);
        assert!(line.unwrap_or_else(|| panic!("no {event} in {log:#?}"))["level"].is_string());
        if event != "admin_created" {
            assert!(line.is_some_and(|line| line["request_id"].is_string()), "{event}: {line:?}");
        }
    }
    let request = lines.iter().find(|line| line["event"] == "request").expect("a request");
    for field in ["request_id", "method", "route", "status", "duration_ms", "client_ip"] {
        assert!(!request[field].is_null(), "{field}: {request}");
    }
    let text = log.join("\n");
    for hidden in [&secret, admin_password, password, "a wrong password", &session, &token, "@example.com", "hidden-in"]
    {
        assert!(!text.contains(hidden), "{hidden} is in the log");
    }
}

#[test]
fn the_metrics_have_the_names_operators_know() {
    let site = Site::new();
    let server = site.serve(&[]);
    let port = server.port();
    let account = json!({ "username": "alice", "email": "alice@example.com", "password": "a long enough password" });
    assert_eq!(web::post(port, "/api/v1/users/register", "", &account).status, 201);
    assert_eq!(web::get(port, "/api/v1/packages/nothing").expect("answered").status, 404);
    let mut text = String::new();
    while !text.contains("aam_users_total") {
        text = web::get(port, "/metrics").expect("answered").body;
    }
    for line in [
        "aam_requests_total{method=\"GET\",route=\"/api/v1/packages/{package}\",status=\"404\"} 1",
        "# TYPE aam_request_duration_seconds histogram",
        "# TYPE aam_packages_total gauge",
        "# TYPE aam_versions_total gauge",
        "# TYPE aam_users_total gauge",
        "# TYPE aam_storage_bytes gauge",
        "# TYPE aam_registry_downloads gauge",
        "aam_build_info{version=",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn text_is_for_people() {
    let site = Site::new();
    let ran = site.run(&["--log-format", "text", "--port", "0", "--tls-cert", "none.pem", "--tls-key", "none.pem"]);
    assert!(ran.failed().stderr().starts_with("error: HTTPS cannot be served: none.pem cannot be used as TLS_CERT: "));
}

#[test]
fn the_log_and_the_audit_log_tell_who_it_was_and_from_where() {
    let mut site = Site::new();
    let password = "the password of the administrator";
    site.set("ADMIN_USERNAME", "root").set("ADMIN_EMAIL", "root@example.com").set("ADMIN_PASSWORD", password);
    let server = site.serve(&[]);
    let port = server.port();
    // By default this machine is a trusted proxy.
    let behind_proxy = "X-Forwarded-For: 198.51.100.7, 203.0.113.9\r\n";
    let wrong = json!({ "username": "root", "password": "a wrong password, and long" });
    assert_eq!(web::post(port, "/api/v1/users/login", behind_proxy, &wrong).status, 401);
    let nobody = json!({ "username": "nobody", "password": "a wrong password, and long" });
    assert_eq!(web::post(port, "/api/v1/users/login", "", &nobody).status, 401);
    let right = json!({ "username": "root", "password": password });
    let session = web::post(port, "/api/v1/users/login", behind_proxy, &right).json();
    let bearer = format!("Authorization: Bearer {}\r\n", session["access_token"].as_str().expect("a session"));
    let archive = fs::read(in_repository("tests/fixtures/greet-kit-1.0.0.aam"));
    assert_eq!(web::publish(port, &bearer, &archive.expect("there")).status, 201);
    let me = web::get_with(port, "/api/v1/users/me", &bearer).expect("answered").json();

    let audit = web::get_with(port, "/api/v1/audit-log?limit=100", &bearer).expect("answered").json();
    let from = |event: &str| -> Vec<_> {
        let entries = audit["entries"].as_array().expect("entries").iter();
        entries.filter(|entry| entry["event"] == event).map(|entry| entry["metadata"]["client_ip"].clone()).collect()
    };
    assert_eq!(from("user.login_failed"), ["127.0.0.1", "203.0.113.9"]);
    assert_eq!(from("user.login"), ["203.0.113.9"]);

    let log = server.whole_log();
    let lines: Vec<Value> = log.iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).cloned().collect::<Vec<_>>();
    let failed = of("login_failed");
    assert_eq!((&failed[0]["client_ip"], &failed[0]["user"]), (&json!("203.0.113.9"), &json!("root")));
    assert_eq!((&failed[1]["client_ip"], &failed[1]["user"]), (&json!("127.0.0.1"), &Value::Null));
    assert_eq!(of("login")[0]["client_ip"], "203.0.113.9");
    let published = &of("package_published")[0];
    assert_eq!((&published["user_id"], &published["user"]), (&me["id"], &json!("root")), "{published}");
    assert_eq!(published["client_ip"], "127.0.0.1");
}
