//! What people do over the months with a registry of several servers, with the real client: each acts on a server of
//! their own, and what one does holds on the others.

use std::sync::Arc;

use aam_registry_tests::{Api, Machine, Package, Server, eventually};
use serde_json::json;
use tokio::net::TcpListener;

use super::Replicas;
use crate::mails::{Mailbox, link, listen, mail};

const PASSWORD: &str = "tulip-Wagon-93-kelp";

/// Servers that send mail into `mailbox` and have the administrator `olga`; `more` are their other settings.
async fn with_mail(mailbox: &Mailbox, more: &[(&str, &str)]) -> Replicas {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let port = listener.local_addr().expect("an address").port().to_string();
    listen(listener, Arc::clone(mailbox));
    let settings = [
        ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_PORT", &*port),
        ("SMTP_TLS", "none"),
        ("SMTP_FROM", "registry@example.com"),
        ("BASE_URL", "https://registry.example.com"),
        ("SECRETS_KEY", "a key that all replicas have in common"),
        ("ADMIN_USERNAME", "olga"),
        ("ADMIN_EMAIL", "olga@example.com"),
        ("ADMIN_PASSWORD", PASSWORD),
    ];
    Replicas::start_with(&[&settings[..], more].concat()).await
}

async fn log_in(server: &Server, username: &str) -> Api {
    let body = json!({"username": username, "password": PASSWORD});
    let session = server.anonymous().post("/api/v1/users/login", &body).await.expect_status(200).json();
    server.anonymous().with_token(session["access_token"].as_str().expect("a token"))
}

/// Registers with the client on `server`, and opens the link that is mailed; gives a machine with a token that
/// publishes.
async fn registered(server: &Server, mailbox: &Mailbox, username: &str, more: &[&str]) -> Machine {
    let machine = Machine::without_login(server);
    let (folder, email) = (machine.folder("anywhere"), format!("{username}@example.com"));
    let arguments = [&["register", "--username", username, "--email", &email, "--password-stdin"][..], more].concat();
    let asked = machine.run_with_input(&folder, &arguments, PASSWORD).await.expect_code(0).json();
    assert_eq!(asked["awaits_verification"], true, "{asked}");
    let early = json!({"username": username, "password": PASSWORD});
    server.anonymous().post("/api/v1/users/login", &early).await.expect_status(401);
    let confirmation = mail(mailbox, &email, "Confirm your e-mail address").await;
    machine.aam(&folder, &["verify-email", &link(&confirmation)]).await;
    Machine::of(server, &log_in(server, username).await, &["publish"]).await
}

/// An administrator invites somebody, who registers, publishes, and waits until somebody else approves; a third one
/// installs it. A scope of the package then demands a second factor.
#[tokio::test]
async fn from_an_invitation_to_an_install() {
    let mailbox = Mailbox::default();
    let replicas = with_mail(&mailbox, &[("REGISTRATION", "invite"), ("REQUIRE_APPROVAL", "all")]).await;
    let [first, second, third] = &replicas.servers;
    let olga = Machine::of(first, &log_in(first, "olga").await, &["admin", "approve"]).await;
    let folder = olga.folder("anywhere");
    olga.aam(&folder, &["scope", "create", "team"]).await;
    olga.aam(&folder, &["invite", "--email", "ada@example.com", "--scope", "team=member"]).await;

    let stranger = Machine::without_login(second);
    let uninvited = ["register", "--username", "eve", "--email", "eve@example.com", "--password-stdin"];
    stranger.run_with_input(&stranger.folder("anywhere"), &uninvited, PASSWORD).await.expect_code(3);
    let invitation = link(&mail(&mailbox, "ada@example.com", "You are invited to an AAM registry").await);
    let ada = registered(second, &mailbox, "ada", &["--invitation", &invitation]).await;

    let package = ada.folder("package");
    let file = package.join("kit.aam");
    std::fs::write(&file, Package::new("@team/kit", "1.0.0").aam()).expect("written");
    let file = file.to_str().expect("text");
    let published = ada.aam(&package, &["pkg", "publish", file, "--yes"]).await;
    assert_eq!(published["approval_status"], "pending", "{published}");
    let reader = Machine::without_login(third);
    let project = reader.folder("project");
    reader.aam_exits(&project, &["install", "@team/kit", "--platform", "claude"], 4).await;

    // Without an approver, administrators hear of it.
    mail(&mailbox, "olga@example.com", "@team/kit 1.0.0 waits for approval").await;
    olga.aam(&folder, &["approve", "@team/kit@1.0.0", "--comment", "it was read"]).await;
    mail(&mailbox, "ada@example.com", "@team/kit 1.0.0 was approved").await;
    let shown = "/api/v1/packages/@team/kit/1.0.0";
    let is_there = async || (third.anonymous().get(shown).await.status == 200).then_some(());
    eventually("the third server shows it", is_there).await;
    reader.aam(&project, &["install", "@team/kit", "--platform", "claude"]).await;
    reader.aam(&project, &["audit"]).await;

    // Whoever demands a second factor has one.
    let refused = olga.aam_exits(&folder, &["scope", "require-2fa", "team", "on"], 3).await;
    assert_eq!(refused["error"], "two_factor_required", "{refused}");
}

