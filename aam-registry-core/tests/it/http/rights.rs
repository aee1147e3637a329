//! What each token may do, for every route that needs a credential.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::{
    reply::Reply,
    site::{Site, document},
};
use crate::registry::world::archive;

/// What a token's restriction to packages does to a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Restriction {
    /// The route is about the token itself, or about what anybody with a credential may know.
    Ignored,
    /// The package of the request must be covered.
    Covers,
    /// No restricted token may.
    Refused,
}

/// A route and what a token needs for it.
struct Row {
    operation: &'static str,
    /// The scopes any of which is enough; none where every token may.
    scopes: &'static [&'static str],
    restriction: Restriction,
}

const fn row(operation: &'static str, scopes: &'static [&'static str], restriction: Restriction) -> Row {
    Row { operation, scopes, restriction }
}

const TABLE: &[Row] = &[
    row("logout", &[], Restriction::Ignored),
    row("getAccount", &[], Restriction::Ignored),
    row("changeAccount", &["admin"], Restriction::Refused),
    row("publishPackage", &["publish"], Restriction::Covers),
    row("yankVersion", &["yank"], Restriction::Covers),
    row("unyankVersion", &["yank"], Restriction::Covers),
    row("deprecateVersion", &["yank"], Restriction::Covers),
    row("undeprecateVersion", &["yank"], Restriction::Covers),
    row("setTag", &["tag", "publish"], Restriction::Covers),
    row("removeTag", &["tag", "publish"], Restriction::Covers),
    row("addOwner", &["admin"], Restriction::Covers),
    row("removeOwner", &["admin"], Restriction::Covers),
    row("getPackageAuditLog", &["admin"], Restriction::Covers),
    row("getAuditLog", &["admin"], Restriction::Refused),
    row("createToken", &["admin"], Restriction::Refused),
    row("listTokens", &["admin"], Restriction::Refused),
    row("revokeToken", &["admin"], Restriction::Refused),
    row("createScope", &["admin"], Restriction::Refused),
    row("setMember", &["admin"], Restriction::Refused),
    row("removeMember", &["admin"], Restriction::Refused),
];

const SCOPES: [&str; 5] = ["read", "publish", "yank", "tag", "admin"];

/// The operations of the document that need a credential.
fn guarded() -> BTreeSet<String> {
    let paths = document()["paths"].as_object().expect("paths");
    let operations = paths.values().flat_map(|path| path.as_object().expect("operations").values());
    operations
        .filter(|operation| operation["security"] == json!([{"bearer": []}]))
        .map(|operation| operation["operationId"].as_str().expect("an id").to_owned())
        .collect()
}

/// A request that changes nothing where it is let through.
async fn ask(site: &Site, operation: &str, token: &str) -> Reply {
    const KIT: &str = "/api/v1/packages/greet-kit";
    let act = async |method, path: &str| site.act(method, path, token).await;
    let send = async |method, path: &str, body: Value| site.send_json(method, path, token, &body).await;
    match operation {
        "logout" => act(Method::POST, "/api/v1/users/logout").await,
        "getAccount" => act(Method::GET, "/api/v1/users/me").await,
        "changeAccount" => {
            send(Method::PATCH, "/api/v1/users/me", json!({"email": "x@example.com", "current_password": "wrong"}))
                .await
        }
        "publishPackage" => site.publish_form(token, &[("archive", &archive("greet-kit", "1.0.0"))]).await,
        "yankVersion" => act(Method::DELETE, &format!("{KIT}/9.9.9")).await,
        "unyankVersion" => act(Method::POST, &format!("{KIT}/9.9.9/unyank")).await,
        "deprecateVersion" => send(Method::PUT, &format!("{KIT}/9.9.9/deprecation"), json!({"message": "no"})).await,
        "undeprecateVersion" => act(Method::DELETE, &format!("{KIT}/9.9.9/deprecation")).await,
        "setTag" => send(Method::PUT, &format!("{KIT}/tags/beta"), json!({"version": "9.9.9"})).await,
        "removeTag" => act(Method::DELETE, &format!("{KIT}/tags/beta")).await,
        "addOwner" => act(Method::PUT, &format!("{KIT}/owners/ada")).await,
        "removeOwner" => act(Method::DELETE, &format!("{KIT}/owners/nobody")).await,
        "getPackageAuditLog" => act(Method::GET, &format!("{KIT}/audit-log")).await,
        "getAuditLog" => act(Method::GET, "/api/v1/audit-log").await,
        "createToken" => send(Method::POST, "/api/v1/users/tokens", json!({"name": "x", "scopes": ["read"]})).await,
        "listTokens" => act(Method::GET, "/api/v1/users/tokens").await,
        "revokeToken" => act(Method::DELETE, "/api/v1/users/tokens/0190d9f0-0000-7000-8000-000000000000").await,
        "createScope" => send(Method::POST, "/api/v1/scopes", json!({"name": "ada"})).await,
        "setMember" => send(Method::PUT, "/api/v1/scopes/ada/members/ada", json!({"role": "owner"})).await,
        "removeMember" => act(Method::DELETE, "/api/v1/scopes/ada/members/nobody").await,
        other => panic!("no request is known for {other}"),
    }
}

/// The user is an administrator and owns the package, so that only the token can be what is wanting.
#[tokio::test]
async fn a_token_does_no_more_than_its_scopes_and_packages() {
    let rows: BTreeSet<_> = TABLE.iter().map(|row| row.operation.to_owned()).collect();
    assert_eq!(rows, guarded(), "each route that needs a credential has a row");

    let site = Site::new();
    let by = site.world.admin("ada").await;
    site.world.published(&by, "greet-kit", "1.0.0").await;
    let session = site.login("ada").await;
    for row in TABLE {
        assert_ne!(
            ask(&site, row.operation, &site.login("ada").await).await.status,
            403,
            "{} by a login",
            row.operation
        );
        for scope in SCOPES {
            for packages in [json!([]), json!(["greet-kit"]), json!(["@team/*"])] {
                let request = json!({"name": "table", "scopes": [scope], "packages": packages});
                let made = site.send_json(Method::POST, "/api/v1/users/tokens", &session, &request).await.json();
                let token = made["token"].as_str().expect("a secret");
                let has_scope = row.scopes.is_empty() || row.scopes.contains(&scope);
                let covers = match row.restriction {
                    Restriction::Ignored => true,
                    Restriction::Covers => packages != json!(["@team/*"]),
                    Restriction::Refused => packages == json!([]),
                };
                let reply = ask(&site, row.operation, token).await;
                let refused = reply.status == 403;
                assert_eq!(
                    refused,
                    !(has_scope && covers),
                    "{} with the scope {scope} and {packages}: {} {}",
                    row.operation,
                    reply.status,
                    reply.text(),
                );
            }
        }
    }
}

/// The answers to whoever lacks the right are the same for what is there and for what is not.
#[tokio::test]
async fn a_stranger_cannot_tell_what_is_there() {
    let (site, _) = Site::published().await;
    let eve = site.user("eve").await;
    let kit = "/api/v1/packages/greet-kit";
    let told = async |version: &str, tag: &str, person: &str| {
        let version_body = json!({"version": version});
        let replies = [
            site.act(Method::DELETE, &format!("{kit}/{version}"), &eve).await,
            site.act(Method::POST, &format!("{kit}/{version}/unyank"), &eve).await,
            site.send_json(Method::PUT, &format!("{kit}/{version}/deprecation"), &eve, &json!({"message": "x"})).await,
            site.act(Method::DELETE, &format!("{kit}/{version}/deprecation"), &eve).await,
            site.send_json(Method::PUT, &format!("{kit}/tags/{tag}"), &eve, &version_body).await,
            site.act(Method::DELETE, &format!("{kit}/tags/{tag}"), &eve).await,
            site.act(Method::PUT, &format!("{kit}/owners/{person}"), &eve).await,
            site.act(Method::DELETE, &format!("{kit}/owners/{person}"), &eve).await,
        ];
        let answer = |reply: &Reply| (reply.status.as_u16(), reply.json()["message"].clone());
        replies.iter().map(answer).collect::<Vec<_>>()
    };
    let there = told("1.0.0", "latest", "ada").await;
    assert!(there.iter().all(|(status, _)| *status == 403), "{there:?}");
    assert_eq!(told("9.9.9", "nothing", "nobody").await, there);
}
