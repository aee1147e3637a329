//! Publishing from CI without a stored token.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use aam_registry_core::types::Issuer;
use serde_json::{Value, json};

use crate::{
    machine::Machine,
    server::{Server, fixture},
    stage::Stage,
};

/// A job's ID token, in the form that the test's registry takes.
fn id_token(issuer: &str, audience: &str, claims: &Value) -> String {
    let mut all = json!({"iss": issuer, "aud": audience, "sub": "a job", "exp": 4_000_000_000_u32});
    all.as_object_mut().expect("an object").extend(claims.as_object().expect("an object").clone());
    all.to_string()
}

fn of_github(repository: &str, audience: &str) -> String {
    let workflow = format!("{repository}/.github/workflows/publish.yml@refs/heads/main");
    let claims = json!({
        "repository": repository, "repository_id": "1", "repository_owner_id": "7", "job_workflow_ref": workflow,
    });
    id_token(Issuer::GITHUB, audience, &claims)
}

/// GitHub's end of a job: answers one request with an ID token; gives the address and what was asked.
fn github(token: String) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/token?api-version=2.0", listener.local_addr().expect("bound"));
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let mut request = Vec::new();
        let mut chunk = [0; 4096];
        while !request.windows(4).any(|end| end == b"\r\n\r\n") {
            let read = stream.read(&mut chunk).expect("a request");
            request.extend_from_slice(&chunk[..read]);
        }
        let body = json!({"value": token}).to_string();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).expect("answered");
        String::from_utf8_lossy(&request).into_owned()
    });
    (url, asked)
}

/// A machine of CI, where nobody is logged in.
fn job(server: &Server) -> Machine {
    let machine = Machine::new();
    machine.ok(&["registry", "add", &server.url(), "--name", "test", "--default"]);
    machine
}

#[test]
fn a_workflow_of_github_publishes_by_its_identity() {
    let server = Server::trusting_ci();
    let alice = server.machine_of_alice();
    let added =
        alice.ok(&["trusted-publisher", "add", "greet-kit", "--github", "acme/greet-kit", "--workflow", "publish.yml"]);
    assert!(added.is_empty() || added.contains("greet-kit"), "{added}");
    let (url, asked) = github(of_github("acme/greet-kit", &server.url()));
    let archive = fixture("greet-kit-1.0.0.aam");
    let output = job(&server)
        .aam(&["pkg", "publish", archive.to_str().expect("text"), "--yes"])
        .env("ACTIONS_ID_TOKEN_REQUEST_URL", url)
        .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-the-job")
        .output()
        .expect("aam runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{told}");
    assert!(told.contains("as a trusted publisher, by this workflow of GitHub Actions"), "{told}");
    let asked = asked.join().expect("asked").to_lowercase();
    let audience = server.url().replace(':', "%3a").replace('/', "%2f");
    assert!(asked.contains(&format!("audience={audience}")), "{asked}");
    assert!(asked.contains("authorization: bearer of-the-job"), "{asked}");
    let info = alice.json(&["info", "greet-kit@1.0.0"]);
    assert!(info.to_string().contains("trusted-publisher:https://token.actions"), "{info}");

    let listed = alice.json(&["trusted-publisher", "ls", "greet-kit"]);
    assert_eq!(listed["publishers"][0]["pinned"]["repository_id"], "1", "{listed}");
    alice.ok(&["trusted-publisher", "only", "greet-kit", "on"]);
    let newer = fixture("greet-kit-1.1.0.aam");
    let newer = newer.to_str().expect("text");
    let refused = alice.fails(3, &["pkg", "publish", newer]);
    assert!(
        refused["message"].as_str().is_some_and(|message| message.contains("Only the trusted publishers of")),
        "{refused}"
    );
    alice.ok(&["trusted-publisher", "only", "greet-kit", "off"]);
    let id = listed["publishers"][0]["id"].as_str().expect("an id").to_owned();
    alice.ok(&["trusted-publisher", "rm", "greet-kit", &id]);
    alice.ok(&["pkg", "publish", newer]);
}

