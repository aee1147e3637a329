//! Accounts, logins, tokens, scopes, owners.

use std::fs;

use aam_registry_core::{
    decide::ReadAccess,
    registry::{Policy, RegistrationPolicy},
    types::TotpSecret,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    machine::Machine,
    server::{PASSWORD, Server, fixture},
};

#[test]
fn a_login_is_stored_for_its_user_alone_and_ends_with_logout() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let path = machine.home().join("credentials.yaml");
    let stored = fs::read_to_string(&path).expect("stored");
    assert!(stored.contains("aam_") && !stored.contains(PASSWORD), "{stored}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let me = machine.json(&["whoami"]);
    assert_eq!(me["username"], "alice");
    assert!(me["login_expires_at"].is_string(), "{me}");

    assert_eq!(machine.json(&["logout"])["revoked"], true);
    assert!(!fs::read_to_string(&path).expect("stored").contains("aam_"));
    let error = machine.fails(3, &["whoami"]);
    assert_eq!(error["error"], "unauthorized");
    assert!(error["help"].as_str().is_some_and(|help| help.contains("aam login")), "{error}");

    machine.ok_with(&["login", "--username", "alice", "--password-stdin"], &format!("{PASSWORD}\n"));
    machine.ok_with(&["login", "--username", "alice@example.com", "--password-stdin"], &format!("{PASSWORD}\n"));
    let tokens = machine.json(&["token", "list"]);
    assert_eq!(tokens.as_array().map(Vec::len), Some(1), "a new login replaces the old one's token: {tokens}");
}

#[test]
fn a_logout_forgets_the_token_whatever_the_registry_says() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let stored = || fs::read_to_string(machine.home().join("credentials.yaml")).expect("stored");
    let kept = stored();
    let id = kept.lines().find_map(|line| line.trim().strip_prefix("token_id:")).expect("an id").trim().to_owned();
    let unreachable = |text: &str| text.replace(&server.url(), "http://127.0.0.1:1");
    fs::write(machine.home().join("credentials.yaml"), unreachable(&kept)).expect("written");
    let output = machine.run(&["logout", "--registry", "http://127.0.0.1:1"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !stored().contains("aam_"), "{said}");
    let advice = format!("log in when the registry can be reached: `aam login`, then `aam token revoke {id}`");
    assert!(said.contains(&advice) && said.contains("works until 20"), "{said}");

    // A token that the registry knows no more needs no advice.
    fs::write(machine.home().join("credentials.yaml"), &kept).expect("written");
    machine.ok(&["token", "revoke", &id]);
    let output = machine.run(&["logout"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success() && !stored().contains("aam_"));
}

#[test]
fn a_wrong_password_is_said_plainly() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let mut command = machine.aam(&["--json", "login", "--username", "alice", "--password-stdin"]);
    let file = machine.home().join("password");
    fs::write(&file, "not-the-password\n").expect("written");
    let output = command.stdin(fs::File::open(file).expect("file")).output().expect("aam runs");
    assert_eq!(output.status.code(), Some(3));
    let error: Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(error["error"], "invalid_credentials");
    assert!(error["request_id"].is_string(), "{error}");
}

#[test]
fn a_token_is_printed_once_and_can_do_what_it_says() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let token = machine.ok(&["token", "create", "ci", "--scope", "publish", "--package", "greet-kit", "--quiet"]);
    let token = token.trim();
    assert!(token.starts_with("aam_") && !token.contains(char::is_whitespace), "{token}");
    assert!(!machine.ok(&["token", "list"]).contains(token));

    let ci = Machine::new();
    let run = |arguments: &[&str]| {
        ci.aam(arguments).env("AAM_REGISTRY", server.url()).env("AAM_TOKEN", token).output().expect("aam runs")
    };
    let archive = fixture("greet-kit-1.0.0.aam");
    assert!(run(&["pkg", "publish", archive.to_str().expect("text")]).status.success());
    let other = fixture("pre-1.0.0-rc.1.aam");
    assert_eq!(run(&["pkg", "publish", other.to_str().expect("text")]).status.code(), Some(3), "another package");
    assert_eq!(run(&["scope", "create", "mine"]).status.code(), Some(3), "another scope");

    let id = machine.json(&["token", "list"]);
    let id = id.as_array().expect("list").iter().find(|row| row["name"] == "ci").expect("listed")["id"].clone();
    machine.ok(&["token", "revoke", id.as_str().expect("text")]);
    assert_eq!(run(&["whoami"]).status.code(), Some(3));
}

