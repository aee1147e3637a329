//! The roles of an account in the whole registry.

use aam_registry_core::types::{AccountRole, AccountRoles};
use http::Method;
use serde_json::json;

use super::site::Site;
use crate::registry::world::{archive_with, name};

/// A site with an administrator and a user in each other role, who all have its name.
async fn staffed() -> Site {
    let site = Site::new();
    site.world.admin("boss").await;
    for role in ["approver", "moderator", "auditor"] {
        site.user(&format!("the-{role}")).await;
        let role = AccountRole::parse(role).expect("a role");
        let username = format!("the-{}", role.as_str()).parse().expect("a name");
        site.world.registry.set_role(&username, role, true).await.expect("granted");
    }
    site
}

#[tokio::test]
async fn an_account_shows_its_roles() {
    let site = staffed().await;
    for (user, is_admin, roles) in [
        ("boss", true, json!(["admin"])),
        ("the-approver", false, json!(["approver"])),
        ("the-moderator", false, json!(["moderator"])),
        ("the-auditor", false, json!(["auditor"])),
    ] {
        let me = site.act(Method::GET, "/api/v1/users/me", &site.login(user).await).await.json();
        assert_eq!((&me["is_admin"], &me["roles"]), (&json!(is_admin), &roles), "{user}");
    }
}

/// What an administrator sets is in force for a session that was there before; the entry says all roles.
#[tokio::test]
async fn an_administrator_sets_the_roles_of_others() {
    let site = staffed().await;
    let ada = site.user("ada").await;
    let (boss, username) = (site.principal(&site.login("boss").await).await, "ada".parse().expect("a name"));
    let log = async || site.act(Method::GET, "/api/v1/audit-log?event=user.role_set&limit=1", &ada).await;
    log().await.assert_error(403, "forbidden");
    let roles = [AccountRole::Auditor, AccountRole::Approver].into_iter().collect();
    let set = site.world.registry.set_roles(&boss, &username, roles).await.expect("set");
    assert_eq!((set.changed, set.user.roles), (true, roles));
    let entries = log().await.json()["entries"].clone();
    assert_eq!(
        (&entries[0]["actor"], &entries[0]["metadata"]),
        (&json!("boss"), &json!({"user": "ada", "roles": ["approver", "auditor"]}),)
    );
    assert!(!site.world.registry.set_roles(&boss, &username, roles).await.expect("the same").changed);
    site.world.registry.set_roles(&boss, &username, AccountRoles::NONE).await.expect("taken away");
    log().await.assert_error(403, "forbidden");

    for user in ["the-approver", "the-moderator", "the-auditor", "ada"] {
        let by = site.principal(&site.login(user).await).await;
        let refused = site.world.registry.set_roles(&by, &username, AccountRoles::all()).await.expect_err("no admin");
        assert_eq!(refused.to_string(), "Only an administrator may change the roles of accounts", "{user}");
    }
    let last = site.world.registry.set_roles(&boss, &"boss".parse().expect("a name"), AccountRoles::NONE).await;
    let last = last.expect_err("the last one");
    assert_eq!((last.code().as_str(), last.code().status()), ("last_owner", 409), "{last}");

    // Of a change of several things all is done, or nothing.
    let boss = site.login("boss").await;
    let change = async |user: &str, change: &serde_json::Value| {
        site.send_json(Method::PATCH, &format!("/api/v1/users/{user}"), &boss, change).await
    };
    let both = json!({"roles": ["admin", "auditor"], "disabled": true});
    change("boss", &both).await.assert_error(409, "last_owner");
    let account = site.act(Method::GET, "/api/v1/users/me", &boss).await.json();
    assert_eq!(account["roles"], json!(["admin"]));
    let changed = change("ada", &json!({"roles": ["moderator"], "disabled": true})).await.json();
    assert_eq!((&changed["roles"], &changed["disabled"]), (&json!(["moderator"]), &json!(true)));
    let enabled = change("ada", &json!({"roles": ["moderator"], "disabled": false})).await.json();
    assert_eq!((&enabled["roles"], &enabled["disabled"]), (&json!(["moderator"]), &json!(false)));
    let log = site.act(Method::GET, "/api/v1/audit-log?limit=3", &boss).await.json();
    let events: Vec<_> = log["entries"].as_array().expect("entries").iter().map(|entry| &entry["event"]).collect();
    assert_eq!(events, ["user.enable", "user.disable", "user.role_set"], "what stays as it is is not recorded");
}

/// An auditor reads what an administrator reads, on record, and changes nothing.
#[tokio::test]
async fn an_auditor_reads_and_changes_nothing() {
    let site = staffed().await;
    let ada = site.user("ada").await;
    let by = site.principal(&ada).await;
    site.world.registry.create_scope(&by, &"team".parse().expect("a scope")).await.expect("a scope");
    site.world.publish(&by, archive_with("@team/kit", "1.0.0", "private: true\n")).await.expect("published");
    let kit = "/api/v1/packages/@team/kit";
    for (user, status) in [("the-auditor", 200), ("boss", 200), ("the-approver", 404), ("the-moderator", 404)] {
        let login = site.login(user).await;
        for path in [kit.to_owned(), format!("{kit}/1.0.0/download")] {
            assert_eq!(site.act(Method::GET, &path, &login).await.status, status, "{user}: {path}");
        }
        let log = site.act(Method::GET, &format!("{kit}/audit-log"), &login).await;
        assert_eq!(log.status, status, "{user}: {log:?}");
        let whole = site.act(Method::GET, "/api/v1/audit-log", &login).await;
        assert_eq!(whole.status, if status == 200 { 200 } else { 403 }, "{user}");
        let hooks = site.act(Method::GET, "/api/v1/scopes/team/webhooks", &login).await;
        assert_eq!(hooks.status, if status == 200 { 200 } else { 403 }, "{user}");
    }
    let auditor = site.login("the-auditor").await;
    let reads = site.act(Method::GET, "/api/v1/audit-log?event=admin.read&actor=the-auditor", &auditor).await.json();
    assert!(reads["total"].as_u64().is_some_and(|total| total > 0), "{reads}");
    let yank = site.act(Method::DELETE, &format!("{kit}/1.0.0"), &auditor).await;
    yank.assert_error(403, "forbidden");
    let hook = json!({"url": "https://hooks.example/aam", "events": ["package.publish"]});
    site.send_json(Method::POST, "/api/v1/scopes/team/webhooks", &auditor, &hook).await.assert_error(403, "forbidden");
    let principal = site.principal(&auditor).await;
    let (package, owner) = (name("@team/kit"), "the-auditor".parse().expect("a name"));
    let refused = site.world.registry.add_owner(&principal, &package, &owner).await.expect_err("changes nothing");
    assert_eq!(refused.code().as_str(), "forbidden");
}

/// A token acts in a role only with the scope of that role.
#[tokio::test]
async fn a_token_acts_in_a_role_with_its_scope_alone() {
    let site = staffed().await;
    for (user, scope) in
        [("boss", "admin"), ("the-auditor", "admin"), ("the-approver", "approve"), ("the-moderator", "moderate")]
    {
        let by = site.principal(&site.login(user).await).await;
        for other in ["read", "publish", "yank", "tag", "approve", "moderate", "admin"] {
            let acting = site.world.token(&by, &[other], &[]).await.acting_roles();
            assert_eq!(!acting.is_empty(), other == scope, "{user} with a token of the scope {other}");
        }
        assert_eq!(by.acting_roles(), by.roles, "a login acts in every role");
    }
}
