//! Second factors.

use aam_registry_core::{ports::Clock, registry::Policy, types::TotpSecret};
use http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{reply::Reply, site::Site};
use crate::registry::world::{PASSWORD, World, registration};

/// The code of a seed, so many seconds from now.
pub(super) fn code(site: &Site, secret: &TotpSecret, seconds: i64) -> String {
    secret.code_at(site.world.clock.now() + SignedDuration::from_secs(seconds)).expect("a code")
}

async fn log_in(site: &Site, otp: Option<&str>) -> Reply {
    let body = json!({"username": "ada", "password": PASSWORD, "otp": otp});
    site.send_json(Method::POST, "/api/v1/users/login", "", &body).await
}

async fn totp(site: &Site, session: &str, step: &str, otp: &str) -> Reply {
    site.send_json(Method::POST, &format!("/api/v1/users/me/totp/{step}"), session, &json!({"otp": otp})).await
}

/// Enrolls a second factor; gives its seed and the recovery codes.
pub(super) async fn enrolled(site: &Site, session: &str) -> (TotpSecret, Vec<String>) {
    let begun = site.act(Method::POST, "/api/v1/users/me/totp", session).await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let secret = TotpSecret::parse(begun.json()["secret"].as_str().expect("a seed")).expect("a seed");
    assert!(begun.json()["otpauth_uri"].as_str().expect("a URI").starts_with("otpauth://totp/"));
    totp(site, session, "confirm", "000000x").await.assert_error(401, "otp_invalid");
    // A code of the step before, so that the present one is there for the next use.
    let confirmed = totp(site, session, "confirm", &code(site, &secret, -30)).await;
    assert_eq!(confirmed.status, 200, "{confirmed:?}");
    let codes = confirmed.json()["recovery_codes"].as_array().expect("codes").clone();
    (secret, codes.iter().map(|code| code.as_str().expect("a code").to_owned()).collect())
}

#[tokio::test]
async fn a_second_factor_is_enrolled_used_and_removed() {
    let site = Site::new();
    let session = site.user("ada").await;
    totp(&site, &session, "confirm", "123456").await.assert_error(400, "invalid_request");
    totp(&site, &session, "disable", "123456").await.assert_error(400, "invalid_request");
    assert_eq!(site.act(Method::POST, "/api/v1/users/me/totp", &session).await.status, 201);
    assert_eq!(log_in(&site, None).await.status, 200, "nothing is needed before the first code");
    let (secret, codes) = enrolled(&site, &session).await;
    assert_eq!(codes.len(), 10);
    let account = site.act(Method::GET, "/api/v1/users/me", &session).await.json();
    assert_eq!(account["otp_enabled"], true);

    log_in(&site, None).await.assert_error(401, "otp_required");
    log_in(&site, Some("12345")).await.assert_error(401, "otp_invalid");
    let now = code(&site, &secret, 0);
    assert_eq!(log_in(&site, Some(&now)).await.status, 200);
    log_in(&site, Some(&now)).await.assert_error(401, "otp_invalid");
    assert_eq!(log_in(&site, Some(&codes[0])).await.status, 200);
    log_in(&site, Some(&codes[0])).await.assert_error(401, "otp_invalid");

    site.act(Method::POST, "/api/v1/users/me/totp", &session).await.assert_error(400, "invalid_request");
    totp(&site, &session, "disable", &codes[0]).await.assert_error(401, "otp_invalid");
    assert_eq!(totp(&site, &session, "disable", &codes[1]).await.status, 204);
    assert_eq!(log_in(&site, None).await.status, 200);
}

#[tokio::test]
async fn a_code_without_the_password_tells_nothing() {
    let site = Site::new();
    let session = site.user("ada").await;
    let (secret, _) = enrolled(&site, &session).await;
    let body = json!({"username": "ada", "password": "wrong", "otp": code(&site, &secret, 0)});
    let wrong = site.send_json(Method::POST, "/api/v1/users/login", "", &body).await;
    wrong.assert_error(401, "invalid_credentials");
    assert_eq!(log_in(&site, Some(&code(&site, &secret, 0))).await.status, 200, "the code is not used up");
}

#[tokio::test]
async fn administrators_may_be_bound_to_networks() {
    for (network, status) in [("192.0.2.0/24", 200), ("10.0.0.0/8", 403)] {
        let networks = [network.parse().expect("a network")];
        let site = Site::of(World::with_policy(Policy::default().with_admin_networks(networks)));
        site.world.registry.create_admin(registration("root")).await.expect("made");
        let root = site.login("root").await;
        let log = site.act(Method::GET, "/api/v1/audit-log", &root).await;
        assert_eq!(log.status, status, "{network}");
        assert_eq!(site.act(Method::GET, "/api/v1/users/me", &root).await.status, 200);
        if status == 403 {
            assert!(log.text().contains("certain networks"), "{log:?}");
        }
    }
}

#[tokio::test]
async fn administrators_may_need_a_second_factor() {
    let site = Site::of(World::with_policy(Policy::default().with_require_admin_2fa(true)));
    let session = site.user("ada").await;
    let ada = "ada".parse().expect("a name");
    site.world.registry.set_role(&ada, aam_registry_core::types::AccountRole::Admin, true).await.expect("given");
    let log = async || site.act(Method::GET, "/api/v1/audit-log", &session).await;
    log().await.assert_error(403, "two_factor_required");
    let account: Value = site.act(Method::GET, "/api/v1/users/me", &session).await.json();
    assert_eq!(account["otp_enabled"], false);
    enrolled(&site, &session).await;
    assert_eq!(log().await.status, 200);
    site.world.registry.reset_second_factor(&ada).await.expect("removed");
    log().await.assert_error(403, "two_factor_required");
}