#[test]
fn a_job_of_gitlab_publishes_by_the_token_in_a_variable() {
    let server = Server::trusting_ci();
    let alice = server.machine_of_alice();
    alice.ok(&[
        "trusted-publisher",
        "add",
        "greet-kit",
        "--gitlab",
        "acme/tools/greet-kit",
        "--environment",
        "release",
    ]);
    let claims = |environment: &str| json!({"project_path": "acme/tools/greet-kit", "project_id": "7", "namespace_id": 3, "environment": environment});
    let archive = fixture("greet-kit-1.0.0.aam");
    let archive = archive.to_str().expect("text");
    let publish = |environment: &str| {
        job(&server)
            .aam(&["--json", "pkg", "publish", archive, "--yes"])
            .env("AAM_ID_TOKEN", id_token(Issuer::GITLAB, &server.url(), &claims(environment)))
            .output()
            .expect("aam runs")
    };
    let refused = publish("staging");
    let told: Value = serde_json::from_slice(&refused.stdout).expect("json");
    assert_eq!((refused.status.code(), &told["error"]), (Some(3), &json!("forbidden")), "{told}");
    assert!(told["help"].as_str().is_some_and(|help| help.contains("aam trusted-publisher")), "{told}");
    let published = publish("release");
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stdout));
}

#[test]
fn a_token_in_a_variable_counts_before_the_identity_of_a_job() {
    let server = Server::trusting_ci();
    let alice = server.machine_of_alice();
    let token = alice.ok(&["token", "create", "ci", "--quiet"]);
    let archive = fixture("greet-kit-1.0.0.aam");
    let output = job(&server)
        .aam(&["pkg", "publish", archive.to_str().expect("text"), "--yes"])
        .env("AAM_TOKEN", token.trim())
        .env("AAM_ID_TOKEN", "not looked at")
        .output()
        .expect("aam runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_job_asks_an_older_registry_for_no_more_than_a_login() {
    let older = Stage::json("404 Not Found", |_| {
        json!({"error": "not_found", "message": "There is nothing at this address", "request_id": "1"}).to_string()
    });
    let archive = fixture("greet-kit-1.0.0.aam");
    let output = older
        .machine()
        .aam(&["pkg", "publish", archive.to_str().expect("text"), "--yes"])
        .env("AAM_ID_TOKEN", "of the job")
        .output()
        .expect("aam runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("takes no ID tokens"), "{told}");
    assert!(!older.heard().contains("of the job"));
}

/// Else a registry could have itself sent an ID token that another service takes.
#[test]
fn an_id_token_for_another_service_is_asked_for_only_where_a_person_says_so() {
    let other = "https://registry.example.com";
    let server = Server::trusting_ci_for(other);
    let alice = server.machine_of_alice();
    alice.ok(&["trusted-publisher", "add", "greet-kit", "--github", "acme/greet-kit", "--workflow", "publish.yml"]);
    let (url, asked) = github(of_github("acme/greet-kit", other));
    let archive = fixture("greet-kit-1.0.0.aam");
    let publish = |audience: Option<&str>| {
        job(&server)
            .aam(&["--json", "pkg", "publish", archive.to_str().expect("text"), "--yes"])
            .env("ACTIONS_ID_TOKEN_REQUEST_URL", &url)
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-the-job")
            .envs(audience.map(|audience| ("AAM_ID_TOKEN_AUDIENCE", audience)))
            .output()
            .expect("aam runs")
    };
    let refused = publish(None);
    let told: Value = serde_json::from_slice(&refused.stdout).expect("json");
    assert_eq!((refused.status.code(), &told["error"]), (Some(3), &json!("foreign_audience")), "{told}");
    assert!(told["help"].as_str().is_some_and(|help| help.contains("AAM_ID_TOKEN_AUDIENCE=")), "{told}");
    let published = publish(Some(other));
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stdout));
    assert!(asked.join().expect("asked once").contains("registry.example.com"));
}