#[test]
fn a_token_is_sent_to_its_own_registry_only() {
    let (mine, other) = (Server::start(), Server::start());
    let machine = mine.machine_of_alice();
    machine.ok(&["registry", "add", "other", &other.url()]);
    let token = machine.ok(&["token", "create", "ci", "--quiet"]);
    let whoami = |registry: &str, name: &str| {
        let mut command = machine.aam(&["whoami", "--registry", registry, "--quiet"]);
        fs::remove_file(machine.home().join("credentials.yaml")).ok();
        command.env(name, token.trim()).output().expect("aam runs")
    };
    let said = |output: std::process::Output| String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(whoami("test", "AAM_TOKEN").status.success());
    assert!(whoami("test", "AAM_REGISTRY_TOKEN_TEST").status.success());
    assert!(said(whoami("other", "AAM_TOKEN")).contains("not logged in"));
    assert!(said(whoami("other", "AAM_REGISTRY_TOKEN_TEST")).contains("not logged in"));
    assert!(said(whoami(&other.url(), "AAM_TOKEN")).contains("not logged in"));
}

#[test]
fn scopes_and_packages_are_shared() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let bob = Machine::new();
    bob.ok(&["registry", "add", &server.url(), "test"]);
    bob.register("bobby");
    let archive = fixture("acme-review-suite-2.1.0.aam");
    let archive = archive.to_str().expect("text");
    assert_eq!(bob.fails(3, &["pkg", "publish", archive])["error"], "forbidden");
    machine.ok(&["scope", "add", "acme", "bobby", "--role", "contributor"]);
    bob.ok(&["pkg", "publish", archive]);
    assert!(machine.ok(&["scope", "show", "@acme"]).contains("contributor"));
    machine.ok(&["scope", "rm", "acme", "bobby"]);
    assert_eq!(bob.fails(3, &["yank", "@acme/review-suite@2.1.0"])["error"], "forbidden");

    machine.ok(&["owner", "add", "@acme/review-suite", "bobby"]);
    assert!(machine.ok(&["owner", "ls", "@acme/review-suite"]).contains("bobby"));
    let shown = machine.ok(&["scope", "show", "acme"]);
    assert!(shown.contains("Owners of single packages") && shown.contains("bobby"), "{shown}");
    assert_eq!(machine.json(&["scope", "show", "acme"])["collaborators"][0]["package"], "@acme/review-suite");
    bob.ok(&["yank", "@acme/review-suite@2.1.0", "--reason", "broken"]);
    assert!(machine.ok(&["info", "@acme/review-suite@2.1.0"]).contains("yanked: broken"));
    bob.ok(&["unyank", "@acme/review-suite@2.1.0"]);
    machine.ok(&["owner", "rm", "@acme/review-suite", "bobby"]);
}

