//! Publishing, over networks good and bad.

use crate::{
    machine::Machine,
    proxy::{Mischief, Proxy},
    server::{Server, fixture},
};

#[test]
fn a_publish_whose_answer_is_lost_is_a_success() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let token = machine.ok(&["token", "create", "ci", "--quiet"]);
    let proxy = Proxy::start(server.address, "POST /api/v1/packages ", Mischief::Cut, 1);
    let archive = fixture("greet-kit-1.0.0.aam");
    let output = machine
        .aam(&["--json", "pkg", "publish", archive.to_str().expect("text"), "--tag", "beta"])
        .env("AAM_REGISTRY", proxy.url())
        .env("AAM_TOKEN", token.trim())
        .output()
        .expect("aam runs");
    assert_eq!(proxy.left(), 0, "the answer was cut");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(value["already_published"], true);
    assert_eq!(machine.json(&["dist-tag", "ls", "greet-kit"])["tags"]["beta"], "1.0.0");
}

#[test]
fn other_bytes_of_the_same_version_are_refused() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.init("@acme/notes", ".");
    machine.ok(&["pkg", "publish"]);
    assert_eq!(machine.json(&["pkg", "publish"])["already_published"], true);
    machine.write("skills/notes/SKILL.md", "---\nname: notes\ndescription: Changed\n---\nNew.\n");
    let error = machine.fails(5, &["pkg", "publish"]);
    assert_eq!(error["error"], "version_exists");
    assert!(error["help"].as_str().is_some_and(|help| help.contains("raise the version")), "{error}");
}

#[test]
fn a_dry_run_sends_nothing() {
    let server = Server::start();
    let machine = Machine::new();
    machine.ok(&["registry", "add", &server.url(), "test"]);
    let archive = fixture("greet-kit-1.0.0.aam");
    let value = machine.json(&["pkg", "publish", archive.to_str().expect("text"), "--dry-run"]);
    assert_eq!((&value["dry_run"], &value["version"]), (&true.into(), &"1.0.0".into()));
    assert_eq!(machine.fails(4, &["info", "greet-kit"])["error"], "package_not_found");
}

#[test]
fn versions_are_tagged_yanked_and_deprecated() {
    let server = Server::start();
    let machine = server.machine_with_fixtures();
    machine.ok(&["dist-tag", "add", "greet-kit@1.0.0", "stable"]);
    assert!(machine.ok(&["dist-tag", "ls", "greet-kit"]).contains("stable  1.0.0"));
    machine.ok(&["dist-tag", "rm", "greet-kit", "stable"]);
    machine.ok(&["yank", "greet-kit@1.1.0", "--reason", "oops"]);
    assert_eq!(machine.json(&["info", "greet-kit"])["latest_version"], "1.0.0");
    machine.ok(&["unyank", "greet-kit@1.1.0"]);
    machine.ok(&["deprecate", "greet-kit@1.1.0", "use 2.0"]);
    let report = machine.json(&["install", "greet-kit"]);
    assert_eq!(report["warnings"][0], "greet-kit 1.1.0 is deprecated: use 2.0");
    machine.ok(&["deprecate", "greet-kit@1.1.0", "--undo"]);
    assert!(!machine.ok(&["info", "greet-kit@1.1.0"]).contains("deprecated"));
}

#[test]
fn an_unreachable_registry_is_named() {
    let machine = Machine::new();
    machine.ok(&["registry", "add", "http://127.0.0.1:1", "test"]);
    let error = machine.fails(6, &["search", "x"]);
    assert_eq!(error["error"], "unreachable");
    assert!(error["message"].as_str().is_some_and(|message| message.contains("127.0.0.1:1")), "{error}");
}

#[test]
fn a_description_cannot_deceive_a_terminal() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.init("@acme/notes", ".");
    let own = machine.read("aam.yaml");
    let lines = own.lines().map(|line| match line.strip_prefix("description:") {
        Some(_) => r#"description: "safe\u202Eefas\n  owners  me""#,
        None => line,
    });
    let manifest = lines.collect::<Vec<_>>().join("\n");
    machine.write("aam.yaml", &manifest);
    machine.ok(&["pkg", "publish"]);
    machine.ok(&["deprecate", "@acme/notes@0.1.0", "use\n  owners  me\u{2066}"]);
    for shown in [machine.ok(&["info", "@acme/notes"]), machine.ok(&["search", "notes"])] {
        assert!(shown.contains("safe?efas   owners  me"), "{shown}");
        assert!(!shown.contains(['\u{202e}', '\u{2066}']) && !shown.contains("\n  owners  me"), "{shown}");
    }
}

