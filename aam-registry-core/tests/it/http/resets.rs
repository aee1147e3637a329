//! Forgotten passwords.

use std::time::Duration;

use aam_registry_core::memory::MemoryMailer;
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

#[tokio::test]
async fn a_registration_does_not_tell_whether_an_address_is_known() {
    let (site, mailer) = mailing();
    site.user("ada").await;
    let register = async |name: &str, email: &str| {
        let body = json!({"username": name, "email": email, "password": PASSWORD});
        site.send_json(Method::POST, "/api/v1/users/register", "", &body).await
    };
    let known = register("bob", "ADA@example.com").await;
    let unknown = register("cyd", "cyd@example.com").await;
    assert_eq!((known.status.as_u16(), unknown.status.as_u16()), (201, 201));
    let fields = |reply: &Reply| reply.json().as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(fields(&known), fields(&unknown));
    assert_eq!(known.json()["email"], "ADA@example.com");
    register("ada", "dan@example.com").await.assert_error(409, "user_exists");
    site.get("/api/v1/users/bob").await.assert_error(404, "user_not_found");

    let mails = || -> Vec<_> { mailer.sent().into_iter().filter(|mail| mail.id.ends_with(".address-known")).collect() };
    let sent = async {
        while mails().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    site.world.registry.run_background(sent).await;
    let [mail] = mails().try_into().expect("one mail");
    assert_eq!(mail.to, "ada@example.com");
    let link = mail.text.lines().map(str::trim).find(|line| line.starts_with("https://")).expect("a link");
    assert_eq!(confirm(&site, link, NEW).await.status, 204);
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
