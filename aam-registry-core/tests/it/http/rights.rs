//! What each token may do, for every route that needs a credential.

use std::collections::BTreeSet;

use aam_registry_core::{
    decide::{Action, Restricted, Rights},
    registry::Policy,
    types::{AccountRole, AccountRoles, Issuer, ScopeRole},
};
use http::Method;
use serde_json::{Value, json};

use super::{
    reply::Reply,
    site::{Site, document},
};
use crate::registry::world::{World, archive};

/// Every route that needs a credential, and the action of the gate's table that it is.
const TABLE: &[(&str, Action)] = &[
    ("logout", Action::LogOut),
    ("getAccount", Action::ReadAccount),
    ("changeAccount", Action::ChangeAccount),
    ("requestEmailVerification", Action::VerifyEmail),
    ("enrollTotp", Action::ChangeSecondFactor),
    ("confirmTotp", Action::ChangeSecondFactor),
    ("disableTotp", Action::ChangeSecondFactor),
    ("makeResetLink", Action::ResetPassword),
    ("listUsers", Action::ListAccounts),
    ("listTokensOfUser", Action::ListAccounts),
    ("changeUser", Action::DisableAccount),
    ("deleteUser", Action::DeleteAccount),
    ("deleteAccount", Action::DeleteOwnAccount),
    ("setReadOnly", Action::SetReadOnly),
    ("createInvitation", Action::Invite),
    ("listInvitations", Action::Invite),
    ("revokeInvitation", Action::Invite),
    ("publishPackage", Action::Publish),
    ("yankVersion", Action::Yank),
    ("unyankVersion", Action::Yank),
    ("deprecateVersion", Action::Yank),
    ("undeprecateVersion", Action::Yank),
    ("approveVersion", Action::Approve),
    ("listApprovals", Action::ListWaiting),
    ("quarantineVersion", Action::Quarantine),
    ("releaseVersion", Action::Quarantine),
    ("removeVersion", Action::Quarantine),
    ("setTag", Action::Tag),
    ("removeTag", Action::Tag),
    ("addTrustedPublisher", Action::AddPublisher),
    ("listTrustedPublishers", Action::ReadPublishers),
    ("changeTrustedPublishers", Action::ManagePublishers),
    ("removeTrustedPublisher", Action::ManagePublishers),
    ("addOwner", Action::ChangeOwners),
    ("removeOwner", Action::ChangeOwners),
    ("setVisibility", Action::ChangeVisibility),
    ("getPackageAuditLog", Action::ReadPackageLog),
    ("getAuditLog", Action::ReadLog),
    ("listSessions", Action::ListSessions),
    ("endSession", Action::EndSession),
    ("endOtherSessions", Action::EndSession),
    ("createToken", Action::CreateToken),
    ("listTokens", Action::ListTokens),
    ("revokeToken", Action::RevokeToken),
    ("createScope", Action::CreateScope),
    ("changeScope", Action::SetScopePolicy),
    ("setMember", Action::ChangeMembers),
    ("removeMember", Action::ChangeMembers),
    ("recordEval", Action::RecordEval),
    ("setGates", Action::SetGates),
    ("reportPackage", Action::Report),
    ("listReports", Action::ReadReports),
    ("closeReport", Action::CloseReport),
    ("createWebhook", Action::ManageWebhooks),
    ("listWebhooks", Action::ReadWebhooks),
    ("getWebhook", Action::ReadWebhooks),
    ("changeWebhook", Action::ManageWebhooks),
    ("deleteWebhook", Action::ManageWebhooks),
    ("pingWebhook", Action::ManageWebhooks),
    ("listDeliveries", Action::ReadWebhooks),
    ("redeliver", Action::ManageWebhooks),
];

/// The actions that are ways of another route.
const OF_OTHER_ROUTES: [Action; 8] = [
    Action::LeaveScope,
    Action::ReserveForPublisher,
    Action::RevokeUsedToken,
    Action::SeePrivate,
    Action::SeeUnapproved,
    Action::SeeQuarantined,
    Action::FetchQuarantined,
    Action::SetRoles,
];

/// The id of nothing.
const NO_ID: &str = "0190d9f0-0000-7000-8000-000000000000";

const SCOPES: [&str; 7] = ["read", "publish", "yank", "tag", "approve", "moderate", "admin"];

