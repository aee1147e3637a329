//! What an operator is told when something around the server is not as it should be: one plain line that says what
//! is wrong and what to do.

mod certificates;
mod clock;
mod folders;
#[cfg(feature = "service-tests")]
mod services;
mod stores;

use std::net::TcpListener;

use aam_registry_tests::{Ran, Server, Settings, eventually};
use insta::assert_snapshot;
use serde_json::Value;

/// The settings of a server that takes a free port of this machine.
fn settings() -> Settings {
    Settings::default().with("HOST", "127.0.0.1").with("PORT", "0")
}

/// The standard error of a server that cannot start.
async fn refusal(settings: &Settings) -> String {
    plain(&Ran::on(settings, &["serve"]).await.expect_code(1).stderr)
}

/// The message of the only log line about `event`.
async fn line(server: &Server, event: &str) -> String {
    let (line, _) = eventually(format!("a line about {event}"), async || told(server, event).into_iter().next()).await;
    assert_eq!(told(server, event).len(), 1, "{}", server.log());
    let (level, message) = (line["level"].as_str().expect("a level"), line["message"].as_str().expect("a message"));
    plain(&format!("{level}: {message}"))
}

fn told(server: &Server, event: &str) -> Vec<Value> {
    let lines = server.log();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["event"] == event).collect()
}

/// The text with ports and temporary names replaced.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let text = text.replace(&std::env::temp_dir().display().to_string(), "TMP");
    for part in text.trim().split_inclusive([' ', '\n', ':', '/', ';', ',', ')', '"']) {
        let word = part.trim_end_matches([' ', '\n', ':', '/', ';', ',', ')', '"']);
        let rest = &part[word.len()..];
        let is_port = word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_digit()) && plain.ends_with(':');
        let is_name = word.starts_with(".tmp") || word.starts_with("aam_test_");
        plain.push_str(if is_port {
            "PORT"
        } else if is_name {
            "NAME"
        } else {
            word
        });
        plain.push_str(rest);
    }
    plain
}

#[tokio::test]
async fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("bound").port();
    let told = refusal(&settings().with("PORT", port.to_string())).await;
    let told = told.replace(&(port + 1).to_string(), "NEXT");
    assert_snapshot!(told, @r"error: cannot listen on 127.0.0.1:PORT: the port is in use; stop what listens there, or take another one with --port NEXT");
}

#[tokio::test]
async fn a_secret_that_is_too_short() {
    assert_snapshot!(refusal(&settings().with("JWT_SECRET", "secret")).await, @r#"
    error: the configuration has 1 fault
      JWT_SECRET (environment variable JWT_SECRET): one of its secrets is too short to be safe; allowed: a comma-separated list of secrets, each of at least 32 bytes; `openssl rand -hex 32` makes one
    "#);
}

#[tokio::test]
async fn a_second_server_on_the_same_data_folder() {
    let first = Server::start_on(Settings::default()).await;
    let data = first.data_dir().display().to_string();
    let second = settings().with("DATA_DIR", &data);
    let told = refusal(&second).await;
    assert_snapshot!(told.replace(&plain(&data), "DATA_DIR"), @r"error: another server runs on the database DATA_DIR/registry.db: stop it, or give this one a folder of its own with --data-dir; several servers share a registry on PostgreSQL");
    first.anonymous().get("/api/v1/packages").await.expect_status(200);
    // Commands work beside the server, and another server does when it has stopped.
    first.run(&["user", "list"]).await.expect_code(0);
    let stopped = first.kill();
    drop(stopped.start().await);
}
