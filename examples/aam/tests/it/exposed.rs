//! What others could read or get on the way: tokens over plain HTTP, redirects of bytes.

use std::{fs, io::Write};

use aam_registry_core::types::Sha256Digest;

use crate::{
    machine::Machine,
    server::{PASSWORD, fixture},
    stage::{Stage, say},
};

const PLAIN: &str = "http://registry.example.com";

#[test]
fn a_token_or_password_that_goes_over_plain_http_is_warned_of() {
    // It stands in for the way to the registry.
    let way = Stage::json("200 OK", |_| r#"{"username": "alice"}"#.to_owned());
    let machine = Machine::new();
    let through = |arguments: &[&str], registry: &str| {
        let mut command = machine.aam(arguments);
        command.env("HTTP_PROXY", way.url()).env("AAM_REGISTRY", registry).env("AAM_TOKEN", "aam_x");
        command
    };
    let output = through(&["whoami"], PLAIN).output().expect("aam runs");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!("warning: your token goes to {PLAIN} unencrypted: anybody on the way can read and use it; use https\n")
    );
    assert!(way.heard().contains("Bearer aam_x") || way.heard().contains("bearer aam_x"), "{}", way.heard());

    let password = machine.user().join("password");
    fs::write(&password, PASSWORD).expect("written");
    let mut login = through(&["login", "--username", "alice", "--password-stdin"], PLAIN);
    let output = login.stdin(fs::File::open(password).expect("file")).output().expect("aam runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.starts_with(&format!("warning: {PLAIN} is not encrypted: others may read the password on its way\n")),
        "{said}"
    );
    // On this machine nobody is on the way.
    let output = through(&["whoami"], &way.url()).output().expect("aam runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// A registry whose downloads and uploads are redirected to `target`.
fn redirecting(target: String, archive: &[u8], status: &'static str) -> Stage {
    let (sha256, size) = (Sha256Digest::of(archive), archive.len());
    Stage::start(move |first, client| {
        let path = first.split(' ').nth(1).unwrap_or_default();
        if path.contains("/resolve") && first.starts_with("GET") {
            let found =
                format!(r#"{{"version": "1.0.0", "checksum": {{"sha256": "{sha256}"}}, "archive_size": {size}}}"#);
            say(client, "200 OK", "", &found);
        } else if path.contains("/download") || first.starts_with("POST") {
            say(client, status, &format!("location: {target}{path}\r\n"), "");
        } else {
            let body = r#"{"error": "package_not_found", "message": "no"}"#;
            say(client, "404 Not Found", "content-type: application/json\r\n", body);
        }
    })
}

#[test]
fn no_token_follows_a_download_to_another_origin() {
    let archive = fs::read(fixture("greet-kit-1.0.0.aam")).expect("fixture");
    for status in ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let bytes = archive.clone();
        let store = Stage::start(move |_, client| {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len());
            let _ = client.write_all(&[head.as_bytes(), &bytes].concat());
        });
        let registry = redirecting(store.url(), &archive, status);
        let machine = registry.machine();
        let mut command = machine.aam(&["download", "greet-kit"]);
        let output = command.env("AAM_TOKEN", "aam_secret-token").output().expect("aam runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read(machine.project().join("greet-kit-1.0.0.aam")).expect("there"), archive);
        assert!(registry.heard().contains("aam_secret-token"), "the registry itself gets it");
        let heard = store.heard().to_ascii_lowercase();
        assert!(heard.contains("/download") && !heard.contains("authorization"), "{status}: {heard}");
        assert!(!heard.contains("secret-token") && !heard.contains("cookie"), "{status}: {heard}");
    }
}

#[test]
fn no_archive_or_token_follows_a_publish_to_another_origin() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let elsewhere = Stage::json("201 Created", |_| "{}".to_owned());
        let registry = redirecting(elsewhere.url(), b"", status);
        let machine = registry.machine();
        machine.init("notes", ".");
        let mut command = machine.aam(&["--json", "pkg", "publish", "--yes"]);
        let output = command.env("AAM_TOKEN", "aam_secret-token").output().expect("aam runs");
        let error: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
        assert_eq!(error["error"], "redirected", "{status}: {error}");
        assert!(error["message"].as_str().is_some_and(|text| text.ends_with("nothing was sent there")), "{error}");
        assert_eq!(elsewhere.heard(), "", "{status}");
    }
}
