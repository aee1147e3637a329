//! What no registry may make a command exceed, whatever it says of itself.

use std::{fs, io::Write, thread, time::Duration};

use crate::{
    machine::Machine,
    server::{Server, fixture},
    stage::{Stage, say},
};

/// What `aam` says where it fails with `code`.
fn said(machine: &Machine, code: i32, arguments: &[&str]) -> String {
    let output = machine.run(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    let lines: Vec<_> = said.lines().filter(|line| !line.starts_with("Installing for ")).collect();
    format!("{}\n\n", lines.join("\n"))
}

/// Says `head` and then a space every few milliseconds, for far longer than a test takes.
fn trickle(client: &mut std::net::TcpStream, head: &str) {
    let _ = client.write_all(head.as_bytes());
    for _ in 0..20_000 {
        thread::sleep(Duration::from_millis(20));
        if client.write_all(b" ").is_err() {
            return;
        }
    }
}

#[test]
fn an_install_downloads_and_unpacks_no_more_than_a_person_allows() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    let both = ["greet-kit", "@my_org/style-guide"];
    let files = |package: &str| {
        let folder = machine.other(&package.replace(['@', '/'], ""));
        machine.ok(&["-C", folder.to_str().expect("text"), "install", package, "--platform", "claude"]);
        let unpacked = folder.join(".aam/packages").join(package);
        walkdir::WalkDir::new(unpacked).min_depth(1).into_iter().count()
    };
    // Each by itself is allowed.
    let fewer = files(both[0]).max(files(both[1]));
    let mut told = String::new();
    for limit in ["download=100".to_owned(), "unpacked=200B".to_owned(), format!("files={fewer}")] {
        let arguments = [&["install", "--platform", "claude", "--max", &limit][..], &both].concat();
        told.push_str(&said(&machine, 1, &arguments).replace(&format!("than {fewer} files"), "than [FEWER] files"));
        assert!(!machine.has(".aam") && !machine.has(".claude"), "{limit}: nothing was installed");
    }
    told.push_str(&said(&machine, 1, &["download", "greet-kit", "--max", "download=100"]));
    told.push_str(&said(&machine, 2, &["install", "greet-kit", "--max", "size=1"]));

    // The same in the file of settings, which the command line goes before.
    let config = machine.home().join("config.yaml");
    let text = fs::read_to_string(&config).expect("config");
    fs::write(&config, format!("{text}max:\n  files: {fewer}\n  unpacked: 1GB\n")).expect("written");
    let install = [&["install", "--platform", "claude"][..], &both].concat();
    assert_eq!(machine.fails(1, &install)["error"], "limit_exceeded");
    machine.ok(&[&install[..], &["--max", "files=1000"]].concat());
    machine.ok(&["registry", "add", "http://127.0.0.1:1", "--name", "other"]);
    assert!(fs::read_to_string(&config).expect("config").contains("unpacked: 1GB"), "settings stay");
    fs::write(&config, "max: {download: lots}\n").expect("written");
    told.push_str(&said(&machine, 2, &["list"]));
    insta::assert_snapshot!("exceeded", told);
}

#[test]
fn what_a_registry_says_of_its_own_limits_is_no_ceiling() {
    let archive = fs::read(fixture("greet-kit-1.0.0.aam")).expect("fixture");
    let sha256 = aam_registry_core::types::Sha256Digest::of(&archive).to_string();
    let size = archive.len();
    let stage = Stage::start(move |first, client| {
        if first.starts_with("POST") {
            let resolved = format!(
                r#"{{"resolved": {{"greet-kit": {{"version": "1.0.0", "checksum": {{"sha256": "{sha256}"}},
                "archive_size": {size}}}}}}}"#
            );
            say(client, "200 OK", "", &resolved);
        } else if first.contains("/limits") {
            let most = u64::MAX;
            let limits = format!(r#"{{"max_unpacked_size": {most}, "max_archive_entries": {most}}}"#);
            say(client, "200 OK", "", &limits);
        } else if first.contains("/download") {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n");
            let _ = client.write_all(&[head.as_bytes(), &archive].concat());
        } else {
            say(client, "404 Not Found", "", "{}");
        }
    });
    let machine = stage.machine();
    for limit in ["unpacked=100", "files=2"] {
        let error = machine.fails(1, &["install", "greet-kit", "--platform", "claude", "--max", limit]);
        assert_eq!(error["error"], "limit_exceeded", "{error}");
    }
    machine.ok(&["install", "greet-kit", "--platform", "claude"]);
}

