//! Accounts and login sessions.

use futures_util::future::join_all;
use jiff::Timestamp;

use super::world::{
    actor, audit_by, disabled_user, new_user, publish, published, refused, scope, scoped_name, session, stranger,
    stranger_name, user,
};
use crate::{
    error::ErrorCode,
    ports::{CommandHandlerExt, Database},
    types::{AccountRoles, Actor, AuditEvent, Credential, PackageName, ScopeMember, ScopeName, ScopeRole, Sight, User},
};

/// Every field of a new user is returned, whichever way it is looked up.
pub async fn a_new_user_is_found_by_id_name_and_email(db: &dyn Database) {
    let (mut user, stamp) = (stranger(), Timestamp::from_microsecond(1_700_000_000_123_456).expect("an instant"));
    user.email = format!("Zoë.{}@Example.COM", user.username);
    user.created_at = stamp;
    db.execute(&new_user(&user)).await.expect("create");

    assert_eq!(db.user(user.id).await.expect("read"), Some(user.clone()));
    for login in [user.username.as_str(), &user.email, &user.email.to_lowercase(), &user.email.to_uppercase()] {
        let found = db.login(login).await.expect("read").unwrap_or_else(|| panic!("nobody is {login:?}"));
        assert_eq!((found.user, found.password_hash), (user.clone(), new_user(&user).password_hash));
    }
    let profile = db.profile(&user.username, &Sight::unrestricted()).await.expect("read").expect("a profile");
    assert_eq!((profile.username, profile.created_at, profile.packages), (user.username.clone(), stamp, vec![]));
    assert!(!format!("{:?}", db.login(user.username.as_str()).await).contains("$test$"), "Debug shows the hash");

    let entries = audit_by(db, &session(&user)).await;
    assert_eq!(entries.iter().map(|one| one.entry.event).collect::<Vec<_>>(), [AuditEvent::UserRegister]);
}

/// Usernames and scopes share one namespace.
pub async fn a_new_user_owns_the_scope_of_its_name(db: &dyn Database) {
    let user = user(db).await;
    let name = ScopeName::from(&user.username);
    let scope = db.scope(&name, &Sight::unrestricted()).await.expect("read").expect("a scope");
    assert_eq!((scope.name, scope.created_at), (name.clone(), user.created_at));
    assert_eq!(scope.members, [ScopeMember { username: user.username.clone(), role: ScopeRole::Owner }]);
    assert_eq!(db.scopes_of(user.id, 100).await.expect("read"), [(name, ScopeRole::Owner)]);
}

/// `UserExists` for a username that is taken.
pub async fn a_username_is_taken_once(db: &dyn Database) {
    let first = user(db).await;
    let second = User { username: first.username.clone(), ..stranger() };
    refused(db.execute(&new_user(&second)).await, ErrorCode::UserExists);
    assert_eq!(db.login(first.username.as_str()).await.expect("read").map(|login| login.user), Some(first));
}

/// `UserExists` for an e-mail address that is taken, however it is spelled.
pub async fn an_email_address_is_taken_once_in_any_case(db: &dyn Database) {
    let first = User { email: format!("ÄNNE.{}@Example.com", stranger_name()), ..stranger() };
    db.execute(&new_user(&first)).await.expect("create");
    for email in [first.email.clone(), first.email.to_lowercase(), first.email.to_uppercase()] {
        let second = User { email, ..stranger() };
        refused(db.execute(&new_user(&second)).await, ErrorCode::UserExists);
    }
}

/// `UserExists` for the name of an existing scope.
pub async fn the_name_of_a_scope_is_no_free_username(db: &dyn Database) {
    let taken = scope(db, &actor(db).await).await;
    let user = User { username: taken.as_str().parse().expect("a username"), ..stranger() };
    refused(db.execute(&new_user(&user)).await, ErrorCode::UserExists);
    assert_eq!(db.user(user.id).await.expect("read"), None);
}

/// Of several concurrent registrations of one name, one succeeds and the others fail with `UserExists`.
pub async fn of_users_made_at_once_one_gets_the_name(db: &dyn Database) {
    let username = stranger_name();
    let users: Vec<_> = (0..6).map(|_| new_user(&User { username: username.clone(), ..stranger() })).collect();
    let results = join_all(users.iter().map(|user| db.execute(user))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::UserExists);
    }
}

/// A failed registration leaves no scope, no e-mail address and no audit entry.
pub async fn a_refused_user_leaves_nothing(db: &dyn Database) {
    let first = user(db).await;
    let second = User { email: first.email.clone(), ..stranger() };
    refused(db.execute(&new_user(&second)).await, ErrorCode::UserExists);
    assert_eq!(db.user(second.id).await.expect("read"), None);
    assert_eq!(db.scope(&ScopeName::from(&second.username), &Sight::unrestricted()).await.expect("read"), None);
    assert!(audit_by(db, &session(&second)).await.is_empty());

    let third = User { email: stranger().email, ..second };
    db.execute(&new_user(&third)).await.expect("the name is still free");
}

