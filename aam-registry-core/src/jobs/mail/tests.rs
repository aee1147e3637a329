//! Mails, from the change of an account to the mailbox, and what each says.

use std::{fmt::Write as _, sync::Mutex, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::{
    decide::RevokedTokens,
    memory::{self, MemoryMailer},
    ports::{MailFailure, Mailer, WebhookAnswer, WebhookMessage, WebhookSender},
    registry::{NewAccount, OwnAccountChange, PasswordResetLink, Registration, TokenRequest, WebhookRequest},
    types::{
        AccountRole, AccountRoles, JobFilter, JobState, OneTimeSecret, PageRequest, Principal, ScopeRole, WebhookUrl,
    },
};

const BASE_URL: &str = "https://registry.example.com";
const PASSWORD: &str = "tulip-Wagon-93-kelp";

/// Sends nothing, and fails so.
#[derive(Debug)]
struct BrokenMailer(Mutex<Vec<MailFailure>>, MemoryMailer);

#[async_trait]
impl Mailer for BrokenMailer {
    async fn send(&self, mail: &Mail) -> Result<(), MailFailure> {
        let failure = self.0.lock().expect("not poisoned").pop();
        match failure {
            Some(failure) => Err(failure),
            None => self.1.send(mail).await,
        }
    }
}

fn registry(mailer: impl Mailer) -> Registry {
    memory::registry().mailer(mailer, format!("{BASE_URL}/")).build().expect("complete")
}

async fn register(registry: &Registry, username: &str) -> Principal {
    let email = format!("{username}@example.com");
    let account =
        NewAccount { username: username.into(), email, password: Some(PASSWORD.into()), roles: AccountRoles::NONE };
    Principal::of_host(&registry.create_user(account, "tests").await.expect("made"))
}

async fn jobs(registry: &Registry) -> Vec<Job> {
    let page = PageRequest { page: 1, limit: 100 };
    registry
        .jobs(&JobFilter { id: None, kind: None, state: None, with_done: false, newest_first: false, page })
        .await
        .expect("listed")
        .items
}

/// Runs the background work until the queue is empty but for what was given up.
async fn settle(registry: &Registry) {
    let settled = async {
        while jobs(registry).await.iter().any(|job| job.state != JobState::Failed) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    registry.run_background(settled).await;
}

/// Who got which mail.
async fn delivered(registry: &Registry, mailer: &MemoryMailer) -> Vec<(String, String)> {
    settle(registry).await;
    let mut mails: Vec<_> = mailer.sent().into_iter().map(|mail| (mail.to, mail.subject)).collect();
    mails.sort();
    mails
}

#[tokio::test]
async fn users_are_told_what_others_do_to_them_and_what_a_thief_would_do() {
    let mailer = MemoryMailer::new();
    let registry = registry(mailer.clone());
    let (ada, bob) = (register(&registry, "ada").await, register(&registry, "bob").await);
    let scope = "team".parse().expect("a scope");
    registry.create_scope(&ada, &scope).await.expect("created");
    registry.set_member(&ada, &scope, &bob.username, ScopeRole::Member).await.expect("set");
    registry.remove_member(&bob, &scope, &bob.username).await.expect("left");
    let request = TokenRequest { name: "ci".into(), scopes: vec!["publish".into()], ..TokenRequest::default() };
    registry.create_token(&bob, request).await.expect("made");
    registry.set_role(&bob.username, AccountRole::Admin, true).await.expect("given");
    registry.set_disabled(&ada.username, true).await.expect("disabled");
    registry.revoke_tokens(RevokedTokens::All).await.expect("revoked");
    let to = |name: &str, subject: &str| (format!("{name}@example.com"), subject.to_owned());
    assert_eq!(
        delivered(&registry, &mailer).await,
        [
            to("ada", "Your account was disabled"),
            to("bob", "A new API token for your account"),
            to("bob", "You are now a member of @team"),
            to("bob", "Your account was given the role admin"),
        ]
    );
}

#[tokio::test]
async fn a_mail_is_sent_again_under_the_same_id_until_it_is_accepted() {
    let mailer = MemoryMailer::new();
    let failures = vec![MailFailure::temporary("the server answered 451")];
    let registry = registry(BrokenMailer(Mutex::new(failures), mailer.clone()));
    let ada = register(&registry, "ada").await;
    registry.set_role(&ada.username, AccountRole::Admin, true).await.expect("given");
    let event = jobs(&registry).await.pop().expect("an event").id;
    let retry = async {
        loop {
            let waiting = jobs(&registry).await;
            if waiting.is_empty() {
                break;
            }
            // In place of waiting for as long as the backoff says.
            let ids = waiting.iter().filter(|job| job.last_error.is_some()).map(|job| job.id).collect();
            registry.retry_jobs(&crate::types::JobSelection::Ids(ids)).await.expect("retried");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    registry.run_background(retry).await;
    let ids: Vec<_> = mailer.sent().into_iter().map(|mail| mail.id).collect();
    assert_eq!(ids, [format!("{event}.role-changed")]);
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up_and_shown_without_the_address() {
    let failures = vec![MailFailure::permanent("the server answered 550")];
    let registry = registry(BrokenMailer(Mutex::new(failures), MemoryMailer::new()));
    let ada = register(&registry, "ada").await;
    registry.set_role(&ada.username, AccountRole::Admin, true).await.expect("given");
    settle(&registry).await;
    let [job] = jobs(&registry).await.try_into().expect("one job");
    assert_eq!((&*job.kind, job.state), ("mail", JobState::Failed));
    let told = "the mail `role-changed` to ada was not sent: the server answered 550";
    assert_eq!(job.last_error.as_deref(), Some(told));
    assert!(!job.payload.to_string().contains("example.com"), "{}", job.payload);
}

#[tokio::test]
async fn a_login_from_a_new_place_is_told_to_its_user() {
    let mailer = MemoryMailer::new();
    let registry = registry(mailer.clone());
    register(&registry, "ada").await;
    for address in [[192, 0, 2, 1], [192, 0, 2, 9], [198, 51, 100, 1], [198, 51, 100, 2]] {
        registry.login_from(address.into(), "ada", PASSWORD.into()).await.expect("logged in");
    }
    settle(&registry).await;
    let [mail] = mailer.sent().try_into().expect("one mail");
    assert_eq!((&*mail.to, &*mail.subject), ("ada@example.com", "A login to your account from a new place"));
    assert!(mail.text.contains("from the address 198.51.100.1 at "), "{}", mail.text);
}

#[tokio::test]
async fn without_a_mail_server_nothing_waits() {
    let registry = memory::registry().build().expect("complete");
    let ada = register(&registry, "ada").await;
    registry.set_role(&ada.username, AccountRole::Admin, true).await.expect("given");
    settle(&registry).await;
    assert_eq!(jobs(&registry).await, []);
}

/// An event of each letter, with the facts that its use case records.
fn events() -> Vec<NewAuditEntry> {
    let at = Timestamp::from_second(1_700_000_000).expect("an instant");
    let entry = |event| {
        NewAuditEntry { id: Uuid::nil(), ..NewAuditEntry::new(event, at) }.with_actor("eve").with("user", "ada")
    };
    let kit = "@team/kit".parse().expect("a name");
    let owner = |event| entry(event).with_package(&kit).with("owner", "ada");
    let member = |event| entry(event).with("scope", "team").with("member", "ada");
    let webhook = |reason| {
        let id = Uuid::nil().to_string();
        let disabled = NewAuditEntry { id: Uuid::nil(), ..NewAuditEntry::new(AuditEvent::WebhookDisable, at) };
        disabled.with("scope", "team").with("webhook", id).with("reason", reason)
    };
    let version = |event| entry(event).with_package(&kit).with_version(&"1.0.0".parse().expect("a version"));
    let decided_about_tag = |event, is_set| {
        version(event).with("publisher", "ada").with("was_open", true).with("tag", "stable").with("tag_is_set", is_set)
    };
    let token = |event| entry(event).with_actor("ada").with("name", "<b>ci</b>\n\nhttps://evil.example");
    vec![
        entry(AuditEvent::UserPasswordChange).with_actor("ada"),
        entry(AuditEvent::UserTotpEnable).with_actor("ada"),
        entry(AuditEvent::UserTotpDisable).with_actor("ada"),
        entry(AuditEvent::UserTotpDisable),
        entry(AuditEvent::UserLogin).with_actor("ada").with("client_ip", "192.0.2.1").with("client", "aam/0.2.0"),
        entry(AuditEvent::UserPasswordReset),
        entry(AuditEvent::UserPasswordReset).with("step", "link"),
        entry(AuditEvent::UserPasswordReset).with("step", "done"),
        token(AuditEvent::TokenCreate),
        token(AuditEvent::TokenCreate)
            .with("scopes", vec!["publish", "yank"])
            .with("packages", vec!["@team/*"])
            .with("expires_at", "2026-12-24T00:00:00Z"),
        token(AuditEvent::TokenEnding).with("expires_at", "2026-12-24T00:00:00Z"),
        token(AuditEvent::TokenStale),
        token(AuditEvent::TokenLeakReported).with("url", "https://github.example/ada/dotfiles"),
        entry(AuditEvent::UserDisable),
        entry(AuditEvent::UserEnable),
        entry(AuditEvent::UserRoleSet).with("role", "admin").with("granted", true),
        entry(AuditEvent::UserRoleSet).with("role", "admin").with("granted", false),
        entry(AuditEvent::UserRoleSet).with_actor("root").with("roles", vec!["approver", "auditor"]),
        entry(AuditEvent::UserRoleSet).with_actor("root").with("roles", Vec::<&str>::new()),
        owner(AuditEvent::OwnershipAdd),
        owner(AuditEvent::OwnershipRemove),
        member(AuditEvent::ScopeMemberSet).with("role", "owner"),
        member(AuditEvent::ScopeMemberSet).with("role", "member"),
        member(AuditEvent::ScopeMemberSet).with("role", "contributor"),
        member(AuditEvent::ScopeMemberRemove),
        webhook("gone"),
        webhook("failing"),
        entry(AuditEvent::ReportCreate).with("reported", "kit").with("version", "1.0.0").with("category", "malware"),
        entry(AuditEvent::ReportClose).with("reported", "kit").with("comment", "Thank you; it is gone"),
        version(AuditEvent::PackagePublish).with("approval_status", "pending"),
        version(AuditEvent::VersionApprove).with("publisher", "ada"),
        version(AuditEvent::VersionApprove).with("publisher", "ada").with("comment", "It was read"),
        version(AuditEvent::VersionReject).with("publisher", "ada").with("comment", "The licence is missing"),
        version(AuditEvent::PackagePublish).with("waiting_tag", "stable"),
        decided_about_tag(AuditEvent::VersionApprove, true),
        decided_about_tag(AuditEvent::VersionReject, false),
        version(AuditEvent::VersionApprove).with("publisher", "ada").with("was_open", true),
        version(AuditEvent::VersionQuarantine).with("category", "malware").with("reason", "It sends keys away"),
        version(AuditEvent::VersionRelease),
        version(AuditEvent::VersionRemove),
    ]
}

#[test]
fn every_letter_in_text_and_html() {
    let mut all = String::new();
    for event in events() {
        let is_told = notices::recipient(&event) == Some("ada")
            || notices::scope_to_tell(&event).is_some()
            || notices::role_to_tell(&event).is_some()
            || notices::is_for_approvers(&event)
            || notices::is_for_owners(&event);
        assert!(notices::are_of(event.event) && is_told, "{event:?}");
        let letter = notices::letter(&event, "ada").expect("a letter");
        let (text, html) = (letter.to_text("ada", BASE_URL), letter.to_html("ada", BASE_URL));
        writeln!(all, "==== {} ({})\nSubject: {}\n\n{text}\n{html}", letter.name, event.event.as_str(), letter.subject)
            .expect("a string");
    }
    insta::assert_snapshot!(all);
}

#[test]
fn owners_are_told_what_was_decided_about_a_version_of_a_trusted_publisher() {
    let at = Timestamp::from_second(1_700_000_000).expect("an instant");
    for event in [AuditEvent::VersionApprove, AuditEvent::VersionReject] {
        let of = |publisher: &str| NewAuditEntry::new(event, at).with("publisher", publisher);
        assert!(notices::is_for_owners(&of("trusted-publisher:https://gitlab.com:project_path:acme/kit")));
        assert!(!notices::is_for_owners(&of("ada")), "a user is told alone");
    }
}

#[test]
fn the_letter_with_a_link_to_reset_a_password() {
    let at = Timestamp::from_second(1_700_000_000).expect("an instant");
    let event = NewAuditEntry::new(AuditEvent::UserPasswordReset, at)
        .with("user", "ada")
        .with("step", "requested")
        .with("client_ip", "2001:db8::1");
    let user = User {
        id: crate::types::UserId::generate(),
        username: "ada".parse().expect("a name"),
        email: "ada@example.com".into(),
        roles: AccountRoles::NONE,
        email_verified: false,
        otp_enabled: false,
        disabled: false,
        created_at: at,
    };
    let link = PasswordResetLink { user, secret: OneTimeSecret::generate(), expires_at: at };
    assert!(notices::asks_for_reset(&event) && notices::recipient(&event) == Some("ada"));
    let letter = notices::reset_letter(&event, &link, BASE_URL);
    let shown = format!("{}\n{}", letter.to_text("ada", BASE_URL), letter.to_html("ada", BASE_URL));
    insta::assert_snapshot!(shown.replace(link.secret.expose(), "[secret]"));
}

#[tokio::test]
async fn a_forgotten_password_is_reset_with_the_link_of_a_mail() {
    let mailer = MemoryMailer::new();
    let registry = registry(mailer.clone());
    let ada = register(&registry, "ada").await;
    for login in ["ada@example.com", "nobody@example.com", " ADA@EXAMPLE.COM "] {
        registry.request_password_reset(login, Some([192, 0, 2, 1].into())).await.expect("the same answer");
    }
    while jobs(&registry).await.len() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    settle(&registry).await;
    let mails = mailer.sent();
    assert_eq!(mails.len(), 2, "{mails:?}");
    let link = |mail: &Mail| {
        let line = mail.text.lines().find(|line| line.contains("/reset-password#")).expect("a link").trim().to_owned();
        assert!(mail.to == "ada@example.com" && mail.html.contains(&line));
        line
    };
    let links: Vec<_> = mails.iter().map(link).collect();
    assert_ne!(links[0], links[1]);
    let shown = mails[0].text.replace(links[0].rsplit_once('#').expect("a secret").1, "[secret]");
    assert!(shown.contains("from the address 192.0.2.1 at "), "{shown}");

    let refused = registry.reset_password_with(&links[0], "short".into()).await.expect_err("too short");
    assert_eq!(refused.details()[0].field, "password");
    registry.reset_password_with(&links[0], "kelp-93-Wagon-tulip".into()).await.expect("set");
    for link in &links {
        let again = registry.reset_password_with(link, "kelp-94-Wagon-tulip".into()).await.expect_err("it was used");
        assert!(again.to_string().contains("does not work any more"), "{again}");
    }
    registry.login("ada", PASSWORD.into()).await.expect_err("the old password");
    registry.login("ada", "kelp-93-Wagon-tulip".into()).await.expect("the new password");
    assert_eq!(delivered(&registry, &mailer).await.pop().expect("a notice").1, "Your password was reset");
    assert!(registry.find_user(&ada.username).await.expect("read").is_some());
}

#[tokio::test]
async fn the_queue_holds_no_secret_and_no_address_of_a_reset() {
    let registry = registry(MemoryMailer::new());
    register(&registry, "ada").await;
    registry.request_password_reset("ada@example.com", None).await.expect("asked");
    while jobs(&registry).await.len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let payload = &jobs(&registry).await[1].payload;
    assert_eq!(payload["metadata"], serde_json::json!({"user": "ada", "step": "requested"}));
    assert_eq!(payload["actor"], serde_json::Value::Null);
}

#[tokio::test]
async fn an_administrator_makes_a_link_where_there_is_no_mail() {
    let registry = memory::registry().build().expect("complete");
    let (ada, eve) = (register(&registry, "ada").await, register(&registry, "eve").await);
    registry.request_password_reset("ada", None).await.expect_err("nothing would be sent");
    registry.make_reset_link(&eve, &ada.username).await.expect_err("no administrator");
    registry.set_role(&eve.username, AccountRole::Admin, true).await.expect("given");
    let eve = Principal::of_host(&registry.find_user(&eve.username).await.expect("read").expect("a user"));
    let link = registry.make_reset_link(&eve, &ada.username).await.expect("an administrator");
    let text = link.text("https://registry.example.com/");
    assert!(text.contains(&link.url(BASE_URL)) && text.contains("ada"), "{text}");
    assert!(!format!("{link:?}").contains(link.secret.expose()));
    registry.reset_password_with(&link.url(BASE_URL), "kelp-93-Wagon-tulip".into()).await.expect("set");
    registry.login("ada", "kelp-93-Wagon-tulip".into()).await.expect("the new password");
    let other = registry.make_reset_link_as_operator(&ada.username).await.expect("the operator");
    registry.set_disabled(&ada.username, true).await.expect("disabled");
    registry.reset_password_with(other.secret.expose(), "kelp-95-Wagon-tulip".into()).await.expect_err("disabled");
    registry.make_reset_link(&eve, &ada.username).await.expect_err("disabled");
}

/// An event that is wanted has a letter, and one that is not has none.
#[test]
fn the_events_with_letters_are_those_that_are_wanted() {
    let asking = [AuditEvent::UserRegister, AuditEvent::UserEmailChange, AuditEvent::UserEmailVerify];
    for event in AuditEvent::ALL {
        let entry = events().into_iter().find(|entry| entry.event == *event);
        assert_eq!(entry.is_some() || asking.contains(event), notices::are_of(*event), "{event:?}");
    }
}

#[tokio::test]
async fn a_new_address_is_verified_with_the_link_of_a_mail_and_the_one_before_is_told() {
    let mailer = MemoryMailer::new();
    let registry = registry(mailer.clone());
    let (username, email) = ("ada".into(), "ada@example.com".into());
    let account = Registration { username, email, password: PASSWORD.into() };
    registry.register(account).await.expect("asked for an account");
    for job in jobs(&registry).await {
        assert!(!job.payload["metadata"].to_string().contains("ada"), "{}", job.payload);
    }
    let link = |mail: &Mail| mail.text.lines().find(|line| line.contains("/verify-email#")).expect("a link").to_owned();
    settle(&registry).await;
    let [first] = mailer.sent().try_into().expect("one mail");
    assert_eq!((&*first.to, &*first.subject), ("ada@example.com", "Confirm your e-mail address"));
    let username: Username = "ada".parse().expect("a name");
    assert!(registry.find_user(&username).await.expect("read").is_none());
    registry.verify_email(&link(&first)).await.expect("verified");
    let ada = Principal::of_host(&registry.find_user(&username).await.expect("read").expect("an account"));
    let verified = async |registry: &Registry| registry.account(&ada).await.expect("an account").user.email_verified;
    assert!(verified(&registry).await);
    registry.request_email_verification(&ada).await.expect("nothing to do");
    settle(&registry).await;
    assert_eq!(mailer.sent().len(), 1);

    let change = OwnAccountChange {
        current_password: PASSWORD.into(),
        email: Some("ada@example.org".into()),
        ..OwnAccountChange::default()
    };
    registry.change_own_account(&ada, change).await.expect("changed");
    assert!(!verified(&registry).await);
    for job in jobs(&registry).await {
        assert!(job.mail_address().is_some() || !job.payload.to_string().contains("@example"), "{}", job.payload);
    }
    settle(&registry).await;
    let mut sent: Vec<_> = mailer.sent().into_iter().skip(1).map(|mail| (mail.to.clone(), mail)).collect();
    sent.sort_by(|(a, _), (b, _)| a.cmp(b));
    let [(before, told), (after, asked)] = sent.try_into().expect("two mails");
    assert_eq!((&*before, &*told.subject), ("ada@example.com", "The e-mail address of your account was changed"));
    assert!(!told.text.contains("example.org"), "{}", told.text);
    assert_eq!(after, "ada@example.org");
    registry.verify_email(&link(&asked)).await.expect("verified");
    assert!(verified(&registry).await);
}

#[test]
fn the_letters_about_an_address() {
    let letters = [
        letters::confirm_registration("https://registry.example.com/verify-email#[secret]", "2026-12-24 12:00 UTC"),
        letters::verify_email(true, "https://registry.example.com/verify-email#[secret]", "2026-12-24 12:00 UTC"),
        letters::verify_email(false, "https://registry.example.com/verify-email#[secret]", "2026-12-24 12:00 UTC"),
        letters::address_changed("2026-12-24 12:00 UTC"),
    ];
    let shown = letters.map(|letter| {
        format!(
            "Subject: {}\n\n{}\n{}",
            letter.subject,
            letter.to_text("ada", BASE_URL),
            letter.to_html("ada", BASE_URL)
        )
    });
    insta::assert_snapshot!(shown.join("\n====\n"));
}

#[test]
fn nobody_is_told_what_they_did_themselves() {
    for event in events() {
        let own = event.with_actor("ada");
        let is_told = notices::recipient(&own).is_some();
        let by_others = matches!(
            own.event,
            AuditEvent::OwnershipAdd
                | AuditEvent::OwnershipRemove
                | AuditEvent::ScopeMemberSet
                | AuditEvent::ScopeMemberRemove
        );
        // Of these several users are told.
        let of_several = matches!(
            own.event,
            AuditEvent::WebhookDisable
                | AuditEvent::ReportCreate
                | AuditEvent::PackagePublish
                | AuditEvent::VersionQuarantine
                | AuditEvent::VersionRelease
                | AuditEvent::VersionRemove
        );
        assert_eq!(is_told, !by_others && !of_several, "{own:?}");
    }
}

/// Every owner of the scope, in a mail of their own, and nobody else.
#[tokio::test]
async fn the_owners_of_a_scope_are_told_of_a_webhook_that_was_disabled() {
    let (database, mailer) = (memory::MemoryMetadata::new(), MemoryMailer::new());
    let builder = memory::registry().database(database.clone()).secrets(memory::InsecureSecrets);
    let builder = builder.webhook_delivery(GoneReceivers, []).mailer(mailer.clone(), BASE_URL);
    let registry = builder.build().expect("complete");
    let (ada, bob, eve) =
        (register(&registry, "ada").await, register(&registry, "bob").await, register(&registry, "eve").await);
    let scope = "team".parse().expect("a scope");
    registry.create_scope(&ada, &scope).await.expect("created");
    registry.set_member(&ada, &scope, &bob.username, ScopeRole::Owner).await.expect("set");
    registry.set_member(&ada, &scope, &eve.username, ScopeRole::Member).await.expect("set");
    let request = WebhookRequest {
        url: "https://hooks.example/x".into(),
        events: vec!["scope.member_remove".into()],
        secret: None,
    };
    registry.create_webhook(&ada, &scope, request).await.expect("a webhook");
    registry.remove_member(&ada, &scope, &eve.username).await.expect("removed");
    let told = delivered(&registry, &mailer).await;
    let told: Vec<_> = told.iter().filter(|(_, subject)| subject == "A webhook of @team was disabled").collect();
    assert_eq!(told.iter().map(|(to, _)| to.as_str()).collect::<Vec<_>>(), ["ada@example.com", "bob@example.com"]);
    let mails = mailer.sent();
    let letter = mails.iter().find(|mail| mail.subject.contains("disabled")).expect("a letter");
    // Lines are broken where they get long.
    let words = letter.text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("answered 410") && letter.text.contains("aam webhook deliveries team "), "{letter:?}");
    assert!(!letter.text.contains("hooks.example"), "the address may be a secret: {letter:?}");
}

/// Receivers that want no more.
#[derive(Debug)]
struct GoneReceivers;

#[async_trait]
impl WebhookSender for GoneReceivers {
    async fn send(&self, _: &WebhookMessage<'_>) -> Result<WebhookAnswer, String> {
        Ok(WebhookAnswer { status: 410, retry_after: None })
    }

    fn refusal(&self, _: &WebhookUrl) -> Option<String> {
        None
    }
}
