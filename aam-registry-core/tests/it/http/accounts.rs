//! Accounts, sessions, API tokens.

use aam_registry_core::registry::{Policy, RegistrationPolicy};
use http::Method;
use insta::assert_snapshot;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::site::Site;
use crate::registry::world::{PASSWORD, World};

fn registration() -> Value {
    json!({"username": "ada", "email": "ada@example.com", "password": PASSWORD})
}

#[tokio::test]
async fn a_user_registers_and_logs_in() {
    let site = Site::new();
    let register = |body: Value| {
        let site = &site;
        async move { site.send_json(Method::POST, "/api/v1/users/register", "", &body).await }
    };
    assert_snapshot!(register(registration()).await.snapshot());
    register(registration()).await.assert_error(409, "user_exists");
    let weak = register(json!({"username": "X", "email": "nobody", "password": "password1234"})).await;
    weak.assert_error(400, "invalid_request");
    assert_eq!(weak.json()["details"].as_array().map(Vec::len), Some(3));
    register(json!({"username": "admin", "email": "a@example.com", "password": PASSWORD}))
        .await
        .assert_error(403, "name_reserved");

    let missing = register(json!({"username": "admin"})).await;
    missing.assert_error(400, "invalid_request");
    assert_eq!(missing.json()["details"].as_array().map(Vec::len), Some(3), "{missing:?}");

    let login = |body: Value| {
        let site = &site;
        async move { site.send_json(Method::POST, "/api/v1/users/login", "", &body).await }
    };
    let session = login(json!({"username": "ada", "password": PASSWORD})).await;
    assert_snapshot!(session.snapshot());
    assert_eq!(login(json!({"email": "ADA@example.com", "password": PASSWORD})).await.status, 200);
    let wrong = login(json!({"username": "ada", "password": "wrong"})).await;
    wrong.assert_error(401, "invalid_credentials");
    let unknown = login(json!({"username": "nobody", "password": "wrong"})).await;
    unknown.assert_error(401, "invalid_credentials");
    assert_eq!(wrong.json()["message"], unknown.json()["message"]);
    login(json!({"password": PASSWORD})).await.assert_error(400, "invalid_request");
    // Without a second factor, a code is not looked at.
    for otp in [json!("123456"), Value::Null] {
        assert_eq!(login(json!({"username": "ada", "password": PASSWORD, "otp": otp})).await.status, 200);
    }

    let token = session.json()["access_token"].as_str().expect("a token").to_owned();
    assert_snapshot!(site.act(Method::GET, "/api/v1/users/me", &token).await.snapshot());
    assert_eq!(site.act(Method::POST, "/api/v1/users/logout", &token).await.status, 204);
    site.act(Method::GET, "/api/v1/users/me", &token).await.assert_error(401, "unauthorized");
}

#[tokio::test]
async fn registration_may_be_closed() {
    let site = Site::of(World::with_policy(Policy::default().with_registration(RegistrationPolicy::Closed)));
    let reply = site.send_json(Method::POST, "/api/v1/users/register", "", &registration()).await;
    reply.assert_error(403, "registration_closed");
}

