//! Accounts as administrators manage them, and their deletion.

use http::Method;
use serde_json::{Value, json};

use super::{reply::Reply, site::Site};
use crate::registry::world::{PASSWORD, registration};

/// A site with the administrator root; her bearer token.
async fn administered() -> (Site, String) {
    let site = Site::new();
    site.world.registry.create_admin(registration("root")).await.expect("made");
    let token = site.login("root").await;
    (site, token)
}

async fn names(site: &Site, token: &str, query: &str) -> Vec<String> {
    let page = site.act(Method::GET, &format!("/api/v1/users{query}"), token).await.json();
    let users = page["users"].as_array().unwrap_or_else(|| panic!("{page}"));
    users.iter().map(|user| user["username"].as_str().expect("a name").to_owned()).collect()
}

async fn change(site: &Site, token: &str, user: &str, body: Value) -> Reply {
    site.send_json(Method::PATCH, &format!("/api/v1/users/{user}"), token, &body).await
}

#[tokio::test]
async fn an_administrator_finds_accounts() {
    let (site, root) = administered().await;
    let ada = site.user("ada").await;
    site.user("bob").await;
    assert_eq!(names(&site, &root, "").await, ["ada", "bob", "root"]);
    assert_eq!(names(&site, &root, "?limit=2&page=2").await, ["root"]);
    assert_eq!(names(&site, &root, "?q=AD").await, ["ada"]);
    assert_eq!(names(&site, &root, "?q=bob%40example").await, ["bob"]);
    assert_eq!(names(&site, &root, "?role=admin").await, ["root"]);
    assert_eq!(names(&site, &root, "?disabled=true").await, [""; 0]);
    site.act(Method::GET, "/api/v1/users?role=king", &root).await.assert_error(400, "invalid_request");
    site.act(Method::GET, "/api/v1/users", &ada).await.assert_error(403, "forbidden");
}

#[tokio::test]
async fn an_administrator_disables_accounts_and_gives_roles() {
    let (site, root) = administered().await;
    let ada = site.user("ada").await;
    change(&site, &ada, "ada", json!({"roles": ["admin"]})).await.assert_error(403, "forbidden");
    change(&site, &ada, "root", json!({"disabled": true})).await.assert_error(403, "forbidden");
    change(&site, &root, "ada", json!({})).await.assert_error(400, "invalid_request");
    change(&site, &root, "ada", json!({"roles": ["king"]})).await.assert_error(400, "invalid_request");
    change(&site, &root, "nobody", json!({"disabled": true})).await.assert_error(404, "user_not_found");

    let disabled = change(&site, &root, "ada", json!({"disabled": true, "roles": ["auditor"]})).await.json();
    assert_eq!((&disabled["disabled"], &disabled["roles"]), (&json!(true), &json!(["auditor"])));
    site.act(Method::GET, "/api/v1/users/me", &ada).await.assert_error(401, "unauthorized");
    assert_eq!(names(&site, &root, "?disabled=true&role=auditor").await, ["ada"]);
    assert_eq!(change(&site, &root, "ada", json!({"disabled": false})).await.status, 200);
    let ada = site.login("ada").await;
    assert_eq!(names(&site, &ada, "").await, ["ada", "root"], "an auditor reads");
    change(&site, &ada, "root", json!({"disabled": true})).await.assert_error(403, "forbidden");
}

async fn delete_own(site: &Site, token: &str, password: &str) -> Reply {
    site.send_json(Method::DELETE, "/api/v1/users/me", token, &json!({"current_password": password})).await
}

#[tokio::test]
async fn a_deleted_account_leaves_its_packages_and_no_name() {
    let (site, root) = administered().await;
    let (ada, bob) = (site.user("ada").await, site.user("bob").await);
    let by = site.principal(&ada).await;
    site.world.published(&by, "greet-kit", "1.0.0").await;
    site.world.published(&by, "@ada/tools", "1.0.0").await;
    let token = json!({"name": "ci", "scopes": ["read"]});
    let token = site.send_json(Method::POST, "/api/v1/users/tokens", &ada, &token).await.json();
    let token = token["token"].as_str().expect("a secret").to_owned();

    delete_own(&site, &ada, "wrong").await.assert_error(401, "invalid_credentials");
    let refused = delete_own(&site, &ada, PASSWORD).await;
    refused.assert_error(409, "last_owner");
    let listed: Vec<_> =
        refused.json()["details"].as_array().expect("details").iter().map(|one| one["field"].clone()).collect();
    assert_eq!(listed, ["greet-kit", "@ada"]);
    site.act(Method::PUT, "/api/v1/packages/greet-kit/owners/bob", &ada).await;
    let member = json!({"role": "owner"});
    site.send_json(Method::PUT, "/api/v1/scopes/ada/members/bob", &ada, &member).await;
    assert_eq!(delete_own(&site, &ada, PASSWORD).await.status, 204);

    for credential in [&ada, &token] {
        site.act(Method::GET, "/api/v1/users/me", credential).await.assert_error(401, "unauthorized");
    }
    site.get("/api/v1/users/ada").await.assert_error(404, "user_not_found");
    let again = json!({"username": "ada", "email": "ada@example.com", "password": PASSWORD});
    site.send_json(Method::POST, "/api/v1/users/register", "", &again).await.assert_error(409, "user_exists");
    let other = json!({"username": "ada2", "email": "ada@example.com", "password": PASSWORD});
    assert_eq!(
        site.send_json(Method::POST, "/api/v1/users/register", "", &other).await.status,
        201,
        "the address is free"
    );
    let package = site.get("/api/v1/packages/greet-kit").await.json();
    assert_eq!(package["owners"], json!(["bob"]));
    let version = site.get("/api/v1/packages/@ada/tools/1.0.0").await.json();
    let publisher = version["published_by"].as_str().expect("a name").to_owned();
    assert!(publisher.starts_with("deleted-"), "{publisher}");
    site.get(&format!("/api/v1/users/{publisher}")).await.assert_error(404, "user_not_found");
    let squat = json!({"username": publisher, "email": "eve@example.com", "password": PASSWORD});
    site.send_json(Method::POST, "/api/v1/users/register", "", &squat).await.assert_error(400, "invalid_request");
    assert_eq!(names(&site, &root, "").await, ["ada2", "bob", "root"]);

    let log = site.act(Method::GET, "/api/v1/audit-log?event=package.publish", &root).await.json();
    assert_eq!(log["entries"][0]["actor"], "(deleted user)");
    let log = site.act(Method::GET, "/api/v1/audit-log?event=user.delete", &root).await.json();
    assert!(log["entries"][0]["metadata"]["id"].is_string(), "{log}");
    let _ = bob;
}

#[tokio::test]
async fn an_administrator_deletes_accounts_but_not_the_last_administrator() {
    let (site, root) = administered().await;
    let ada = site.user("ada").await;
    site.act(Method::DELETE, "/api/v1/users/root", &ada).await.assert_error(403, "forbidden");
    assert_eq!(site.act(Method::DELETE, "/api/v1/users/ada", &root).await.status, 204);
    site.act(Method::DELETE, "/api/v1/users/ada", &root).await.assert_error(404, "user_not_found");
    let last = site.act(Method::DELETE, "/api/v1/users/root", &root).await;
    assert!(last.status.is_client_error(), "{last:?}");
    assert_eq!(site.act(Method::GET, "/api/v1/users/me", &root).await.status, 200);
}
