//! Approval, quarantine, reports, evals, gates and quotas: each command as a person and as a program sees it.

use std::fmt::Write;

use aam_registry_core::{
    decide::PublishQuotas,
    registry::{ApprovalPolicy, Policy},
    types::{AccountRole, TagPattern},
};
use insta::assert_snapshot;

use crate::{machine::Machine, server::Server};

/// What a person was told, command by command.
#[derive(Default)]
struct Heard(String);

impl Heard {
    /// Runs a command, whatever comes of it, and adds what it says.
    fn hear(&mut self, who: &str, machine: &Machine, arguments: &[&str]) {
        let output = machine.run(arguments);
        let told = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
        let shown = arguments.iter().map(|one| if one.contains(' ') { format!("'{one}'") } else { (*one).to_owned() });
        let code = output.status.code().expect("it ends");
        let code = if code == 0 { String::new() } else { format!(" (exit code {code})") };
        let shown: Vec<_> = shown.map(|one| stable(&one)).collect();
        let _ = writeln!(self.0, "{who}$ aam {}{code}", shown.join(" "));
        for line in told.lines().filter(|line| !line.starts_with("request id: ")) {
            let _ = writeln!(self.0, "  {}", stable(line));
        }
    }
}

/// The line without what differs from run to run.
fn stable(line: &str) -> String {
    let indent = line.len() - line.trim_start().len();
    let words = line.split_whitespace().map(|word| {
        let is_time = word.starts_with("20") && word.contains('T') && word.ends_with('Z');
        let is_id = word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
        let is_address = word.starts_with("http://127.0.0.1:");
        match (is_time, is_id, is_address) {
            (true, ..) => "TIME",
            (_, true, _) => "ID",
            (.., true) => "REGISTRY",
            _ => word,
        }
    });
    format!("{}{}", &line[..indent], words.collect::<Vec<_>>().join(" "))
}

/// A machine on which the new user `name` is logged in.
fn user(server: &Server, name: &str) -> Machine {
    let machine = server.machine();
    machine.register(name);
    machine
}

/// A user with a role, who logged in with it.
fn officer(server: &Server, name: &str, role: AccountRole) -> Machine {
    let machine = user(server, name);
    server.grant(name, role);
    machine.ok_with(&["login", "--username", name, "--password-stdin"], &format!("{}\n", crate::server::PASSWORD));
    machine
}

const SKILL: &str = "  skills:\n    - {name: notes, path: skills/notes, description: Notes}\n";
const FILES: &[(&str, &str)] =
    &[("skills/notes/SKILL.md", "---\nname: notes\ndescription: Notes\n---\n\nRead the notes.\n")];

/// A folder with the package, to publish with other options than [`Machine::publish`] has.
fn folder(machine: &Machine, name: &str, version: &str) -> String {
    let folder = machine.other(&format!("{version}-of-it"));
    let manifest = format!("name: '{name}'\nversion: {version}\ndescription: d\nartifacts:\n{SKILL}");
    for (path, text) in FILES.iter().chain(&[("aam.yaml", &*manifest)]) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("in the package")).expect("folder");
        std::fs::write(path, text).expect("written");
    }
    folder.to_str().expect("text").to_owned()
}

