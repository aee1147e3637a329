//! What a scope demands of those who change something in it.

use aam_registry_core::types::AccountRole;
use http::Method;
use serde_json::{Value, json};

use super::{
    reply::Reply,
    site::Site,
    totp::{code, enrolled},
};
use crate::registry::world::PASSWORD;

const SCOPE: &str = "/api/v1/scopes/acme";

async fn set(site: &Site, token: &str, body: Value) -> Reply {
    site.send_json(Method::PATCH, SCOPE, token, &body).await
}

/// A site with the scope `acme`, which the user of the session owns, and its member `bob` with a session.
async fn site() -> (Site, String, String) {
    let site = Site::new();
    let (ada, bob) = (site.user("ada").await, site.user("bob").await);
    assert_eq!(site.send_json(Method::POST, "/api/v1/scopes", &ada, &json!({"name": "acme"})).await.status, 201);
    let member = site.send_json(Method::PUT, &format!("{SCOPE}/members/bob"), &ada, &json!({"role": "member"})).await;
    assert_eq!(member.status, 200, "{member:?}");
    (site, ada, bob)
}

async fn api_token(site: &Site, session: &str) -> String {
    let body = json!({"name": "ci", "scopes": ["publish", "yank"], "expires_in_days": 30});
    let made = site.send_json(Method::POST, "/api/v1/users/tokens", session, &body).await;
    made.json()["token"].as_str().expect("a token").to_owned()
}

#[tokio::test]
async fn a_member_without_a_second_factor_publishes_only_where_none_is_demanded() {
    let (site, ada, bob) = site().await;
    let token = api_token(&site, &bob).await;
    assert_eq!(site.publish(&token, "@acme/kit", "1.0.0").await.status, 201);

    set(&site, &ada, json!({"require_2fa": true})).await.assert_error(403, "two_factor_required");
    enrolled(&site, &ada).await;
    let demanded = set(&site, &ada, json!({"require_2fa": true})).await;
    assert_eq!(demanded.status, 200, "{demanded:?}");
    assert_eq!(demanded.json()["require_2fa"], true);

    let yank = async |by: &str| site.act(Method::DELETE, "/api/v1/packages/@acme/kit/1.0.0", by).await;
    for by in [&bob, &token] {
        let refused = site.publish(by, "@acme/kit", "1.1.0").await;
        refused.assert_error(403, "two_factor_required");
        assert!(refused.text().contains("aam otp enrol"), "{refused:?}");
        yank(by).await.assert_error(403, "two_factor_required");
        assert_eq!(site.act(Method::GET, "/api/v1/packages/@acme/kit", by).await.status, 200, "reads need none");
    }
    let body = json!({"username": "bob", "password": PASSWORD});
    assert_eq!(site.send_json(Method::POST, "/api/v1/users/login", "", &body).await.status, 200, "nor do logins");

    let (secret, _) = enrolled(&site, &bob).await;
    assert_eq!(site.publish(&token, "@acme/kit", "1.1.0").await.status, 201);
    let off = site
        .send_json(Method::POST, "/api/v1/users/me/totp/disable", &bob, &json!({"otp": code(&site, &secret, 0)}))
        .await;
    assert_eq!(off.status, 204, "{off:?}");
    site.publish(&token, "@acme/kit", "1.2.0").await.assert_error(403, "two_factor_required");
    assert_eq!(set(&site, &ada, json!({"require_2fa": false})).await.status, 200);
    assert_eq!(site.publish(&token, "@acme/kit", "1.2.0").await.status, 201);
}

#[tokio::test]
async fn who_is_no_owner_sets_no_policy() {
    let (site, ada, bob) = site().await;
    enrolled(&site, &bob).await;
    set(&site, "", json!({"require_2fa": true})).await.assert_error(401, "unauthorized");
    set(&site, &bob, json!({"require_2fa": true})).await.assert_error(403, "forbidden");
    let token = api_token(&site, &ada).await;
    set(&site, &token, json!({"require_2fa": false})).await.assert_error(403, "forbidden");
    for body in [json!({}), json!({"require_2fa": null}), json!({"require_2fa": "yes"})] {
        set(&site, &ada, body).await.assert_error(400, "invalid_request");
    }
    let nowhere = site.send_json(Method::PATCH, "/api/v1/scopes/nobody", &ada, &json!({"require_2fa": true})).await;
    nowhere.assert_error(404, "scope_not_found");
}

#[tokio::test]
async fn what_a_scope_demands_is_shown_to_those_in_it_and_to_who_oversees() {
    let (site, ada, bob) = site().await;
    let carol = site.user("carol").await;
    let shown = async |by: &str| site.act(Method::GET, SCOPE, by).await.json().get("require_2fa").cloned();
    for by in [&ada, &bob] {
        assert_eq!(shown(by).await, Some(json!(false)));
    }
    assert_eq!(shown(&carol).await, None);
    assert_eq!(site.get(SCOPE).await.json().get("require_2fa"), None);
    for role in [AccountRole::Auditor, AccountRole::Admin] {
        let carol_name = "carol".parse().expect("a name");
        site.world.registry.set_role(&carol_name, role, true).await.expect("given");
        assert_eq!(shown(&site.login("carol").await).await, Some(json!(false)), "{role:?}");
        site.world.registry.set_role(&carol_name, role, false).await.ok();
    }
}
