//! Login sessions, listed and ended; addresses, verified.

use std::time::Duration;

use aam_registry_core::memory::MemoryMailer;
use http::Method;
use serde_json::json;

use super::site::Site;
use crate::registry::world::World;

const SESSIONS: &str = "/api/v1/users/me/sessions";

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let site = Site::new();
    let first = site.user("ada").await;
    let second = site.login("ada").await;
    let listed = site.act(Method::GET, SESSIONS, &second).await;
    let sessions = listed.json()["sessions"].as_array().expect("a list").clone();
    assert_eq!(sessions.len(), 2);
    let current: Vec<_> = sessions.iter().filter(|session| session["current"] == json!(true)).collect();
    assert_eq!(current.len(), 1);
    let other = sessions.iter().find(|session| session["current"] == json!(false)).expect("the other one");
    let path = format!("{SESSIONS}/{}", other["id"].as_str().expect("an id"));
    assert_eq!(site.act(Method::DELETE, &path, &second).await.status, 204);
    site.act(Method::GET, "/api/v1/users/me", &first).await.assert_error(401, "unauthorized");
    let missing = site.act(Method::DELETE, &format!("{SESSIONS}/none"), &second).await;
    missing.assert_error(404, "not_found");
    assert_eq!(missing.json()["message"], "You have no session none; it may have ended already");

    let third = site.login("ada").await;
    assert_eq!(site.act(Method::DELETE, SESSIONS, &third).await.status, 204);
    site.act(Method::GET, "/api/v1/users/me", &second).await.assert_error(401, "unauthorized");
    let left = site.act(Method::GET, SESSIONS, &third).await;
    assert_eq!(left.json()["sessions"].as_array().map(Vec::len), Some(1));
    let keys: Vec<_> = left.json()["sessions"][0].as_object().expect("a session").keys().cloned().collect();
    for key in ["id", "current", "client_ip", "client", "created_at", "last_seen_at", "expires_at"] {
        assert!(keys.iter().any(|listed| listed == key), "{key} is missing in {keys:?}");
    }
}

#[tokio::test]
async fn another_users_session_is_not_there() {
    let site = Site::new();
    let (ada, eve) = (site.user("ada").await, site.user("eve").await);
    let id = site.act(Method::GET, SESSIONS, &ada).await.json()["sessions"][0]["id"].clone();
    let path = format!("{SESSIONS}/{}", id.as_str().expect("an id"));
    site.act(Method::DELETE, &path, &eve).await.assert_error(404, "not_found");
    assert_eq!(site.act(Method::GET, "/api/v1/users/me", &ada).await.status, 200);
}

#[tokio::test]
async fn an_address_is_verified_with_the_link_of_a_mail() {
    let mailer = MemoryMailer::new();
    let world = World::with(|builder, _, _| builder.mailer(mailer.clone(), "https://registry.example.com"));
    let site = Site::of(world);
    let ada = site.user("ada").await;
    assert_eq!(site.act(Method::POST, "/api/v1/users/me/verify-email", &ada).await.status, 202);
    let sent = async {
        while mailer.sent().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    site.world.registry.run_background(sent).await;
    let [mail] = mailer.sent().try_into().expect("one mail");
    let link = mail.text.lines().map(str::trim).find(|line| line.starts_with("https://")).expect("a link").to_owned();
    assert!(link.starts_with("https://registry.example.com/verify-email#"), "{link}");
    let verify = async |token: &str| {
        site.send_json(Method::POST, "/api/v1/users/verify-email", "", &json!({"token": token})).await
    };
    let verified = async || site.act(Method::GET, "/api/v1/users/me", &ada).await.json()["email_verified"].clone();
    verify("never-made").await.assert_error(400, "invalid_request");
    assert_eq!(verified().await, json!(false));
    assert_eq!(verify(&link).await.status, 204);
    assert_eq!(verified().await, json!(true));
    verify(&link).await.assert_error(400, "invalid_request");
    let asked = site.act(Method::POST, "/api/v1/users/me/verify-email", &ada).await;
    assert_eq!(asked.status, 202);
    let page = site.get("/verify-email").await;
    assert!(page.text().contains("/api/v1/users/verify-email"), "{}", page.text());
}