#[test]
fn versions_wait_for_an_approver() {
    let server = Server::with(Policy::default().with_approval(ApprovalPolicy::All));
    let (alice, bob) = (user(&server, "alice"), user(&server, "bob"));
    let carol = officer(&server, "carol", AccountRole::Approver);
    let mut heard = Heard::default();
    let published = alice.json(&["pkg", "publish", &folder(&alice, "notes", "1.0.0"), "--tag", "beta"]);
    assert_eq!((&published["approval_status"], &published["dist_tags"]), (&"pending".into(), &serde_json::json!([])));
    let said = alice.ok(&["pkg", "publish", &folder(&alice, "notes", "1.1.0")]);
    assert!(!said.contains("Install it") && said.contains("aam approvals notes@1.1.0"), "{said}");

    heard.hear("bob", &bob, &["install", "notes"]);
    heard.hear("alice", &alice, &["install", "notes"]);
    heard.hear("bob", &bob, &["approvals"]);
    heard.hear("carol", &carol, &["approvals"]);
    heard.hear("bob", &bob, &["approve", "notes@1.0.0"]);
    heard.hear("alice", &alice, &["approve", "notes@1.0.0"]);
    heard.hear("carol", &carol, &["approve", "notes@1.0.0", "--comment", "I read it"]);
    heard.hear("carol", &carol, &["reject", "notes@1.1.0", "--comment", "it lacks a licence"]);
    heard.hear("carol", &carol, &["reject", "notes@1.0.0"]);
    heard.hear("carol", &carol, &["approve", "notes@9.9.9"]);
    heard.hear("carol", &carol, &["approvals"]);
    heard.hear("carol", &carol, &["approvals", "--rejected"]);
    heard.hear("alice", &alice, &["approvals", "notes@1.1.0"]);
    heard.hear("alice", &alice, &["install", "notes@1.1.0"]);
    heard.hear("bob", &bob, &["install", "notes@1.1.0"]);
    heard.hear("bob", &bob, &["dist-tag", "ls", "notes"]);
    assert_snapshot!("approval", heard.0);

    let waiting = carol.json(&["approvals"]);
    assert_eq!(waiting["versions"], serde_json::json!([]));
    let decisions = carol.json(&["approvals", "notes@1.0.0"]);
    assert_eq!(
        (&decisions["approval_status"], &decisions["approvals"][0]["approver"]),
        (&"approved".into(), &"carol".into())
    );
    let again = carol.json(&["approve", "notes@1.1.0"]);
    assert_eq!(
        (&again["status"], &again["warnings"], &again["tag"]),
        (&"approved".into(), &serde_json::json!([]), &serde_json::Value::Null)
    );
    let refused = carol.fails(1, &["reject", "notes@1.1.0"]);
    assert_eq!(refused["error"], "invalid_request", "{refused}");
    assert_eq!(bob.fails(3, &["approve", "notes@1.1.0"])["error"], "forbidden");
    bob.ok(&["install", "notes"]);
}

#[test]
fn a_dist_tag_waits_for_an_approver() {
    let stable: TagPattern = "stable*".parse().expect("a pattern");
    let beta: TagPattern = "beta".parse().expect("a pattern");
    let policy = Policy::default().with_approval_for_tags([stable.clone()]).with_allowed_tags([stable, beta]);
    let server = Server::with(policy);
    let alice = user(&server, "alice");
    let carol = officer(&server, "carol", AccountRole::Approver);
    let mut heard = Heard::default();
    let one = folder(&alice, "notes", "1.0.0");
    heard.hear("alice", &alice, &["pkg", "validate", &one]);
    heard.0.clear();
    let output = alice.run(&["pkg", "publish", &one, "--tag", "stable"]);
    let warned = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && warned.contains("the dist-tag `stable` waits for an approver"), "{warned}");
    heard.hear("alice", &alice, &["dist-tag", "ls", "notes"]);
    heard.hear("alice", &alice, &["dist-tag", "add", "notes@1.0.0", "stable-1"]);
    heard.hear("alice", &alice, &["dist-tag", "add", "notes@1.0.0", "nightly"]);
    heard.hear("carol", &carol, &["approvals"]);
    heard.hear("carol", &carol, &["approve", "notes@1.0.0"]);
    heard.hear("carol", &carol, &["approvals"]);
    heard.hear("alice", &alice, &["dist-tag", "ls", "notes"]);
    heard.hear("alice", &alice, &["dist-tag", "add", "notes@1.0.0", "stable-1"]);
    alice.ok(&["pkg", "publish", &folder(&alice, "notes", "1.1.0"), "--tag", "stable"]);
    heard.hear("carol", &carol, &["reject", "notes@1.1.0", "--comment", "too new"]);
    heard.hear("alice", &alice, &["dist-tag", "ls", "notes"]);
    alice.ok(&["pkg", "publish", &folder(&alice, "notes", "1.2.0"), "--tag", "stable"]);
    alice.ok(&["gate", "set", "notes", "stable", "quality"]);
    heard.hear("carol", &carol, &["approve", "notes@1.2.0"]);
    heard.hear("alice", &alice, &["dist-tag", "ls", "notes"]);
    assert_snapshot!("tag_approval", heard.0);
    let refused = alice.fails(1, &["dist-tag", "add", "notes@1.1.0", "stable"]);
    assert_eq!(refused["error"], "gate_failed", "{refused}");
}