#[test]
fn a_private_package_is_there_for_its_scope_alone() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let bob = Machine::new();
    bob.ok(&["registry", "add", &server.url(), "test"]);
    bob.register("bobby");
    for archive in ["greet-kit-1.0.0.aam", "acme-review-suite-2.1.0.aam"] {
        machine.ok(&["pkg", "publish", fixture(archive).to_str().expect("text")]);
    }
    assert_eq!(machine.ok(&["visibility", "@acme/review-suite"]).trim(), "public");
    let said = machine.ok(&["visibility", "@acme/review-suite", "private"]);
    assert!(said.contains("@acme/review-suite is private now"), "{said}");
    assert_eq!(machine.json(&["visibility", "@acme/review-suite"])["visibility"], "private");
    for arguments in [
        &["info", "@acme/review-suite"][..],
        &["visibility", "@acme/review-suite"],
        &["visibility", "@acme/review-suite", "public"],
        &["install", "@acme/review-suite", "--platform", "claude"],
    ] {
        assert_eq!(bob.fails(4, arguments)["error"], "package_not_found", "{arguments:?}");
    }
    assert_eq!(bob.json(&["search", "review-suite"])["total"], 0);
    machine.ok(&["scope", "add", "acme", "bobby", "--role", "contributor"]);
    let shown = bob.ok(&["info", "@acme/review-suite"]);
    assert!(shown.lines().any(|line| line.contains("visibility") && line.ends_with("private")), "{shown}");
    bob.ok(&["install", "@acme/review-suite", "--platform", "claude"]);
    assert_eq!(bob.fails(3, &["visibility", "@acme/review-suite", "public"])["error"], "forbidden");
}

#[test]
fn a_password_is_changed_and_the_login_goes_on() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let new = "walnut-Ferry-58-loam";
    let said = machine.ok_with(&["passwd", "--password-stdin"], &format!("{PASSWORD}\n{new}\n"));
    assert!(said.contains("Changed the password of alice") && !said.contains(new), "{said}");
    assert_eq!(machine.json(&["whoami"])["username"], "alice", "the login is an API token and goes on");
    machine.ok_with(&["login", "--username", "alice", "--password-stdin"], &format!("{new}\n"));
    let input = machine.home().join("passwords");
    for (current, wanted, code) in [(PASSWORD, "elm-Harbour-21-moss", 3), (new, "short", 1)] {
        fs::write(&input, format!("{current}\n{wanted}\n")).expect("written");
        let mut command = machine.aam(&["--json", "passwd", "--password-stdin"]);
        let output = command.stdin(fs::File::open(&input).expect("file")).output().expect("aam runs");
        assert_eq!(output.status.code(), Some(code), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn an_unknown_scope_is_refused_before_it_is_asked_for() {
    let machine = Machine::new();
    let refused = machine.run(&["token", "create", "ci", "--scope", "everything"]);
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("read, publish, yank, tag, approve, moderate, admin"), "{said}");
}

#[test]
fn a_registry_for_known_users_is_used_from_login_to_install() {
    let server = Server::with(Policy::default().with_read_access(ReadAccess::Authenticated));
    let publisher = server.machine_with_fixtures();
    let machine = Machine::new();
    machine.ok(&["registry", "add", &server.url(), "--name", "test", "--default"]);
    for command in
        [&["search", "greet"][..], &["info", "greet-kit"], &["install", "greet-kit"], &["download", "greet-kit"]]
    {
        let error = machine.fails(3, command);
        assert_eq!(error["error"], "unauthorized", "{command:?}");
        assert!(error["help"].as_str().is_some_and(|help| help.contains("aam login")), "{error}");
    }
    machine.ok_with(&["login", "--username", "alice", "--password-stdin"], &format!("{PASSWORD}\n"));
    assert_eq!(machine.json(&["search", "greet"])["total"], 1);
    machine.ok(&["info", "greet-kit"]);
    machine.ok(&["install", "greet-kit"]);
    machine.ok(&["logout"]);
    assert_eq!(machine.fails(3, &["install", "@acme/review-suite"])["error"], "unauthorized");

    // A machine's token reads and does nothing else.
    let token = publisher.ok(&["token", "create", "ci", "--scope", "read", "--quiet"]);
    let ci = machine.aam(&["install", "@acme/review-suite"]).env("AAM_TOKEN", token.trim()).output().expect("aam runs");
    assert!(ci.status.success(), "{}", String::from_utf8_lossy(&ci.stderr));
}

#[test]
fn a_forgotten_password_is_set_with_a_link() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let error = machine.fails(3, &["passwd", "--forgot"]);
    assert!(error["message"].as_str().is_some_and(|told| told.contains("ask its administrator")), "{error}");
    assert!(error["help"].as_str().is_some_and(|help| help.contains("aam passwd --reset")), "{error}");
    let (link, new) = (server.reset_link("alice"), "kelp-93-Wagon-tulip");
    let reset = ["passwd", "--reset", "--password-stdin"];
    let said = machine.ok_with(&reset, &format!("{link}\n{new}\n"));
    assert!(said.contains("all sessions are over"), "{said}");
    machine.ok_with(&["login", "--username", "alice", "--password-stdin"], &format!("{new}\n"));
}