#[tokio::test]
async fn a_profile_tells_no_address() {
    let (site, _) = Site::published().await;
    let reply = site.get("/api/v1/users/ada").await;
    assert_snapshot!(reply.snapshot());
    assert!(!reply.text().contains("example.com"));
    site.get("/api/v1/users/nobody").await.assert_error(404, "user_not_found");
    site.get("/api/v1/users/N!").await.assert_error(404, "user_not_found");
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked() {
    let site = Site::new();
    let session = site.user("ada").await;
    let create = |body: Value| {
        let (site, session) = (&site, &session);
        async move { site.send_json(Method::POST, "/api/v1/users/tokens", session, &body).await }
    };
    let wanted = json!({"name": "ci", "scopes": ["publish", "yank"], "packages": ["@ada/*"], "expires_at": "2027-01-01T00:00:00Z"});
    let made = create(wanted).await;
    assert_snapshot!(made.snapshot());
    assert!(made.json()["token"].as_str().expect("a secret").starts_with("aam_"));
    assert_eq!(create(json!({"name": "short", "scopes": ["read"], "expires_in_days": 7})).await.status, 201);
    for bad in [
        json!({"name": "x", "scopes": ["fly"]}),
        json!({"name": "", "scopes": ["read"]}),
        json!({"name": "x", "scopes": []}),
        json!({"name": "x", "scopes": ["read"], "expires_in_days": 0}),
        json!({"name": "x", "scopes": ["read"], "expires_in_days": 9999}),
        json!({"name": "x", "scopes": ["read"], "expires_at": "tomorrow"}),
        json!({"name": "x", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"}),
        json!({"name": "x", "scopes": ["read"], "expires_at": "2027-01-01T00:00:00Z", "expires_in_days": 1}),
        json!({"name": "x", "scopes": ["read"], "packages": ["No!"]}),
    ] {
        create(bad).await.assert_error(400, "invalid_request");
    }
    let list = site.act(Method::GET, "/api/v1/users/tokens", &session).await;
    assert!(!list.text().contains("aam_"));
    assert_eq!(list.json()["tokens"].as_array().map(Vec::len), Some(2));

    let token = made.json()["token"].as_str().expect("a secret").to_owned();
    site.act(Method::POST, "/api/v1/users/logout", &token).await.assert_error(400, "invalid_request");
    let path = format!("/api/v1/users/tokens/{}", made.json()["id"].as_str().expect("an id"));
    assert_eq!(site.act(Method::DELETE, &path, &session).await.status, 204);
    site.act(Method::DELETE, &path, &session).await.assert_error(404, "token_not_found");
    site.act(Method::DELETE, "/api/v1/users/tokens/nonsense", &session).await.assert_error(404, "token_not_found");
    site.act(Method::GET, "/api/v1/users/me", &token).await.assert_error(401, "unauthorized");
}

#[tokio::test]
async fn a_token_lasts_no_longer_than_the_registry_allows() {
    let site = Site::of(World::with_policy(Policy::default().with_max_token_days(Some(30))));
    let session = site.user("ada").await;
    let create = |wanted: Value| {
        let (site, session) = (&site, &session);
        let mut body = json!({"name": "ci", "scopes": ["read"]});
        body.as_object_mut().expect("an object").extend(wanted.as_object().expect("an object").clone());
        async move { site.send_json(Method::POST, "/api/v1/users/tokens", session, &body).await }
    };
    let long = create(json!({"expires_in_days": 31})).await;
    long.assert_error(400, "invalid_request");
    assert!(long.text().contains("30 days"), "{long:?}");
    for wanted in [json!({}), json!({"expires_in_days": 30})] {
        let made = create(wanted).await;
        let at = |key: &str| made.json()[key].as_str().expect("a time").parse::<Timestamp>().expect("a time");
        let days = at("expires_at").duration_since(at("created_at")).as_hours();
        assert!((719..=720).contains(&days), "{days}");
    }
    let limits = site.get("/api/v1/limits").await.json();
    assert_eq!(limits["max_token_days"], 30);
}

#[tokio::test]
async fn a_leaked_token_is_revoked_by_whoever_reports_it() {
    let site = Site::new();
    let session = site.user("ada").await;
    let token = json!({"name": "ci", "scopes": ["read"]});
    let token = site.send_json(Method::POST, "/api/v1/users/tokens", &session, &token).await.json();
    let token = token["token"].as_str().expect("a secret").to_owned();
    assert_eq!(site.act(Method::GET, "/api/v1/users/me", &token).await.status, 200);
    let report = |body: Value| {
        let site = &site;
        async move { site.send_json(Method::POST, "/api/v1/token-reports", "", &body).await }
    };
    let unknown = aam_registry_core::types::TokenSecret::generate();
    let other = report(json!([{"token": unknown.expose(), "type": "aam_token"}, {"token": "nonsense"}])).await;
    let leaked =
        json!([{"token": token, "type": "aam_token", "url": "https://github.example/a/b", "source": "content"}]);
    let first = report(leaked.clone()).await;
    assert_eq!((first.status.as_u16(), first.text()), (204, other.text()));
    assert_eq!(report(leaked).await.status, other.status);
    site.act(Method::GET, "/api/v1/users/me", &token).await.assert_error(401, "unauthorized");
    report(json!({"token": token})).await.assert_error(400, "invalid_request");
    let many: Vec<_> = (0..101).map(|_| json!({"token": "x"})).collect();
    report(json!(many)).await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_user_changes_the_own_password_and_address() {
    let site = Site::new();
    let (this, other) = (site.user("ada").await, site.login("ada").await);
    site.user("bob").await;
    let change = |body: Value| {
        let (site, this) = (&site, &this);
        async move { site.send_json(Method::PATCH, "/api/v1/users/me", this, &body).await }
    };
    let token = json!({"name": "ci", "scopes": ["read"]});
    let token = site.send_json(Method::POST, "/api/v1/users/tokens", &this, &token).await.json();
    let token = token["token"].as_str().expect("a secret");

    let new = "walnut-Ferry-58-loam";
    let wrong = change(json!({"password": new, "current_password": "no"})).await;
    assert_snapshot!(wrong.snapshot());
    for bad in [
        json!({"current_password": PASSWORD}),
        json!({"password": new}),
        json!({"password": "short", "email": "nobody", "current_password": PASSWORD}),
        json!({"password": "ada@example.com", "current_password": PASSWORD}),
    ] {
        change(bad).await.assert_error(400, "invalid_request");
    }
    let of_bob = change(json!({"email": "BOB@example.com", "current_password": PASSWORD})).await;
    of_bob.assert_error(409, "user_exists");
    assert_eq!(site.act(Method::GET, "/api/v1/users/me", &other).await.status, 200, "nothing was changed");

    let changed = change(json!({"password": new, "email": "ada@example.org", "current_password": PASSWORD})).await;
    assert_snapshot!(changed.snapshot());
    site.act(Method::GET, "/api/v1/users/me", &other).await.assert_error(401, "unauthorized");
    for goes_on in [&*this, token] {
        assert_eq!(site.act(Method::GET, "/api/v1/users/me", goes_on).await.status, 200);
    }
    let login = async |password: &str| {
        let body = json!({"email": "ada@example.org", "password": password});
        site.send_json(Method::POST, "/api/v1/users/login", "", &body).await.status.as_u16()
    };
    assert_eq!((login(PASSWORD).await, login(new).await), (401, 200));
    let text = changed.text();
    assert!(!text.contains(new) && !text.contains(PASSWORD), "{text}");
}

#[tokio::test]
async fn what_is_not_built_is_refused_and_other_unknown_fields_are_ignored() {
    let site = Site::new();
    let token = site.user("bob").await;
    let with = |mut body: Value, field: &str, value: Value| {
        body[field] = value;
        body
    };
    let change = || json!({"current_password": PASSWORD, "email": "bob@example.org"});
    let api_token = || json!({"name": "ci", "scopes": ["publish"]});
    for (method, path, token, body, fields) in [
        (
            Method::POST,
            "/api/v1/users/register",
            "",
            registration(),
            &["is_admin", "roles", "otp", "mail_notifications"][..],
        ),
        (Method::PATCH, "/api/v1/users/me", &*token, change(), &["is_admin", "roles", "disabled", "two-factor"]),
        (Method::POST, "/api/v1/users/tokens", &token, api_token(), &["readonly", "cidr_whitelist", "otp"]),
        (Method::POST, "/api/v1/scopes", &token, json!({"name": "team"}), &["private", "require_2fa", "webhooks"]),
    ] {
        for field in fields {
            let refused = site.send_json(method.clone(), path, token, &with(body.clone(), field, json!(true))).await;
            refused.assert_error(400, "invalid_request");
            assert_eq!(refused.json()["details"][0]["field"], *field, "{refused:?}");
            assert!(refused.text().contains("not available on this registry yet"), "{refused:?}");
        }
        let harmless = with(with(body, fields[0], json!(false)), "colour", json!("blue"));
        let reply = site.send_json(method, path, token, &harmless).await;
        assert!(reply.status.is_success(), "{path}: {reply:?}");
    }
}