#[test]
fn secrets_and_ignored_files_stay_out_and_the_first_publish_shows_what_goes_in() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.init("@acme/notes", ".");
    machine.write(".gitignore", "\u{feff}drafts/\n");
    for path in [".env", ".npmrc", ".ssh/id_ed25519", "node_modules/x/index.js", "drafts/a.md", "skills/notes/.ENV"] {
        machine.write(path, "x");
    }
    machine.write("skills/notes/key.txt", &format!("token: ghp{}{}\n", "_", "a1B2".repeat(9)));
    let dry = machine.json(&["pkg", "publish", "--dry-run", "--allow-secrets"]);
    let packed: Vec<_> = dry["files"].as_array().expect("files").iter().map(|file| file["path"].clone()).collect();
    assert_eq!(packed, [".gitignore", "README.md", "aam.yaml", "skills/notes/SKILL.md", "skills/notes/key.txt"]);
    let left_out: Vec<_> = dry["left_out"].as_array().expect("list").iter().map(|one| one["path"].clone()).collect();
    assert_eq!(left_out, [".env", ".npmrc", ".ssh/", "drafts/", "node_modules/", "skills/notes/.ENV"]);
    let warning = dry["warnings"][0]["error"].as_str().expect("a warning");
    assert!(warning.starts_with("line 1 looks like a GitHub token"), "{warning}");

    let output = machine.run(&["pkg", "publish", "--allow-secrets"]);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{shown}");
    for line in ["The first version of @acme/notes", "skills/notes/key.txt", "Left out:", ".env (commonly private"] {
        assert!(shown.contains(line), "{line} is missing in {shown}");
    }
}

#[test]
fn what_looks_like_a_secret_is_published_only_by_word_of_its_publisher() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    machine.init("@acme/notes", ".");
    let key = format!("-----BEGIN OPENSSH {} KEY-----\nx\n", "PRIVATE");
    machine.write("skills/notes/deploy.txt", &key);
    for arguments in [&["pkg", "publish"][..], &["pkg", "publish", "--yes"]] {
        let error = machine.fails(8, arguments);
        assert_eq!(error["error"], "possible_secret", "{error}");
        assert_eq!(error["details"][0]["field"], "skills/notes/deploy.txt");
        assert!(error["help"].as_str().is_some_and(|help| help.contains(".aamignore")), "{error}");
    }
    assert_eq!(machine.fails(4, &["info", "@acme/notes"])["error"], "package_not_found");
    // What only checks agrees.
    for arguments in [&["pkg", "publish", "--dry-run"][..], &["pkg", "validate"]] {
        let error = machine.fails(8, arguments);
        assert_eq!(error["error"], "possible_secret", "{error}");
        assert_eq!(error["details"][0]["field"], "skills/notes/deploy.txt", "{error}");
        machine.ok(&[arguments, &["--allow-secrets"]].concat());
    }
    let dry = machine.fails(8, &["pkg", "publish", "--dry-run"]);
    assert_eq!((&dry["dry_run"], &dry["files"][0]["path"]), (&true.into(), &"README.md".into()), "{dry}");
    let output = machine.run(&["pkg", "publish", "--dry-run"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("skills/notes/deploy.txt"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("1 file looks as if it held a secret; it would be refused"), "{said}");

    // Packed before, it holds the same.
    machine.ok(&["pkg", "pack", "--output", "packed.aam"]);
    assert_eq!(machine.fails(8, &["pkg", "publish", "packed.aam", "--yes"])["error"], "possible_secret");
    assert_eq!(machine.fails(8, &["pkg", "validate", "packed.aam"])["error"], "possible_secret");

    machine.write(".aamignore", "skills/notes/deploy.txt\n");
    machine.ok(&["pkg", "publish"]);
    std::fs::remove_file(machine.project().join(".aamignore")).expect("removed");
    let manifest = machine.read("aam.yaml").replace("0.1.0", "0.2.0");
    machine.write("aam.yaml", &manifest);
    machine.fails(8, &["pkg", "publish"]);
    machine.ok(&["pkg", "publish", "--allow-secrets"]);
}