#[test]
fn an_answer_that_does_not_end_is_not_waited_for() {
    let stage = Stage::start(|_, client| trickle(client, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n["));
    let refusal = Stage::start(|_, client| trickle(client, "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n["));
    let name = |text: String, stage: &Stage| text.replace(&stage.url(), "[REGISTRY]");
    let mut told = String::new();
    for arguments in [&["info", "a"][..], &["install", "a", "--platform", "claude"], &["search", "a"]] {
        let arguments = [&["--max", "answer=1s"], arguments].concat();
        told.push_str(&name(said(&stage.machine(), 6, &arguments), &stage));
        told.push_str(&name(said(&refusal.machine(), 6, &arguments), &refusal));
    }
    insta::assert_snapshot!("endless_answers", told);
}

/// A registry with the package `a`, whose archive comes byte by byte.
fn trickling() -> Stage {
    let found = r#"{"version": "1.0.0", "checksum": {"sha256": "0000000000000000000000000000000000000000000000000000000000000000"},
        "archive_size": 100000}"#;
    Stage::start(move |first, client| match first {
        _ if first.contains("/download") => {
            trickle(client, "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\nconnection: close\r\n\r\n");
        }
        _ if first.contains("/resolve") && first.starts_with("POST") => {
            say(client, "200 OK", "", &format!(r#"{{"resolved": {{"a": {found}}}}}"#));
        }
        _ if first.contains("/resolve") => say(client, "200 OK", "", found),
        // The archive was taken, and nothing follows.
        _ if first.starts_with("POST") => trickle(client, ""),
        _ => {
            let body = r#"{"error": "package_not_found", "message": "no"}"#;
            say(client, "404 Not Found", "content-type: application/json\r\n", body);
        }
    })
}

#[test]
fn a_download_that_trickles_is_not_waited_for() {
    let stage = trickling();
    let machine = stage.machine();
    let mut told = String::new();
    for arguments in [&["install", "a", "--platform", "claude"][..], &["download", "a"]] {
        told.push_str(&said(&machine, 6, &[&["--max", "slow=1s"], arguments].concat()));
        assert!(!machine.has(".aam") && !machine.has(".claude") && !machine.has("a-1.0.0.aam"), "{arguments:?}");
    }
    insta::assert_snapshot!("trickling_downloads", told.replace(&stage.url(), "[REGISTRY]"));
}

#[test]
fn a_transfer_that_does_not_end_is_not_waited_for() {
    let machine = trickling().machine();
    machine.init("notes", "notes");
    let mut told = String::new();
    for arguments in
        [&["install", "a", "--platform", "claude"][..], &["download", "a"], &["pkg", "publish", "notes", "-y"]]
    {
        let mut command = machine.aam(&[&["--quiet", "--max", "transfer=1s"], arguments].concat());
        let output = command.env("AAM_TOKEN", "aam_x").output().expect("aam runs");
        assert_eq!(output.status.code(), Some(6), "{arguments:?}");
        told.push_str(&String::from_utf8_lossy(&output.stderr));
        told.push('\n');
        assert!(!machine.has(".aam") && !machine.has(".claude") && !machine.has("a-1.0.0.aam"), "{arguments:?}");
    }
    insta::assert_snapshot!("endless_transfers", told);
}