/// The operations of the document that need a credential.
fn guarded() -> BTreeSet<String> {
    let paths = document()["paths"].as_object().expect("paths");
    let operations = paths.values().flat_map(|path| path.as_object().expect("operations").values());
    operations
        .filter(|operation| operation["security"] == json!([{"bearer": []}]))
        .map(|operation| operation["operationId"].as_str().expect("an id").to_owned())
        .collect()
}

/// A request about a package, and a scope that ada owns, which changes nothing where it is let through.
async fn ask(site: &Site, operation: &str, (name, scope): (&str, &str), token: &str) -> Reply {
    let kit = format!("/api/v1/packages/{name}");
    let act = async |method, path: &str| site.act(method, path, token).await;
    let send = async |method, path: &str, body: Value| site.send_json(method, path, token, &body).await;
    match operation {
        "logout" => act(Method::POST, "/api/v1/users/logout").await,
        "getAccount" => act(Method::GET, "/api/v1/users/me").await,
        "changeAccount" => {
            send(Method::PATCH, "/api/v1/users/me", json!({"email": "x@example.com", "current_password": "wrong"}))
                .await
        }
        "setReadOnly" => send(Method::PUT, "/api/v1/read-only", json!({"read_only": false})).await,
        "listUsers" => act(Method::GET, "/api/v1/users").await,
        "listTokensOfUser" => act(Method::GET, "/api/v1/users/nobody/tokens").await,
        "changeUser" => send(Method::PATCH, "/api/v1/users/nobody", json!({"disabled": true})).await,
        "deleteUser" => act(Method::DELETE, "/api/v1/users/nobody").await,
        "deleteAccount" => send(Method::DELETE, "/api/v1/users/me", json!({"current_password": "wrong"})).await,
        "createInvitation" => send(Method::POST, "/api/v1/invitations", json!({})).await,
        "listInvitations" => act(Method::GET, "/api/v1/invitations").await,
        "revokeInvitation" => act(Method::DELETE, "/api/v1/invitations/0198c0de-0000-7000-8000-000000000000").await,
        "makeResetLink" => act(Method::POST, "/api/v1/users/nobody/password-reset").await,
        "requestEmailVerification" => act(Method::POST, "/api/v1/users/me/verify-email").await,
        "enrollTotp" => act(Method::POST, "/api/v1/users/me/totp").await,
        "confirmTotp" => send(Method::POST, "/api/v1/users/me/totp/confirm", json!({"otp": "none"})).await,
        "disableTotp" => send(Method::POST, "/api/v1/users/me/totp/disable", json!({"otp": "none"})).await,
        "publishPackage" => site.publish_form(token, &[("archive", &archive(name, "1.0.0"))]).await,
        "yankVersion" => act(Method::DELETE, &format!("{kit}/9.9.9")).await,
        "unyankVersion" => act(Method::POST, &format!("{kit}/9.9.9/unyank")).await,
        "deprecateVersion" => send(Method::PUT, &format!("{kit}/9.9.9/deprecation"), json!({"message": "no"})).await,
        "undeprecateVersion" => act(Method::DELETE, &format!("{kit}/9.9.9/deprecation")).await,
        "approveVersion" => send(Method::POST, &format!("{kit}/9.9.9/approve"), json!({})).await,
        "listApprovals" => act(Method::GET, "/api/v1/approvals").await,
        "quarantineVersion" => {
            send(Method::PUT, &format!("{kit}/9.9.9/quarantine"), json!({"category": "other", "reason": "no"})).await
        }
        "releaseVersion" => act(Method::DELETE, &format!("{kit}/9.9.9/quarantine")).await,
        "removeVersion" => act(Method::POST, &format!("{kit}/9.9.9/quarantine/final")).await,
        "setTag" => send(Method::PUT, &format!("{kit}/tags/beta"), json!({"version": "9.9.9"})).await,
        "removeTag" => act(Method::DELETE, &format!("{kit}/tags/beta")).await,
        "addTrustedPublisher" => {
            let claims =
                json!({"repository": "acme/kit", "job_workflow_ref": "acme/kit/.github/workflows/publish.yml"});
            let body = json!({"issuer": Issuer::GITHUB, "claims": claims});
            send(Method::POST, &format!("{kit}/trusted-publishers"), body).await
        }
        "listTrustedPublishers" => act(Method::GET, &format!("{kit}/trusted-publishers")).await,
        "changeTrustedPublishers" => {
            send(Method::PATCH, &format!("{kit}/trusted-publishers"), json!({"trusted_publishing_only": false})).await
        }
        "removeTrustedPublisher" => act(Method::DELETE, &format!("{kit}/trusted-publishers/{NO_ID}")).await,
        "addOwner" => act(Method::PUT, &format!("{kit}/owners/ada")).await,
        "removeOwner" => act(Method::DELETE, &format!("{kit}/owners/nobody")).await,
        "setVisibility" => send(Method::PUT, &format!("{kit}/visibility"), json!({"visibility": "public"})).await,
        "getPackageAuditLog" => act(Method::GET, &format!("{kit}/audit-log")).await,
        "getAuditLog" => act(Method::GET, "/api/v1/audit-log").await,
        "listSessions" => act(Method::GET, "/api/v1/users/me/sessions").await,
        "endSession" => act(Method::DELETE, "/api/v1/users/me/sessions/none").await,
        "endOtherSessions" => act(Method::DELETE, "/api/v1/users/me/sessions").await,
        "createToken" => send(Method::POST, "/api/v1/users/tokens", json!({"name": "x", "scopes": ["read"]})).await,
        "listTokens" => act(Method::GET, "/api/v1/users/tokens").await,
        "revokeToken" => act(Method::DELETE, &format!("/api/v1/users/tokens/{NO_ID}")).await,
        "createScope" => send(Method::POST, "/api/v1/scopes", json!({"name": "ada"})).await,
        "changeScope" => send(Method::PATCH, &format!("/api/v1/scopes/{scope}"), json!({"require_2fa": false})).await,
        "setMember" => {
            send(Method::PUT, &format!("/api/v1/scopes/{scope}/members/ada"), json!({"role": "owner"})).await
        }
        "removeMember" => act(Method::DELETE, &format!("/api/v1/scopes/{scope}/members/nobody")).await,
        "recordEval" => {
            let body = json!({"eval_name": "quality", "status": "passed", "run_at": "2026-11-24T00:00:00Z"});
            send(Method::POST, &format!("{kit}/9.9.9/eval-results"), body).await
        }
        "setGates" => send(Method::PUT, &format!("{kit}/gates"), json!({"gates": {}})).await,
        "reportPackage" => {
            send(Method::POST, &format!("{kit}/report"), json!({"category": "other", "text": "odd"})).await
        }
        "listReports" => act(Method::GET, "/api/v1/reports").await,
        "closeReport" => send(Method::PATCH, &format!("/api/v1/reports/{NO_ID}"), json!({"state": "closed"})).await,
        "createWebhook" => {
            let body = json!({"url": "https://hooks.example/aam", "events": ["package.publish"]});
            send(Method::POST, &format!("/api/v1/scopes/{scope}/webhooks"), body).await
        }
        "listWebhooks" => act(Method::GET, &format!("/api/v1/scopes/{scope}/webhooks")).await,
        "getWebhook" => act(Method::GET, &format!("/api/v1/scopes/{scope}/webhooks/{NO_ID}")).await,
        "changeWebhook" => {
            send(Method::PATCH, &format!("/api/v1/scopes/{scope}/webhooks/{NO_ID}"), json!({"enabled": true})).await
        }
        "deleteWebhook" => act(Method::DELETE, &format!("/api/v1/scopes/{scope}/webhooks/{NO_ID}")).await,
        "pingWebhook" => act(Method::POST, &format!("/api/v1/scopes/{scope}/webhooks/{NO_ID}/ping")).await,
        "listDeliveries" => act(Method::GET, &format!("/api/v1/scopes/{scope}/webhooks/{NO_ID}/deliveries")).await,
        "redeliver" => {
            act(Method::POST, &format!("/api/v1/scopes/{scope}/webhooks/deliveries/{NO_ID}/redeliver")).await
        }
        other => panic!("no request is known for {other}"),
    }
}

