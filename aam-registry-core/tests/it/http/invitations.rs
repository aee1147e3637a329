//! Registration by invitation.

use aam_registry_core::{
    memory::{InsecureSecrets, MemoryMailer},
    registry::{Policy, RegistrationPolicy},
    types::AccountRole,
};
use http::Method;
use serde_json::{Value, json};

use super::{reply::Reply, site::Site};
use crate::registry::world::{PASSWORD, World};

/// A registry by invitation with the administrator ada; her bearer token.
async fn by_invitation(mailer: Option<MemoryMailer>) -> (Site, String) {
    let policy = Policy::default().with_registration(RegistrationPolicy::Invite);
    let world = World::with(|builder, _, _| {
        let builder = builder.policy(policy).secrets(InsecureSecrets);
        match mailer {
            Some(mailer) => builder.mailer(mailer, "https://registry.example.com"),
            None => builder,
        }
    });
    let site = Site::of(world);
    site.world.registry.create_admin(crate::registry::world::registration("ada")).await.expect("made");
    let token = site.login("ada").await;
    (site, token)
}

async fn invite(site: &Site, token: &str, body: Value) -> Reply {
    site.send_json(Method::POST, "/api/v1/invitations", token, &body).await
}

async fn register(site: &Site, name: &str, invitation: Option<&str>) -> Reply {
    let email = format!("{name}@example.com");
    let body = json!({"username": name, "email": email, "password": PASSWORD, "invitation": invitation});
    site.send_json(Method::POST, "/api/v1/users/register", "", &body).await
}

#[tokio::test]
async fn an_invitation_makes_one_account_with_what_it_says() {
    let (site, ada) = by_invitation(None).await;
    site.send_json(Method::POST, "/api/v1/scopes", &ada, &json!({"name": "team"})).await;
    register(&site, "bob", None).await.assert_error(403, "registration_closed");
    register(&site, "bob", Some("nonsense")).await.assert_error(400, "invitation_invalid");

    let wanted = json!({"email": "BOB@example.com", "roles": ["admin"], "scopes": {"team": "member"}});
    let made = invite(&site, &ada, wanted).await;
    assert_eq!((made.status.as_u16(), &made.json()["mailed"]), (201, &json!(false)));
    let url = made.json()["url"].as_str().expect("a link").to_owned();
    let token = made.json()["token"].as_str().expect("a token").to_owned();
    assert!(url.ends_with(&format!("/register#{token}")), "{url}");
    let list = site.act(Method::GET, "/api/v1/invitations", &ada).await;
    assert!(!list.text().contains(&token));
    assert_eq!(list.json()["invitations"][0]["scopes"], json!({"team": "member"}));

    register(&site, "eve", Some(&token)).await.assert_error(400, "invitation_invalid");
    let registered = register(&site, "bob", Some(&url)).await;
    assert_eq!(registered.status, 201, "{registered:?}");
    let bob = site.login("bob").await;
    let account = site.act(Method::GET, "/api/v1/users/me", &bob).await.json();
    assert_eq!((&account["is_admin"], account["scopes"].as_array().map(Vec::len)), (&json!(true), Some(2)));
    let joined = site.act(Method::GET, "/api/v1/audit-log?event=scope.member_set", &ada).await.json();
    let joined = &joined["entries"][0];
    let facts = &joined["metadata"];
    assert_eq!(
        (&joined["actor"], &facts["scope"], &facts["member"], &facts["role"]),
        (&json!("bob"), &json!("team"), &json!("bob"), &json!("member")),
        "who subscribes to the members of the scope is told",
    );
    register(&site, "bob2", Some(&token)).await.assert_error(400, "invitation_invalid");
    let list = site.act(Method::GET, "/api/v1/invitations", &ada).await;
    assert_eq!(list.json()["invitations"], json!([]));
}

#[tokio::test]
async fn of_registrations_with_one_invitation_at_once_one_counts() {
    let (site, ada) = by_invitation(None).await;
    let token = invite(&site, &ada, json!({})).await.json()["token"].as_str().expect("a token").to_owned();
    let names = ["bob", "cyd", "dan"];
    let registered = futures_util::future::join_all(names.map(|name| register(&site, name, Some(&token)))).await;
    assert_eq!(registered.iter().filter(|reply| reply.status == 201).count(), 1);
}

#[tokio::test]
async fn an_invitation_is_made_and_revoked_by_administrators() {
    let (site, ada) = by_invitation(None).await;
    let made = invite(&site, &ada, json!({})).await.json();
    let (id, token) = (made["id"].as_str().expect("an id"), made["token"].as_str().expect("a token"));
    let path = format!("/api/v1/invitations/{id}");
    for bad in [
        json!({"email": "nobody"}),
        json!({"roles": ["king"]}),
        json!({"scopes": {"Not a scope": "owner"}}),
        json!({"scopes": {"ada": "king"}}),
    ] {
        invite(&site, &ada, bad).await.assert_error(400, "invalid_request");
    }
    invite(&site, &ada, json!({"scopes": {"nowhere": "member"}})).await.assert_error(404, "scope_not_found");
    register(&site, "bob", Some(token)).await;
    let bob = site.login("bob").await;
    invite(&site, &bob, json!({})).await.assert_error(403, "forbidden");
    site.act(Method::GET, "/api/v1/invitations", &bob).await.assert_error(403, "forbidden");
    site.act(Method::DELETE, &path, &bob).await.assert_error(403, "forbidden");
    site.act(Method::DELETE, &path, &ada).await.assert_error(404, "not_found");

    let made = invite(&site, &ada, json!({})).await.json();
    let (id, token) = (made["id"].as_str().expect("an id"), made["token"].as_str().expect("a token"));
    let path = format!("/api/v1/invitations/{id}");
    assert_eq!(site.act(Method::DELETE, &path, &ada).await.status, 204);
    register(&site, "cyd", Some(token)).await.assert_error(400, "invitation_invalid");
    let log = site.act(Method::GET, "/api/v1/audit-log?event=user.invite", &ada).await.json();
    assert_eq!(log["total"], 3, "{log}");
}

#[tokio::test]
async fn an_invitation_with_an_address_is_mailed() {
    let mailer = MemoryMailer::new();
    let (site, ada) = by_invitation(Some(mailer.clone())).await;
    let made = invite(&site, &ada, json!({"email": "bob@example.com"})).await.json();
    assert_eq!(made["mailed"], true);
    let token = made["token"].as_str().expect("a token");
    let mails = || -> Vec<_> { mailer.sent().into_iter().filter(|mail| mail.id.ends_with(".invitation")).collect() };
    let sent = async {
        while mails().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    site.world.registry.run_background(sent).await;
    let [mail] = mails().try_into().expect("one mail");
    assert_eq!(mail.to, "bob@example.com");
    assert!(mail.text.contains(&format!("https://registry.example.com/register#{token}")), "{}", mail.text);
}

#[tokio::test]
async fn an_invitation_counts_where_everybody_may_register() {
    let site = Site::new();
    site.world.registry.create_admin(crate::registry::world::registration("ada")).await.expect("made");
    let ada = site.login("ada").await;
    let made = invite(&site, &ada, json!({"roles": ["admin"]})).await.json();
    assert_eq!(register(&site, "bob", made["token"].as_str()).await.status, 201);
    let bob = site.world.registry.find_user(&"bob".parse().expect("a name")).await.expect("read").expect("bob");
    assert_eq!((bob.is_admin(), AccountRole::Admin.as_str()), (true, "admin"));
}