#[test]
fn a_second_factor_is_enrolled_used_and_removed() {
    let server = Server::start();
    let machine = server.machine_of_alice();
    let seed = machine.json(&["otp", "enrol", "--no-confirm"]);
    let secret = TotpSecret::parse(seed["secret"].as_str().expect("a seed")).expect("a seed");
    let code = |seconds: i64| secret.code_at(Timestamp::now() + SignedDuration::from_secs(seconds)).expect("a code");
    let codes = machine.json(&["otp", "enrol", "--confirm", &code(-30)]);
    let recovery = codes["recovery_codes"][0].as_str().expect("a code").to_owned();
    let login = ["login", "--username", "alice", "--password-stdin"];
    let file = machine.home().join("password");
    fs::write(&file, format!("{PASSWORD}\n")).expect("written");
    let mut command = machine.aam(&["--json", "login", "--username", "alice", "--password-stdin"]);
    let output = command.stdin(fs::File::open(file).expect("file")).output().expect("aam runs");
    let error: Value = serde_json::from_slice(&output.stdout).expect("json");
    assert_eq!(error["error"], "otp_required");
    let with_code: Vec<&str> = login.iter().copied().chain(["--otp", &recovery]).collect();
    machine.ok_with(&with_code, &format!("{PASSWORD}\n"));
    machine.ok(&["otp", "disable", "--otp", codes["recovery_codes"][1].as_str().expect("a code")]);
    machine.ok_with(&login, &format!("{PASSWORD}\n"));
}

#[test]
fn an_administrator_invites_manages_and_deletes_accounts() {
    let server = Server::with(Policy::default().with_registration(RegistrationPolicy::Open));
    let machine = server.machine_of_alice();
    machine.fails(3, &["user", "list"]);
    server.make_admin("alice");
    let invited = machine.json(&["invite", "--email", "bob@example.com", "--scope", "my_org=member"]);
    let link = invited["url"].as_str().expect("a link");
    assert_eq!(machine.json(&["invite", "list"]).as_array().map(Vec::len), Some(1));
    let other = server.machine();
    let register =
        ["register", "--username", "bob", "--email", "bob@example.com", "--password-stdin", "--invitation", link];
    other.ok_with(&register, &format!("{PASSWORD}\n"));
    assert_eq!(machine.json(&["invite", "list"]).as_array().map(Vec::len), Some(0));

    let names = |users: &Value| -> Vec<String> {
        users.as_array().expect("a list").iter().map(|user| user["username"].as_str().expect("a name").into()).collect()
    };
    assert_eq!(names(&machine.json(&["user", "list"])), ["alice", "bob"]);
    machine.ok(&["user", "roles", "bob", "approver,auditor"]);
    assert_eq!(names(&machine.json(&["user", "list", "--role", "auditor"])), ["bob"]);
    machine.ok(&["user", "roles", "bob", "none"]);
    machine.ok(&["user", "disable", "bob"]);
    other.fails(3, &["whoami"]);
    machine.ok(&["user", "enable", "bob"]);
    other.ok(&["whoami"]);
    assert!(machine.ok(&["user", "reset-password", "bob"]).contains("/reset-password#"));

    other.fails(2, &["account", "delete", "--password-stdin"]);
    other.ok_with(&["account", "delete", "--yes", "--password-stdin"], &format!("{PASSWORD}\n"));
    other.fails(3, &["whoami"]);
    assert_eq!(names(&machine.json(&["user", "list"])), ["alice"]);
}