/// A package of ada's without a scope, and the scope of her name.
const GREET_KIT: (&str, &str) = ("greet-kit", "ada");

/// The user has every role and owns the package, so that only the token can be what is wanting.
#[tokio::test]
async fn a_token_does_no_more_than_its_scopes_and_packages() {
    let rows: BTreeSet<_> = TABLE.iter().map(|(operation, _)| (*operation).to_owned()).collect();
    assert_eq!(rows, guarded(), "each route that needs a credential has a row");
    let asked = |action: &Action| OF_OTHER_ROUTES.contains(action) || TABLE.iter().any(|(_, of)| of == action);
    assert!(Action::ALL.iter().all(asked), "each action is one of a route");

    let site = Site::of(World::with_policy(Policy::default().with_tokens_per_user(None)));
    let by = site.world.admin("ada").await;
    site.world.published(&by, "greet-kit", "1.0.0").await;
    for role in AccountRole::ALL {
        site.world.registry.set_role(&by.username, role, true).await.expect("granted");
    }
    for (operation, action) in TABLE {
        let rule = action.rule();
        let by_login = ask(&site, operation, GREET_KIT, &site.login("ada").await).await;
        assert_ne!(by_login.status, 403, "{operation} by a login");
        for scope in SCOPES {
            for packages in [json!([]), json!(["greet-kit"]), json!(["@team/*"])] {
                let session = site.login("ada").await;
                let request = json!({"name": "table", "scopes": [scope], "packages": packages});
                let made = site.send_json(Method::POST, "/api/v1/users/tokens", &session, &request).await.json();
                let token = made["token"].as_str().expect("a secret");
                let has_scope = rule.tokens.is_empty() || rule.tokens.iter().any(|of| of.as_str() == scope);
                let covers = match rule.restricted {
                    Restricted::Ignored => true,
                    Restricted::Covered => packages != json!(["@team/*"]),
                    Restricted::Refused => packages == json!([]),
                };
                let reply = ask(&site, operation, GREET_KIT, token).await;
                let refused = reply.status == 403;
                assert_eq!(
                    refused,
                    !(has_scope && covers),
                    "{operation} with the scope {scope} and {packages}: {} {}",
                    reply.status,
                    reply.text(),
                );
            }
        }
    }
}