/// A name, an address or an id that no user has finds nobody, and neither does an invalid one.
pub async fn an_unknown_login_is_none(db: &dyn Database) {
    let user = user(db).await;
    let junk = ["", "@", "%", "_", "' OR 1=1 --", "a@b@c", "*", "\u{0}"].map(str::to_owned);
    for login in junk.into_iter().chain([stranger_name().to_string(), stranger().email, format!("{} ", user.username)])
    {
        assert!(db.login(&login).await.expect("read").is_none(), "{login:?} is somebody");
    }
    assert_eq!(db.user(stranger().id).await.expect("read"), None);
    assert_eq!(db.profile(&stranger_name(), &Sight::unrestricted()).await.expect("read"), None);
}

/// `has_admin` is true once an administrator was created.
pub async fn an_administrator_is_noticed(db: &dyn Database) {
    let had = db.has_admin().await.expect("read");
    let shut_out = User { roles: AccountRoles::ADMIN, disabled: true, ..stranger() };
    db.execute(&new_user(&shut_out)).await.expect("create");
    assert_eq!(db.has_admin().await.expect("read"), had, "a disabled one administers nothing");
    let admin = User { roles: AccountRoles::ADMIN, ..stranger() };
    db.execute(&new_user(&admin)).await.expect("create");
    assert!(db.has_admin().await.expect("read"));
    assert_eq!(db.user(admin.id).await.expect("read"), Some(admin));
}

/// A session finds its user until it is revoked; other sessions stay valid.
pub async fn a_revoked_session_has_no_user(db: &dyn Database) {
    let (user, other) = (user(db).await, user(db).await);
    assert_eq!(db.session_user(user.id, "first", 0).await.expect("read"), Some(user.clone()));
    let credential = Credential::Session { id: "first".into(), generation: 0, expires_at: super::world::after(3600) };
    let log_out = super::world::log_out(&Actor { credential, ..session(&user) });
    db.execute(&log_out).await.expect("log out");
    refused(db.execute(&log_out).await, ErrorCode::Unauthorized);
    let events = audit_by(db, &log_out.actor).await.into_iter().map(|entry| entry.entry.event);
    let recorded: Vec<_> = events.filter(|event| *event == AuditEvent::UserLogout).collect();
    assert_eq!(recorded.len(), 1, "the logout is on record, and the refusal is not");
    assert_eq!(db.session_user(user.id, "first", 0).await.expect("read"), None);
    assert_eq!(db.session_user(user.id, "second", 0).await.expect("read"), Some(user));
    assert_eq!(db.session_user(other.id, "first", 0).await.expect("read"), Some(other));
}

/// Neither an unknown nor a disabled user has valid sessions.
pub async fn a_session_of_nobody_or_a_disabled_user_has_no_user(db: &dyn Database) {
    assert_eq!(db.session_user(stranger().id, "any", 0).await.expect("read"), None);
    let shut_out = disabled_user(db).await;
    assert_eq!(db.session_user(shut_out.id, "any", 0).await.expect("read"), None);
    assert_eq!(db.user(shut_out.id).await.expect("read"), Some(shut_out), "the account itself remains");
}

/// Only revocations of sessions that have expired may be forgotten.
pub async fn forgetting_sessions_keeps_live_revocations(db: &dyn Database) {
    let user = user(db).await;
    for (id, end) in [("old", super::world::after(60)), ("live", super::world::after(3600))] {
        let credential = Credential::Session { id: id.into(), generation: 0, expires_at: end };
        let by = Actor { credential, ..session(&user) };
        db.execute(&super::world::log_out(&by)).await.expect("log out");
    }
    db.forget_sessions(super::world::after(600)).await.expect("forget");
    assert_eq!(db.session_user(user.id, "live", 0).await.expect("read"), None);
}

/// A profile lists, by name, the packages that its user owns directly or through a scope.
pub async fn a_profile_lists_owned_packages(db: &dyn Database) {
    let (owner, plain) = published(db, &["1.0.0", "1.1.0"]).await;
    let scope = scope(db, &owner).await;
    let scoped = scoped_name(&scope);
    publish(db, &owner, &scoped, &["1.0.0"]).await;
    let (other, _) = published(db, &["1.0.0"]).await;

    let packages =
        async |name| db.profile(name, &Sight::unrestricted()).await.expect("read").expect("a profile").packages;
    let mut expected: Vec<PackageName> = vec![plain.clone(), scoped];
    expected.sort();
    assert_eq!(packages(&owner.username).await, expected);
    assert!(!packages(&other.username).await.contains(&plain));
}
