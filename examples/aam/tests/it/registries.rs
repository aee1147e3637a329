//! Which registry is used.

use std::fs;

use crate::machine::Machine;

#[test]
fn registries_are_added_in_either_order_and_removed() {
    let machine = Machine::new();
    machine.ok(&["registry", "add", "http://localhost:8000", "local"]);
    machine.ok(&["registry", "add", "team", "https://aam.example.com/"]);
    machine.ok(&["registry", "add", "https://other.example.com", "--name", "other", "--default"]);
    let list = machine.json(&["registry", "list"]);
    let row = |n: usize| (list[n]["name"].as_str(), list[n]["url"].as_str(), list[n]["default"].as_bool());
    assert_eq!(row(0), (Some("local"), Some("http://localhost:8000"), Some(false)));
    assert_eq!(row(1), (Some("team"), Some("https://aam.example.com"), Some(false)));
    assert_eq!(row(2), (Some("other"), Some("https://other.example.com"), Some(true)));
    machine.ok(&["registry", "default", "team"]);
    machine.ok(&["registry", "remove", "team"]);
    assert_eq!(machine.fails(2, &["registry", "remove", "team"])["error"], "unknown_registry");
    assert_eq!(machine.fails(2, &["search", "x"])["error"], "usage", "two are left and none is the default");
}

#[test]
fn a_name_keeps_its_address() {
    let machine = Machine::new();
    machine.ok(&["registry", "add", "http://localhost:8000", "local"]);
    machine.ok(&["registry", "add", "https://aam.example.com", "team", "--default"]);
    let error = machine.fails(5, &["registry", "add", "local", "http://other.example.com", "--default"]);
    assert_eq!(error["error"], "registry_exists");
    assert!(error["help"].as_str().is_some_and(|help| help.contains("--replace")), "{error}");
    let row = |n: usize| {
        let list = machine.json(&["registry", "list"]);
        (list[n]["url"].as_str().map(str::to_owned), list[n]["default"].as_bool())
    };
    assert_eq!(row(0), (Some("http://localhost:8000".to_owned()), Some(false)), "nothing was changed");
    machine.ok(&["registry", "add", "local", "http://localhost:8000/"]);
    assert_eq!(row(1).1, Some(true), "the default stays");
    machine.ok(&["registry", "add", "local", "http://localhost:8000", "--default"]);
    assert_eq!(row(0).1, Some(true));
    machine.ok(&["registry", "add", "local", "https://localhost:8443", "--replace"]);
    assert_eq!(row(0), (Some("https://localhost:8443".to_owned()), Some(true)));
}

#[test]
fn the_command_that_replaces_an_address_works_for_a_name_that_looks_like_one() {
    for (old, new) in [
        ("http://localhost:8000", "http://localhost:9000"),
        ("https://aam.example.com", "https://aam.example.com:8443"),
    ] {
        let machine = Machine::new();
        machine.ok(&["registry", "add", old]);
        let error = machine.fails(5, &["registry", "add", new]);
        let help = error["help"].as_str().expect("help");
        let command = help.split('`').nth(1).expect("a command");
        let words: Vec<_> = command.split(' ').skip(1).collect();
        machine.ok(&words);
        let list = machine.json(&["registry", "list"]);
        assert_eq!((list[0]["url"].as_str(), list.as_array().map(Vec::len)), (Some(new), Some(1)), "{command}");
    }
}

#[test]
fn an_address_that_is_replaced_loses_its_login() {
    let machine = Machine::new();
    let login = |url: &str| {
        let file = machine.home().join("credentials.yaml");
        let text = format!("registries:\n  {url}:\n    token: t\n    token_id: i\n    username: ada\n");
        fs::write(file, text).expect("written");
    };
    let knows = |url: &str| {
        let text = fs::read_to_string(machine.home().join("credentials.yaml")).expect("text");
        text.contains(url)
    };
    machine.ok(&["registry", "add", "team", "https://old.example.com"]);
    login("https://old.example.com");
    machine.ok(&["registry", "add", "same", "https://old.example.com"]);
    machine.ok(&["registry", "add", "team", "https://new.example.com", "--replace"]);
    assert!(knows("https://old.example.com"), "another name stands for it");
    machine.ok(&["registry", "add", "same", "https://new.example.com", "--replace"]);
    assert!(!knows("https://old.example.com"));
}

#[test]
fn an_address_without_its_scheme_is_no_name() {
    let machine = Machine::new();
    for arguments in [&["registry", "add", "local", "localhost:8000"][..], &["registry", "add", "localhost:8000"]] {
        let error = machine.fails(2, arguments);
        assert_eq!(error["help"], "write http://localhost:8000", "{error}");
    }
}

#[test]
fn what_another_client_wrote_is_kept() {
    let machine = Machine::new();
    fs::create_dir_all(machine.home()).expect("folder");
    let config = "registries:\n  - name: files\n    url: file:///srv/registry\n    type: local\nsecurity:\n  \
                  require_checksum: true\n";
    fs::write(machine.home().join("config.yaml"), config).expect("written");
    machine.ok(&["registry", "add", "http://localhost:8000", "local", "--default"]);
    let text = fs::read_to_string(machine.home().join("config.yaml")).expect("text");
    assert!(text.contains("type: local") && text.contains("require_checksum: true"), "{text}");
    let error = machine.fails(2, &["search", "x", "--registry", "files"]);
    assert!(error["message"].as_str().is_some_and(|message| message.contains("over HTTP")), "{error}");
}

#[test]
fn a_wrong_command_line_is_json_too() {
    let machine = Machine::new();
    assert_eq!(machine.fails(2, &["install", "Not A Name"])["error"], "usage");
    assert_eq!(machine.fails(2, &["no-such-command"])["error"], "usage");
    assert_eq!(machine.fails(2, &["install", "a", "--platform", "emacs"])["error"], "usage");
}