/// Every kind of user with a login, so that only the role can be what is wanting.
#[tokio::test]
async fn a_user_does_no_more_than_the_roles_allow() {
    let site = Site::new();
    let ada = site.user("ada").await;
    let by = site.principal(&ada).await;
    let team = "team".parse().expect("a scope");
    site.world.registry.create_scope(&by, &team).await.expect("a scope");
    site.world.published(&by, "@team/kit", "1.0.0").await;
    let mut users = vec![("ada".to_owned(), Rights { scope_role: Some(ScopeRole::Owner), ..Rights::default() })];
    for role in ScopeRole::ALL {
        let name = format!("a-{}", role.as_str());
        site.user(&name).await;
        site.world.registry.set_member(&by, &team, &name.parse().expect("a name"), role).await.expect("a member");
        users.push((name, Rights { scope_role: Some(role), ..Rights::default() }));
    }
    site.user("collaborator").await;
    let (kit, collaborator) = ("@team/kit".parse().expect("a name"), "collaborator".parse().expect("a name"));
    site.world.registry.add_owner(&by, &kit, &collaborator).await.expect("an owner");
    users.push(("collaborator".to_owned(), Rights { package_owner: true, ..Rights::default() }));
    site.world.admin("root-of-all").await;
    users.push(("root-of-all".to_owned(), Rights::of_account(AccountRoles::ADMIN)));
    for role in AccountRole::ALL.into_iter().filter(|role| *role != AccountRole::Admin) {
        let name = format!("the-{}", role.as_str());
        site.user(&name).await;
        site.world.registry.set_role(&name.parse().expect("a name"), role, true).await.expect("granted");
        users.push((name, Rights::of_account(role.into())));
    }
    site.user("stranger").await;
    users.push(("stranger".to_owned(), Rights::default()));

    for (user, rights) in users {
        for (operation, action) in TABLE {
            let reply = ask(&site, operation, ("@team/kit", "team"), &site.login(&user).await).await;
            let (refused, text) = (reply.status == 403, reply.text());
            assert_eq!(refused, !rights.permit(*action), "{operation} by {user}: {} {text}", reply.status);
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
