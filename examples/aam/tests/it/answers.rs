//! Registries, and what stands in front of them, that answer what they should not.

use std::io::Write;

use crate::{
    server::{PASSWORD, fixture},
    stage::{Stage, say},
};

fn resolved(name: &str, version: &str, size: u64, needs: &str) -> String {
    let sha256 = "0".repeat(64);
    format!(
        r#"{{"resolved": {{"{name}": {{"version": "{version}", "checksum": {{"sha256": "{sha256}"}},
        "download_url": "/", "archive_size": {size}, "dependencies": {needs}}}}}}}"#
    )
}

#[test]
fn an_endless_answer_is_not_read_to_its_end() {
    let stage = Stage::start(|_, client| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n[";
        let chunk = vec![b' '; 1 << 20];
        // Far more than any package has, far less than a machine's memory.
        let _ = client.write_all(head.as_bytes());
        for _ in 0..256 {
            if client.write_all(&chunk).is_err() {
                return;
            }
        }
    });
    let error = stage.machine().fails(6, &["info", "a"]);
    assert!(error["message"].as_str().is_some_and(|text| text.contains("larger than")), "{error}");
}

#[test]
fn an_answer_that_was_not_asked_for_installs_nothing() {
    for (answer, said) in [
        (resolved("a", "1.0.0", 1, "{}"), "chose a 1.0.0 where `^2`"),
        (resolved("b", "2.0.0", 1, "{}"), "no version of a"),
        (r#"{"resolved": {}}"#.to_owned(), "no version of a"),
        (resolved("a", "2.0.0", 1_000_000_000_000_000, "{}"), "1000000000000000 bytes"),
        (resolved("a", "2.0.0", 1, r#"{"b": "^1"}"#), "no version of b"),
        (resolved("a", "2.0.0", 1, r#"{"b": "not a constraint"}"#), "needs `not a constraint`"),
    ] {
        let stage = Stage::json("200 OK", move |_| answer.clone());
        let machine = stage.machine();
        let error = machine.fails(7, &["install", "a@^2"]);
        assert!(error["message"].as_str().is_some_and(|text| text.contains(said)), "{said}: {error}");
        assert!(!machine.has(".aam/aam-lock.yaml"), "{said}");
    }
}

#[test]
fn no_password_or_token_follows_a_redirect_to_another_origin() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let elsewhere = Stage::json("200 OK", |_| r#"{"access_token": "x", "username": "eve"}"#.to_owned());
        let target = elsewhere.url();
        let stage = Stage::start(move |first, client| {
            let path = first.split(' ').nth(1).unwrap_or_default();
            say(client, status, &format!("location: {target}{path}\r\n"), "");
        });
        let machine = stage.machine();
        let mut command = machine.aam(&["--json", "whoami"]);
        let output = command.env("AAM_TOKEN", "aam_secret-token").output().expect("aam runs");
        let error: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
        assert_eq!(error["error"], "redirected", "{error}");
        assert_eq!(
            error["message"],
            format!("{} redirects to {}; nothing was sent there", stage.url(), elsewhere.url())
        );
        assert!(error["help"].as_str().is_some_and(|help| help.contains(&elsewhere.url())), "{error}");
        let password = machine.home().join("password");
        std::fs::write(&password, PASSWORD).expect("written");
        let mut login = machine.aam(&["login", "--username", "alice", "--password-stdin"]);
        let output = login.stdin(std::fs::File::open(password).expect("file")).output().expect("aam runs");
        assert_eq!(output.status.code(), Some(2), "{status}");
        assert!(stage.heard().contains(PASSWORD), "it was sent to the registry itself");
        assert_eq!(elsewhere.heard(), "", "{status}");
    }
}

#[test]
fn what_stands_in_front_of_a_registry_is_told_apart_from_it() {
    for (status, exit, said) in [
        ("413 Request Entity Too Large", 8, "does not let so large an archive through"),
        ("502 Bad Gateway", 6, "the registry behind it cannot be reached"),
        ("407 Proxy Authentication Required", 3, "wants a login"),
        ("418 I'm a teapot", 6, "does not answer like a registry"),
    ] {
        let stage = Stage::json(status, |_| "<html>nginx</html>".to_owned());
        let error = stage.machine().fails(exit, &["info", "a"]);
        assert!(error["message"].as_str().is_some_and(|text| text.contains(said)), "{status}: {error}");
        assert!(error["help"].is_string(), "{status}: {error}");
    }
}

#[test]
fn json_output_moves_no_cursor() {
    let body = "{\"packages\": [{\"name\": \"a\", \"description\": \"x\u{9b}31m\u{202e}y\u{7f}\", \
                \"latest_version\": \"1.0.0\"}], \"total\": 1, \"page\": 1, \"pages\": 1}";
    let stage = Stage::json("200 OK", move |_| body.to_owned());
    let shown = stage.machine().ok(&["--json", "search", "a"]);
    assert!(shown.chars().all(|c| c == '\n' || (' '..='~').contains(&c)), "{shown:?}");
    let value: serde_json::Value = serde_json::from_str(&shown).expect("json");
    assert_eq!(value["packages"][0]["description"], "x\u{9b}31m\u{202e}y\u{7f}");
}

#[test]
fn a_download_that_says_another_size_is_refused_before_it_is_read() {
    let stage = Stage::start(|first, client| {
        if first.starts_with("POST") {
            say(client, "200 OK", "", &resolved("a", "2.0.0", 10, "{}"));
        } else {
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\nabc");
        }
    });
    let error = stage.machine().fails(7, &["install", "a@^2", "--platform", "claude"]);
    assert!(error["message"].as_str().is_some_and(|text| text.contains("1000000000000 bytes")), "{error}");
}

#[test]
fn an_archive_of_another_package_is_not_installed() {
    let archive = std::fs::read(fixture("greet-kit-1.0.0.aam")).expect("fixture");
    let sha256 = aam_registry_core::types::Sha256Digest::of(&archive).to_string();
    for (name, version) in [("other-kit", "1.0.0"), ("greet-kit", "2.0.0")] {
        let bytes = archive.clone();
        let answer = resolved(name, version, archive.len() as u64, "{}").replace(&"0".repeat(64), &sha256);
        let stage = Stage::start(move |first, client| {
            if first.starts_with("POST") {
                say(client, "200 OK", "", &answer);
            } else if first.contains("/download") {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len());
                let _ = client.write_all(&[head.as_bytes(), &bytes].concat());
            } else {
                say(client, "404 Not Found", "", "{}");
            }
        });
        let machine = stage.machine();
        let error = machine.fails(7, &["install", name, "--platform", "claude"]);
        let said = format!("The archive of {name} {version} says that it is greet-kit 1.0.0");
        assert_eq!(error["message"], said, "{error}");
        assert!(!machine.has(".aam") && !machine.has(".claude"), "nothing was installed");
    }
}

#[test]
fn an_address_that_a_server_chose_is_in_no_command_where_a_shell_would_act_on_it() {
    for (target, copied) in [("/moved", true), ("/$(id)", false), ("/a;id", false), ("/a'b", false)] {
        let stage = Stage::start(move |_, client| {
            say(client, "308 Permanent Redirect", &format!("location: https://aam.example.com{target}\r\n"), "");
        });
        let error = stage.machine().fails(2, &["info", "a"]);
        let help = error["help"].as_str().expect("help");
        assert_eq!(help.contains("https://aam.example.com"), copied, "{help}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("https://aam.example.com/")), "{error}");
    }
}

#[test]
fn an_answer_of_another_shape_is_not_taken_for_an_answer() {
    for body in ["{}", "[]", "null", "{\"message\": \"hello\"}", "<html>"] {
        let stage = Stage::json("200 OK", move |_| body.to_owned());
        let machine = stage.machine();
        machine.init("notes", "notes");
        for arguments in [
            &["info", "a"][..],
            &["info", "a@^1"],
            &["search", "a"],
            &["install", "a", "--platform", "claude"],
            &["download", "a"],
            &["dist-tag", "ls", "a"],
            &["owner", "ls", "a"],
            &["scope", "show", "acme"],
            &["scope", "create", "acme"],
            &["token", "create", "ci"],
            &["token", "list"],
            &["whoami"],
            &["yank", "a@1.0.0"],
            &["pkg", "publish", "notes", "--yes"],
            &["webhook", "list", "acme"],
            &["webhook", "add", "acme", "https://example.com/", "--event", "package.publish"],
        ] {
            let mut command = machine.aam(&[&["--json"], arguments].concat());
            let output = command.env("AAM_TOKEN", "aam_x").output().expect("aam runs");
            let error: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
            assert_eq!(output.status.code(), Some(6), "{body}: {arguments:?}: {error}");
            let text = error["message"].as_str().expect("text").replace(&stage.url(), "[REGISTRY]");
            assert!(text.starts_with("[REGISTRY] does not answer like a registry: "), "{arguments:?}: {error}");
            assert_eq!(error["help"], "check the address with `aam registry list`", "{arguments:?}");
        }
    }
}

#[test]
fn an_answer_about_something_else_is_not_taken_for_an_answer() {
    let sha256 = "0".repeat(64);
    let checksum = format!(r#"{{"sha256": "{sha256}"}}"#);
    let other_package = r#"{"name": "b", "owners": [], "dist_tags": {}, "versions": []}"#.to_owned();
    let other_version = format!(r#"{{"version": "2.0.0", "checksum": {checksum}, "archive_size": 1}}"#);
    let receipt = format!(r#"{{"name": "notes", "version": "9.9.9", "checksum": {checksum}}}"#);
    let token = r#"{"id": "x", "name": "ci", "token": ""}"#.to_owned();
    let cases = [
        (&["info", "a"][..], other_package, "asked for a and told of `b`"),
        (&["info", "a@1.0.0"], other_version, "chose a 2.0.0 where `1.0.0` was asked for"),
        (&["dist-tag", "ls", "a"], r#"{"package": "b", "tags": {}}"#.to_owned(), "asked for a and told of `b`"),
        (&["owner", "ls", "a"], r#"{"package": "b", "owners": []}"#.to_owned(), "asked for a and told of `b`"),
        (&["scope", "show", "acme"], r#"{"name": "other", "members": []}"#.to_owned(), "asked for @acme"),
        (&["yank", "a@1.0.0"], r#"{"name": "a", "version": "1.0.0", "yanked": false}"#.to_owned(), "does not say"),
        (&["token", "create", "ci"], token, "made a token and does not say which"),
        (&["pkg", "publish", "notes", "--yes"], receipt, "it says that it took notes 9.9.9"),
    ];
    for (arguments, body, said) in cases {
        let stage = Stage::start(move |first, client| {
            if first.contains("/notes/tags") {
                let body = r#"{"error": "package_not_found", "message": "no"}"#;
                say(client, "404 Not Found", "content-type: application/json\r\n", body);
            } else {
                say(client, "200 OK", "", &body);
            }
        });
        let machine = stage.machine();
        machine.init("notes", "notes");
        let mut command = machine.aam(&[&["--json"], arguments].concat());
        let output = command.env("AAM_TOKEN", "aam_x").output().expect("aam runs");
        let error: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
        assert_eq!(output.status.code(), Some(7), "{arguments:?}: {error}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(said)), "{arguments:?}: {error}");
    }
}

#[test]
fn the_faults_of_a_bad_manifest_are_told() {
    let bytes = crate::names::packed(&[("aam.yaml", "name: a\nversion: 2.0.0\nartifacts: {}\n")]);
    let sha256 = aam_registry_core::types::Sha256Digest::of(&bytes).to_string();
    let answer = resolved("a", "2.0.0", bytes.len() as u64, "{}").replace(&"0".repeat(64), &sha256);
    let stage = Stage::start(move |first, client| {
        if first.starts_with("POST") {
            say(client, "200 OK", "", &answer);
        } else if first.contains("/download") {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", bytes.len());
            let _ = client.write_all(&[head.as_bytes(), &bytes].concat());
        } else {
            say(client, "404 Not Found", "", "{}");
        }
    });
    let error = stage.machine().fails(8, &["install", "a@^2", "--platform", "claude"]);
    assert_eq!(error["message"], "The manifest of a 2.0.0 is not valid; nothing was installed", "{error}");
    assert!(error["details"].to_string().contains("description"), "{error}");
}

#[test]
fn a_refusal_says_who_gives_the_right_that_is_wanting() {
    for (message, help) in [
        ("You may not publish a; ask one of its owners", "`aam owner ls`"),
        ("Only moderators may put versions into quarantine", "administrators of the registry"),
        ("You may not see reports; ask an administrator of this registry", "administrators of the registry"),
        ("This token lacks the scope `publish`; create one that has it", "`aam token create`"),
    ] {
        let body = format!(r#"{{"error": "forbidden", "message": "{message}"}}"#);
        let stage = Stage::json("403 Forbidden", move |_| body.clone());
        let error = stage.machine().fails(3, &["info", "a"]);
        assert!(error["help"].as_str().is_some_and(|text| text.contains(help)), "{message}: {error}");
    }
}

#[test]
fn an_endless_failure_is_told_in_short() {
    let details = vec![r#"{"field": "f", "error": "e"}"#; 5000].join(",");
    let body = format!(r#"{{"error": "bad", "message": "{}", "details": [{details}]}}"#, "x".repeat(100_000));
    let stage = Stage::start(move |_, client| say(client, "429 Too Many", "retry-after: 99999999999\r\n", &body));
    let error = stage.machine().fails(6, &["info", "a"]);
    assert_eq!(error["message"].as_str().map(|text| text.chars().count()), Some(2001), "{error}");
    let details = error["details"].as_array().expect("a list");
    assert_eq!((details.len(), &details[100]["error"]), (101, &"and 4900 more".into()));
    assert!(error["help"].as_str().is_some_and(|text| text.contains("more than a day")), "{error}");
}

#[test]
fn a_redirect_without_an_end_or_to_no_registry_is_told_as_that() {
    let circle = Stage::start(|first, client| {
        let path = first.split(' ').nth(1).unwrap_or_default();
        say(client, "302 Found", &format!("location: {path}\r\n"), "");
    });
    let error = circle.machine().fails(6, &["info", "a"]);
    assert!(error["message"].as_str().is_some_and(|text| text.contains("without end")), "{error}");
    let mail = Stage::start(|_, client| say(client, "302 Found", "location: mailto:eve@example.com\r\n", ""));
    let error = mail.machine().fails(6, &["info", "a"]);
    assert!(error["message"].as_str().is_some_and(|text| text.contains("`mailto`")), "{error}");
}

#[test]
fn where_a_download_leads_is_not_told_where_it_came_from() {
    let elsewhere = Stage::json("404 Not Found", |_| String::new());
    let target = elsewhere.url();
    let stage = Stage::start(move |first, client| {
        if first.starts_with("POST") {
            say(client, "200 OK", "", &resolved("a", "2.0.0", 10, "{}"));
        } else {
            say(client, "302 Found", &format!("location: {target}/archive\r\n"), "");
        }
    });
    stage.machine().run(&["install", "a@^2", "--platform", "claude"]);
    let heard = elsewhere.heard().to_ascii_lowercase();
    assert!(heard.contains("/archive") && !heard.contains("referer"), "{heard}");
}

#[test]
fn a_variable_that_holds_no_token_is_named() {
    let stage = Stage::json("200 OK", |_| "{}".to_owned());
    let machine = stage.machine();
    let output = machine.aam(&["--json", "whoami"]).env("AAM_TOKEN", "aam_a\nb").output().expect("aam runs");
    let error: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error["message"].as_str().is_some_and(|text| text.starts_with("AAM_TOKEN holds no token")), "{error}");
    assert_eq!(stage.heard(), "");
}

#[cfg(unix)]
#[test]
fn tokens_that_others_can_read_are_told_once() {
    use std::os::unix::fs::PermissionsExt;
    let server = crate::server::Server::start();
    let machine = server.machine_of_alice();
    let said = || String::from_utf8_lossy(&machine.run(&["whoami"]).stderr).into_owned();
    assert!(!said().contains("chmod"), "{}", said());
    let file = machine.home().join("credentials.yaml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("set");
    assert_eq!(said().matches("chmod 600").count(), 1, "{}", said());
}