/// Somebody leaves: sessions and API tokens are refused by every server, what was published stays.
#[tokio::test]
async fn a_leaver_is_out_on_every_server() {
    let replicas = Replicas::start_with(&[
        ("ADMIN_USERNAME", "olga"),
        ("ADMIN_EMAIL", "olga@example.com"),
        ("ADMIN_PASSWORD", PASSWORD),
    ])
    .await;
    let [first, _, third] = &replicas.servers;
    let sessions = replicas.user("ada").await;
    let ada = Machine::of(third, &sessions[2], &["publish"]).await;
    let token = sessions[0].post("/api/v1/users/tokens", &json!({"name": "ci", "scopes": ["publish"]})).await;
    let token = token.expect_status(201).json()["token"].as_str().expect("a token").to_owned();
    let tokens = replicas.anonymous().map(|api| api.with_token(&token));
    let folder = ada.folder("package");
    let publish = async |version: &str| {
        let file = folder.join(format!("kit-{version}.aam"));
        std::fs::write(&file, Package::new("@ada/kit", version).aam()).expect("written");
        ada.run(&folder, &["pkg", "publish", file.to_str().expect("text"), "--yes"], &[]).await
    };
    publish("1.0.0").await.expect_code(0);
    for api in sessions.iter().chain(&tokens) {
        api.get("/api/v1/users/me").await.expect_status(200);
    }

    let olga = Machine::of(first, &log_in(first, "olga").await, &["admin"]).await;
    olga.aam(&olga.folder("anywhere"), &["user", "disable", "ada"]).await;
    for (server, api) in sessions.iter().chain(&tokens).enumerate() {
        let is_out = async || (api.get("/api/v1/users/me").await.status == 401).then_some(());
        eventually(format!("server {} locks her out", server % 3), is_out).await;
    }
    publish("1.1.0").await.expect_code(3);
    let login = json!({"username": "ada", "password": "correct horse battery staple"});
    for api in replicas.anonymous() {
        api.post("/api/v1/users/login", &login).await.expect_status(403);
        api.get("/api/v1/packages/@ada/kit/1.0.0/download").await.expect_status(200);
    }
    let log = olga.aam(&olga.folder("anywhere"), &["audit-log", "--event", "user.disable"]).await;
    assert_eq!((&log["entries"][0]["actor"], &log["total"]), (&json!("olga"), &json!(1)), "{log}");
}

/// A token that somebody found is reported to one server: every server refuses it, its user gets a letter, and it is in
/// the audit log.
#[tokio::test]
async fn a_leaked_token_is_revoked_on_every_server() {
    let mailbox = Mailbox::default();
    let replicas = with_mail(&mailbox, &[]).await;
    let [first, second, _] = &replicas.servers;
    let ada = registered(second, &mailbox, "ada", &[]).await;
    let session = log_in(first, "ada").await;
    let leaked = session.post("/api/v1/users/tokens", &json!({"name": "laptop", "scopes": ["publish"]})).await;
    let leaked = leaked.expect_status(201).json();
    let token = leaked["token"].as_str().expect("a token");
    let users = replicas.anonymous().map(|api| api.with_token(token));
    for api in &users {
        api.get("/api/v1/users/me").await.expect_status(200);
    }
    let report =
        json!([{"token": token, "type": "aam_token", "url": "https://git.example.com/leak", "source": "commit"}]);
    first.anonymous().post("/api/v1/token-reports", &report).await.expect_status(204);
    for (server, api) in users.iter().enumerate() {
        let is_refused = async || (api.get("/api/v1/users/me").await.status == 401).then_some(());
        eventually(format!("server {server} refuses the token"), is_refused).await;
    }
    let letter = mail(&mailbox, "ada@example.com", "An API token of your account has leaked and is revoked").await;
    assert!(letter.contains("laptop") && letter.contains("https://git.example.com/leak"), "{letter}");
    assert!(!letter.contains(token), "the letter holds the secret");
    // Her other token goes on.
    let folder = ada.folder("anywhere");
    assert_eq!(ada.aam(&folder, &["whoami"]).await["username"], "ada");
    let olga = Machine::of(second, &log_in(second, "olga").await, &["admin"]).await;
    let log = olga.aam(&folder, &["audit-log", "--event", "token.leak_reported"]).await;
    assert_eq!((&log["entries"][0]["metadata"]["user"], &log["total"]), (&json!("ada"), &json!(1)), "{log}");
    assert_eq!(log["entries"][0]["metadata"]["token"], leaked["id"]);
    for server in &replicas.servers {
        assert!(!server.log().contains(token), "the secret is in a log");
    }
}