#[test]
fn a_version_goes_into_quarantine_and_out_again() {
    let server = Server::start();
    let (alice, bob) = (user(&server, "alice"), user(&server, "bob"));
    let mallory = officer(&server, "mona", AccountRole::Moderator);
    alice.publish("notes", "1.0.0", SKILL, FILES);
    let mut heard = Heard::default();
    heard.hear("bob", &bob, &["quarantine", "notes@1.0.0", "--category", "malware", "--reason", "it steals"]);
    heard.hear("mona", &mallory, &["quarantine", "notes@1.0.0"]);
    heard.hear("mona", &mallory, &["quarantine", "notes@1.0.0", "--remove"]);
    heard.hear("mona", &mallory, &["quarantine", "notes@1.0.0", "--category", "malware", "--reason", "it steals"]);
    heard.hear("bob", &bob, &["install", "notes"]);
    heard.hear("alice", &alice, &["install", "notes"]);
    heard.hear("bob", &bob, &["release", "notes@1.0.0"]);
    heard.hear("mona", &mallory, &["release", "notes@1.0.0"]);
    heard.hear("bob", &bob, &["install", "notes"]);
    heard.hear("mona", &mallory, &["quarantine", "notes@1.0.0", "--category", "malware", "--reason", "it does"]);
    heard.hear("bob", &bob, &["audit"]);
    heard.hear("mona", &mallory, &["quarantine", "notes@1.0.0", "--remove"]);
    heard.hear("alice", &alice, &["info", "notes@1.0.0"]);
    assert_snapshot!("quarantine", heard.0);

    alice.publish("notes", "1.1.0", SKILL, FILES);
    let done = mallory.json(&["quarantine", "notes@1.1.0", "--category", "secret", "--reason", "a key"]);
    assert_eq!((&done["state"], &done["removed_tags"]), (&"quarantined".into(), &serde_json::json!(["latest"])));
    let lifted = mallory.json(&["release", "notes@1.1.0"]);
    assert_eq!(
        (&lifted["state"], &lifted["moved_tags"]["latest"], &lifted["warnings"]),
        (&"released".into(), &"1.1.0".into(), &serde_json::json!([]))
    );
    assert_eq!(bob.fails(3, &["release", "notes@1.1.0"])["error"], "forbidden");
}

#[test]
fn a_report_is_made_read_and_closed() {
    let server = Server::start();
    let (alice, bob) = (user(&server, "alice"), user(&server, "bob"));
    let mona = officer(&server, "mona", AccountRole::Moderator);
    alice.publish("notes", "1.0.0", SKILL, FILES);
    let mut heard = Heard::default();
    heard.hear("bob", &bob, &["report", "notes@1.0.0", "--category", "malware", "--text", "it steals"]);
    heard.hear("bob", &bob, &["report", "notes@^1", "--category", "malware", "--text", "it steals"]);
    heard.hear("bob", &bob, &["report", "notes", "--category", "nonsense", "--text", "x"]);
    heard.hear("bob", &bob, &["report", "no-such", "--category", "other", "--text", "x"]);
    heard.hear("bob", &bob, &["reports", "list"]);
    heard.hear("mona", &mona, &["reports", "list"]);
    let listed = mona.json(&["reports", "list"]);
    let id = listed["reports"][0]["id"].as_str().expect("an id").to_owned();
    heard.hear("bob", &bob, &["reports", "close", &id]);
    heard.hear("mona", &mona, &["reports", "close", &id, "--comment", "thank you"]);
    heard.hear("mona", &mona, &["reports", "list"]);
    heard.hear("mona", &mona, &["reports", "list", "--state", "closed"]);
    assert_snapshot!("reports", heard.0);

    let made = bob.json(&["report", "notes", "--category", "abuse", "--text", "rude"]);
    assert_eq!((&made["category"], &made["state"]), (&"abuse".into(), &"open".into()));
    assert_eq!(bob.fails(3, &["reports", "list"])["error"], "forbidden");
    let closed = mona.json(&["reports", "close", made["id"].as_str().expect("an id")]);
    assert_eq!(closed["state"], "closed", "{closed}");
}

