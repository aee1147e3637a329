//! Forgotten passwords.

use std::time::Duration;

use aam_registry_core::{
    memory::{MemoryLimiter, MemoryMailer},
    ports::RateClass,
    types::Mail,
};
use http::Method;
use insta::assert_snapshot;
use serde_json::json;

use super::{reply::Reply, site::Site};
use crate::registry::world::{PASSWORD, World};

const NEW: &str = "kelp-93-Wagon-tulip";

fn mailing() -> (Site, MemoryMailer) {
    let mailer = MemoryMailer::new();
    let world = World::with(|builder, _, _| builder.mailer(mailer.clone(), "https://registry.example.com"));
    (Site::of(world), mailer)
}

/// Runs the background work until so many mails were sent; gives them.
async fn mails(site: &Site, mailer: &MemoryMailer, many: usize) -> Vec<Mail> {
    let sent = async {
        while mailer.sent().len() < many {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    site.world.registry.run_background(sent).await;
    mailer.sent()
}

fn link(mail: &Mail) -> &str {
    mail.text.lines().map(str::trim).find(|line| line.starts_with("https://")).expect("a link")
}

async fn register(site: &Site, name: &str, email: &str) -> Reply {
    let body = json!({"username": name, "email": email, "password": PASSWORD});
    site.send_json(Method::POST, "/api/v1/users/register", "", &body).await
}

/// All that somebody can try who wants to know whether an address has an account: what is answered to a registration
/// with it, to logins and reads afterwards, and to registrations of the same name.
#[tokio::test]
async fn a_registration_does_not_tell_whether_an_address_is_known() {
    let (site, mailer) = mailing();
    site.user("ada").await;
    let tried = async |name: &str, email: &str| {
        let login = async |field: &str, value: &str| {
            let body = json!({field: value, "password": PASSWORD});
            site.send_json(Method::POST, "/api/v1/users/login", "", &body).await
        };
        [
            register(&site, name, email).await,
            login("username", name).await,
            site.get(&format!("/api/v1/users/{name}")).await,
            site.get(&format!("/api/v1/scopes/{name}")).await,
            register(&site, name, &format!("{name}@example.net")).await,
            register(&site, name, email).await,
            login("username", name).await,
        ]
        .map(|reply| reply.snapshot().replace(email, "[email]").replace(name, "[name]"))
    };
    let known = tried("bob", "ADA@example.com").await;
    assert_eq!(known, tried("cyd", "cyd@example.com").await);
    assert!(known[0].contains("201") && known[0].contains("awaits_verification"), "{}", known[0]);
    assert!(known[1].contains("invalid_credentials") && known[2].contains("404"), "{known:?}");
    register(&site, "ada", "dan@example.com").await.assert_error(409, "user_exists");
    let events = site.world.audit_events().await;
    let of = |name: &str| events.iter().filter(|event| *event == name).count();
    assert_eq!((of("user.register"), of("user.password_reset")), (1, 0), "ada's alone: {events:?}");

    // Two mails for each registration of either, and none for the name that is taken.
    let sent = mails(&site, &mailer, 6).await;
    let of = |to: &str| sent.iter().filter(|mail| mail.to == to).collect::<Vec<_>>();
    let (known, unknown) = (of("ada@example.com"), of("cyd@example.com"));
    assert!(known.iter().all(|mail| mail.id.ends_with(".address-known")), "{known:?}");
    assert!(unknown.iter().all(|mail| mail.id.ends_with(".confirm-registration")), "{unknown:?}");
    assert_eq!((known.len(), unknown.len(), sent.len()), (2, 2, 6));
    assert_eq!(confirm(&site, link(known[0]), NEW).await.status, 204, "with that of a known address a password is set");
}

#[tokio::test]
async fn an_account_is_made_by_the_link_that_is_mailed() {
    let (site, mailer) = mailing();
    let token = async |token: &str| {
        site.send_json(Method::POST, "/api/v1/users/verify-email", "", &json!({"token": token})).await
    };
    assert_eq!(register(&site, "ada", "ada@example.com").await.status, 201);
    assert_eq!(register(&site, "ada", "bob@example.com").await.status, 201, "the name is free until then");
    let sent = mails(&site, &mailer, 2).await;
    let of = |to: &str| link(sent.iter().find(|mail| mail.to == to).expect("a mail")).to_owned();
    let (first, second) = (of("ada@example.com"), of("bob@example.com"));
    assert!(first.starts_with("https://registry.example.com/verify-email#"), "{first}");
    for wrong in [format!("{first}A"), first.replace('#', "#A"), first[..first.len() - 8].to_owned()] {
        token(&wrong).await.assert_error(400, "invalid_request");
    }
    assert_eq!(token(&first).await.status, 204);
    assert_eq!(token(&first).await.status, 204, "it does nothing more");
    let session = site.login("ada").await;
    let account = site.act(Method::GET, "/api/v1/users/me", &session).await.json();
    assert_eq!((&account["email"], &account["email_verified"]), (&json!("ada@example.com"), &json!(true)));
    token(&second).await.assert_error(409, "user_exists");
    assert_eq!(site.world.audit_events().await.iter().filter(|event| *event == "user.register").count(), 1);

    register(&site, "cyd", "cyd@example.com").await;
    let sent = mails(&site, &mailer, 3).await;
    site.world.clock.advance(Duration::from_hours(48));
    token(link(&sent[2])).await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn nobody_floods_an_address_by_registering_with_it() {
    let mailer = MemoryMailer::new();
    let world = World::with(|builder, _, _| {
        let limiter = MemoryLimiter::unlimited().with_limit(RateClass::ForgivenLogin, 3);
        builder.mailer(mailer.clone(), "https://registry.example.com").rate_limiter(limiter)
    });
    let site = Site::of(world);
    for at in 0..5 {
        assert_eq!(register(&site, &format!("name-{at}"), "ada@example.com").await.status, 201);
    }
    register(&site, "bob", "bob@example.com").await;
    let sent = mails(&site, &mailer, 4).await;
    let to = |to: &str| sent.iter().filter(|mail| mail.to == to).count();
    assert_eq!((to("ada@example.com"), to("bob@example.com")), (3, 1));
}

async fn request(site: &Site, body: serde_json::Value) -> Reply {
    site.send_json(Method::POST, "/api/v1/users/password-reset", "", &body).await
}

async fn confirm(site: &Site, token: &str, password: &str) -> Reply {
    let body = json!({"token": token, "password": password});
    site.send_json(Method::POST, "/api/v1/users/password-reset/confirm", "", &body).await
}

#[tokio::test]
async fn a_mailed_link_sets_another_password_once_and_ends_every_session() {
    let (site, mailer) = mailing();
    let session = site.user("ada").await;
    let known = request(&site, json!({"email": "ada@example.com"})).await;
    assert_snapshot!(known.snapshot());
    let unknown = request(&site, json!({"email": "nobody@example.com"})).await;
    assert_eq!(known.snapshot(), unknown.snapshot(), "the answer does not tell who has an account");
    request(&site, json!({"email": " "})).await.assert_error(400, "invalid_request");

    // The other one verifies the address.
    let resets =
        || -> Vec<_> { mailer.sent().into_iter().filter(|mail| mail.id.ends_with(".password-reset")).collect() };
    let sent = async {
        while resets().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    site.world.registry.run_background(sent).await;
    let [mail] = resets().try_into().expect("one mail");
    let link = mail.text.lines().map(str::trim).find(|line| line.starts_with("https://")).expect("a link");
    assert!(link.starts_with("https://registry.example.com/reset-password#"), "{link}");

    confirm(&site, "never-made", NEW).await.assert_error(400, "invalid_request");
    let weak = confirm(&site, link, "password1234").await;
    weak.assert_error(400, "invalid_request");
    assert_eq!(weak.json()["details"][0]["field"], "password");
    assert_eq!(confirm(&site, link, NEW).await.status, 204);
    assert_snapshot!(confirm(&site, link, NEW).await.snapshot());
    site.act(Method::GET, "/api/v1/users/me", &session).await.assert_error(401, "unauthorized");
    site.world.registry.login("ada", PASSWORD.into()).await.expect_err("the old password");
    site.world.registry.login("ada", NEW.into()).await.expect("the new password");
}

#[tokio::test]
async fn without_mail_an_administrator_makes_the_link() {
    let site = Site::new();
    let ada = site.user("ada").await;
    request(&site, json!({"username": "ada"})).await.assert_error(403, "forbidden");
    site.act(Method::POST, "/api/v1/users/ada/password-reset", &ada).await.assert_error(403, "forbidden");
    site.world.admin("eve").await;
    let eve = site.login("eve").await;
    let made = site.act(Method::POST, "/api/v1/users/ada/password-reset", &eve).await;
    assert_eq!(made.status, 201);
    let answer = made.json();
    let (token, url) = (answer["token"].as_str().expect("a token"), answer["url"].as_str().expect("a link"));
    assert_eq!(answer["username"], "ada");
    assert!(url.ends_with(&format!("/reset-password#{token}")), "{url}");
    assert!(answer["text"].as_str().expect("a text").contains(url), "{answer}");
    site.act(Method::POST, "/api/v1/users/nobody/password-reset", &eve).await.assert_error(404, "user_not_found");
    assert_eq!(confirm(&site, token, NEW).await.status, 204);
    confirm(&site, token, NEW).await.assert_error(400, "invalid_request");
    let log = site.act(Method::GET, "/api/v1/audit-log?event=user.password_reset", &eve).await.json();
    let steps: Vec<_> = log["entries"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| (entry["actor"].as_str(), entry["metadata"]["step"].as_str()))
        .collect();
    assert_eq!(steps, [(Some("ada"), Some("done")), (Some("eve"), Some("link"))]);
    assert!(!log.to_string().contains(token));
}

#[tokio::test]
async fn the_page_of_a_link_is_complete_and_loads_nothing() {
    let site = Site::with(World::new(), "/registry", |builder| builder);
    let page = site.get("/registry/reset-password").await;
    assert_eq!(page.status, 200);
    let html = String::from_utf8(page.body.to_vec()).expect("text");
    assert!(html.contains("/registry/api/v1/users/password-reset/confirm"), "{html}");
    assert!(!html.contains("{{") && !html.contains("src="), "{html}");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
}