#[test]
fn evals_are_recorded_and_gates_ask_for_them() {
    let server = Server::start();
    let (alice, bob) = (user(&server, "alice"), user(&server, "bob"));
    alice.publish("notes", "1.0.0", SKILL, FILES);
    let mut heard = Heard::default();
    heard.hear("alice", &alice, &["gate", "ls", "notes"]);
    heard.hear("alice", &alice, &["gate", "set", "notes", "stable", "quality"]);
    heard.hear("bob", &bob, &["gate", "set", "notes", "stable"]);
    heard.hear("alice", &alice, &["gate", "set", "notes", "latest", "quality"]);
    heard.hear("bob", &bob, &["gate", "ls", "notes"]);
    heard.hear("alice", &alice, &["dist-tag", "add", "notes@1.0.0", "stable"]);
    heard.hear("bob", &bob, &["eval", "ls", "notes@1.0.0"]);
    let at = "2026-11-24T00:00:00Z";
    let publish = ["eval", "publish", "notes@1.0.0", "quality", "--run-at", at, "--status"];
    heard.hear("bob", &bob, &[&publish[..], &["passed"]].concat());
    heard.hear("alice", &alice, &[&publish[..], &["good"]].concat());
    heard.hear("alice", &alice, &[&publish[..], &["failed", "--metric", "accuracy=0.4"]].concat());
    heard.hear("alice", &alice, &["dist-tag", "add", "notes@1.0.0", "stable"]);
    heard.hear("alice", &alice, &[&publish[..], &["passed", "--metric", "accuracy=0.93"]].concat());
    heard.hear("bob", &bob, &["eval", "ls", "notes@1.0.0"]);
    heard.hear("alice", &alice, &["dist-tag", "add", "notes@1.0.0", "stable"]);
    heard.hear("alice", &alice, &["gate", "set", "notes", "stable"]);
    assert_snapshot!("evals", heard.0);

    let recorded = alice.json(&[&publish[..], &["error", "--runner", "ci"]].concat());
    assert_eq!((&recorded["status"], &recorded["runner_identity"]), (&"error".into(), &"ci".into()));
    let gates = alice.json(&["gate", "set", "notes", "beta", "quality", "safety"]);
    assert_eq!(gates["gates"]["beta"], serde_json::json!(["quality", "safety"]));
    assert_eq!(bob.fails(3, &["gate", "set", "notes", "beta"])["error"], "forbidden");
    assert_eq!(bob.fails(3, &[&publish[..], &["passed"]].concat())["error"], "forbidden");
    let refused = alice.fails(1, &["dist-tag", "add", "notes@1.0.0", "beta"]);
    assert_eq!((&refused["error"], refused["details"].as_array().map(Vec::len)), (&"gate_failed".into(), Some(2)));
}

#[test]
fn a_quota_tells_what_is_used_and_what_to_do() {
    let quotas = PublishQuotas {
        packages_per_scope: Some(1),
        storage_per_scope: Some(1_000_000),
        versions_per_package: Some(2),
    };
    let policy = Policy::default().with_quotas(quotas).with_scopes_per_user(Some(1)).with_tokens_per_user(Some(2));
    let server = Server::with(policy);
    let alice = user(&server, "alice");
    alice.publish("@alice/notes", "1.0.0", SKILL, FILES);
    alice.publish("@alice/notes", "1.1.0", SKILL, FILES);
    let mut heard = Heard::default();
    heard.hear("alice", &alice, &["pkg", "publish", &folder(&alice, "@alice/notes", "1.2.0")]);
    heard.hear("alice", &alice, &["pkg", "publish", &folder(&alice, "@alice/other", "1.0.0"), "-y"]);
    alice.ok(&["scope", "create", "one"]);
    heard.hear("alice", &alice, &["scope", "create", "two"]);
    while alice.run(&["token", "create", "ci"]).status.success() {}
    heard.hear("alice", &alice, &["token", "create", "ci"]);
    let texts: Vec<_> = heard.0.lines().filter(|line| !line.contains("aam pkg publish")).collect();
    assert_snapshot!("quotas", texts.join("\n"));
    assert_eq!(alice.fails(3, &["scope", "create", "two"])["error"], "quota_exceeded");
    let limits = alice.json(&["registry", "limits"]);
    let told = ["max_packages_per_scope", "max_versions_per_package", "max_scopes_per_user", "max_tokens_per_user"];
    assert_eq!(told.map(|name| limits[name].as_u64()), [Some(1), Some(2), Some(1), Some(2)]);
    let text = alice.ok(&["registry", "limits"]);
    assert!(
        text.lines().any(|line| line.split_whitespace().eq(["max", "storage", "per", "scope", "1000000"])),
        "{text}"
    );
}
