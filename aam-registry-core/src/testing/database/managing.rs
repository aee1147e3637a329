//! Changing, disabling and enabling accounts, and revoking the tokens of others.

use futures_util::future::join_all;

use super::world::{
    actor, admin, after, audit_by, disabled_user, entry, new_scope, new_token, new_user, now, refused, scope_name,
    stranger, stranger_name, user, with_roles, word,
};
use crate::{
    decide::{AccountActor, AccountChange, AccountUpdate, ChangedAccount, RevokedTokens, TokenRevocation},
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database},
    types::{
        AccountFilter, AccountRole, AccountRoles, Actor, AuditEntry, AuditEvent, AuditFilter, Credential,
        NewAuditEntry, PageRequest, Sha256Digest, Token, TokenId, TokenScope, TokenSecret, User, Username,
    },
};

/// A change by the operator; `operator` is a random word that identifies the audit entries of this
/// test.
fn operators(operator: &str, username: &Username, event: AuditEvent, update: AccountUpdate) -> AccountChange {
    let audit = NewAuditEntry::new(event, now()).with_actor(operator).with("user", username.as_str());
    let by = AccountActor::Operator;
    AccountChange { by, username: username.clone(), update, now: audit.timestamp, audit: vec![audit] }
}

async fn disable(db: &dyn Database, username: &Username, disabled: bool) -> Result<ChangedAccount> {
    let event = if disabled { AuditEvent::UserDisable } else { AuditEvent::UserEnable };
    db.execute(&operators("operator", username, event, AccountUpdate::Disabled(disabled))).await
}

async fn set_admin(db: &dyn Database, username: &Username, admin: bool) -> Result<ChangedAccount> {
    let (some, none) = (AccountRoles::ADMIN, AccountRoles::NONE);
    let (granted, revoked) = if admin { (some, none) } else { (none, some) };
    set_roles(db, username, granted, revoked).await
}

async fn set_roles(
    db: &dyn Database,
    username: &Username,
    granted: AccountRoles,
    revoked: AccountRoles,
) -> Result<ChangedAccount> {
    let update = AccountUpdate::Roles { granted, revoked };
    db.execute(&operators("operator", username, AuditEvent::UserRoleSet, update)).await
}

/// A change by the user, who knows the password behind `known_hash`.
fn own(by: &Actor, known_hash: &str, email: Option<&str>, hash: Option<&str>) -> AccountChange {
    let update = AccountUpdate::Credentials {
        known_hash: known_hash.to_owned(),
        email: email.map(str::to_owned),
        password_hash: hash.map(str::to_owned),
        address_before: None,
    };
    let events = [AuditEvent::UserEmailChange, AuditEvent::UserPasswordChange];
    let wanted = events.into_iter().zip([email.is_some(), hash.is_some()]).filter(|(_, wanted)| *wanted);
    let audit = wanted.map(|(event, _)| entry(event, by)).collect();
    let (username, by) = (by.username.clone(), AccountActor::Itself(by.clone()));
    AccountChange { by, username, update, now: now(), audit }
}

async fn token(db: &dyn Database, actor: &Actor) -> (Token, Sha256Digest) {
    let token = Token {
        id: TokenId::generate(),
        user: actor.user,
        name: "ci".into(),
        scopes: [TokenScope::Publish].into_iter().collect(),
        packages: Vec::new(),
        created_at: now(),
        expires_at: Some(after(600)),
        last_used_at: None,
        last_used_from: None,
    };
    let secret = TokenSecret::generate().digest();
    db.execute(&new_token(actor, &token, secret, &entry(AuditEvent::TokenCreate, actor)))
        .await
        .expect("create a token");
    (token, secret)
}

async fn revoke(db: &dyn Database, operator: &str, tokens: RevokedTokens) -> Result<u64> {
    let audit = NewAuditEntry::new(AuditEvent::TokenRevoke, now()).with_actor(operator);
    db.execute(&TokenRevocation { tokens, now: audit.timestamp, audit }).await
}

async fn recorded_by(db: &dyn Database, operator: &str) -> Vec<AuditEntry> {
    let page = PageRequest { page: 1, limit: 200 };
    let filter =
        AuditFilter { package: None, event: None, actor: Some(operator.to_owned()), from: None, to: None, page };
    db.entries(&filter).await.expect("read the log").items
}

async fn account(db: &dyn Database, username: &Username) -> User {
    db.login(username.as_str()).await.expect("read").expect("a user").user
}

async fn generation(db: &dyn Database, username: &Username) -> u64 {
    db.login(username.as_str()).await.expect("read").expect("a user").session_generation
}

/// A disabled user has no session, no token and no right. After enabling, the tokens work and the old
/// sessions do not. Each change is in the audit log once.
pub async fn a_disabled_user_is_shut_out_until_enabled(db: &dyn Database) {
    let (user, operator) = (actor(db).await, word());
    let name = &user.username;
    let (token, secret) = token(db, &user).await;
    let with_token = Actor { credential: Credential::Token(token.id), ..user.clone() };
    let change = |event, update| operators(&operator, name, event, update);
    let act = async |actor: &Actor| {
        db.execute(&new_scope(actor, &scope_name(), now(), &entry(AuditEvent::ScopeCreate, actor))).await
    };
    let disabled = change(AuditEvent::UserDisable, AccountUpdate::Disabled(true));
    let first = db.execute(&disabled).await.expect("disable");
    assert!(first.changed && first.user.disabled);
    let again = db.execute(&disabled).await.expect("it is so already");
    assert!(!again.changed && again.user.disabled);
    assert!(db.login(name.as_str()).await.expect("read").expect("the account stays").user.disabled);
    assert_eq!(db.session_user(user.user, "any", 0).await.expect("read"), None);
    assert_eq!(db.token_holder(&secret, now()).await.expect("read"), None);
    for actor in [&user, &with_token] {
        refused(act(actor).await, ErrorCode::Unauthorized);
    }

    let enabled = change(AuditEvent::UserEnable, AccountUpdate::Disabled(false));
    assert!(db.execute(&enabled).await.expect("enable").changed);
    assert!(!db.execute(&enabled).await.expect("it is so already").changed);
    assert!(db.token_holder(&secret, now()).await.expect("read").is_some(), "tokens work again");
    act(&with_token).await.expect("tokens work again");
    refused(act(&user).await, ErrorCode::Unauthorized);
    assert_eq!(db.session_user(user.user, "any", 0).await.expect("read"), None, "the sessions are over for good");
    let current = generation(db, name).await;
    assert!(db.session_user(user.user, "new", current).await.expect("read").is_some());
    let events: Vec<_> = recorded_by(db, &operator).await.iter().map(|one| one.entry.event).collect();
    assert_eq!(events, [AuditEvent::UserEnable, AuditEvent::UserDisable]);
}

/// Granting and revoking the administrator role take effect at once.
pub async fn a_role_comes_and_goes(db: &dyn Database) {
    let (keeper, user, owner) = (admin(db).await, actor(db).await, actor(db).await);
    let scope = super::world::scope(db, &owner).await;
    let as_admin = Actor { roles: AccountRoles::all(), ..user.clone() };
    let add = async || {
        let audit = entry(AuditEvent::ScopeMemberSet, &as_admin);
        let change = crate::decide::MemberChange {
            max_members: 100,
            actor: as_admin.clone(),
            scope: scope.clone(),
            member: keeper.username.clone(),
            role: Some(crate::types::ScopeRole::Member),
            now: now(),
            audit,
        };
        db.execute(&change).await
    };
    refused(add().await, ErrorCode::Forbidden);
    assert!(set_admin(db, &user.username, true).await.expect("grant").user.is_admin());
    assert!(!set_admin(db, &user.username, true).await.expect("grant again").changed);
    add().await.expect("an administrator may");
    assert!(!set_admin(db, &user.username, false).await.expect("revoke").user.is_admin());
    assert!(!set_admin(db, &user.username, false).await.expect("revoke again").changed);
    refused(add().await, ErrorCode::Forbidden);
    refused(set_admin(db, &stranger_name(), true).await, ErrorCode::UserNotFound);
    refused(disable(db, &stranger_name(), true).await, ErrorCode::UserNotFound);
}

/// The roles of an account are a set: each comes and goes by itself and is read back. An administrator sets those of
/// others; nobody else does.
pub async fn an_administrator_sets_roles(db: &dyn Database) {
    let (keeper, user) = (admin(db).await, actor(db).await);
    let set = async |by: &Actor, granted, revoked| {
        let audit = entry(AuditEvent::UserRoleSet, by);
        let by = AccountActor::Admin(by.clone());
        let update = AccountUpdate::Roles { granted, revoked };
        db.execute(&AccountChange { by, username: user.username.clone(), update, now: now(), audit: vec![audit] }).await
    };
    let none = AccountRoles::NONE;
    let mut held = none;
    for role in AccountRole::ALL {
        held = held.with(role);
        assert_eq!(set(&keeper, role.into(), none).await.expect("granted").user.roles, held);
        assert_eq!(account(db, &user.username).await.roles, held);
        assert_eq!(db.user(user.user).await.expect("read").expect("a user").roles, held);
    }
    assert!(!set(&keeper, AccountRoles::all(), none).await.expect("granted again").changed);
    // Each role is taken away by itself, and acting in it ends with that.
    let by_itself = Actor { roles: AccountRoles::all(), ..user.clone() };
    for role in AccountRole::ALL {
        held = held.without(role.into());
        assert_eq!(set(&keeper, none, role.into()).await.expect("revoked").user.roles, held);
        assert_eq!(account(db, &user.username).await.roles, held);
    }
    refused(set(&by_itself, AccountRoles::all(), none).await, ErrorCode::Forbidden);
    for role in AccountRole::ALL.into_iter().filter(|role| *role != AccountRole::Admin) {
        let other = with_roles(db, role.into()).await;
        refused(set(&other, AccountRoles::all(), none).await, ErrorCode::Forbidden);
    }
    let modest = Actor { roles: none, ..keeper.clone() };
    refused(set(&modest, AccountRoles::all(), none).await, ErrorCode::Forbidden);
    let roles: Vec<_> = audit_by(db, &keeper).await;
    assert_eq!(roles.iter().filter(|one| one.entry.event == AuditEvent::UserRoleSet).count(), 8);
}

/// A password set by the operator ends every session and no token.
pub async fn a_password_that_was_reset_ends_sessions(db: &dyn Database) {
    let (user, operator) = (actor(db).await, word());
    let (_, secret) = token(db, &user).await;
    let update = AccountUpdate::Password { hash: "$test$reset".into() };
    let changed = db.execute(&operators(&operator, &user.username, AuditEvent::UserPasswordReset, update)).await;
    assert!(changed.expect("reset").changed);
    let login = db.login(user.username.as_str()).await.expect("read").expect("a user");
    assert_eq!((&*login.password_hash, login.session_generation), ("$test$reset", 1));
    assert_eq!(db.session_user(user.user, "old", 0).await.expect("read"), None);
    assert!(db.session_user(user.user, "new", 1).await.expect("read").is_some());
    let made = db.execute(&new_scope(&user, &scope_name(), now(), &entry(AuditEvent::ScopeCreate, &user))).await;
    refused(made, ErrorCode::Unauthorized);
    assert!(db.token_holder(&secret, now()).await.expect("read").is_some());
    assert_eq!(recorded_by(db, &operator).await.len(), 1);
}

/// A user who changes the own password or address keeps the current session and loses all others. Each
/// changed field has an audit entry.
pub async fn who_changes_a_password_keeps_this_session_alone(db: &dyn Database) {
    let user = actor(db).await;
    let Credential::Session { id: kept, .. } = user.credential.clone() else { panic!("a session") };
    let name = user.username.as_str();
    let hash = db.login(name).await.expect("read").expect("a user").password_hash;
    let email = format!("{}@Example.org", word());
    let changed = db.execute(&own(&user, &hash, Some(&email), Some("$test$new"))).await.expect("change");
    assert_eq!((changed.changed, &changed.user.email), (true, &email));
    let login = db.login(&email.to_lowercase()).await.expect("read").expect("the new address");
    assert_eq!((&*login.password_hash, login.session_generation), ("$test$new", 1));
    assert!(db.session_user(user.user, &kept, 0).await.expect("read").is_some(), "this session");
    assert_eq!(db.session_user(user.user, "other", 0).await.expect("read"), None);
    let act = async |actor: &Actor| {
        db.execute(&new_scope(actor, &scope_name(), now(), &entry(AuditEvent::ScopeCreate, actor))).await
    };
    act(&user).await.expect("this session goes on");
    let expires_at = after(3600);
    let other = Actor { credential: Credential::Session { id: word(), generation: 0, expires_at }, ..user.clone() };
    refused(act(&other).await, ErrorCode::Unauthorized);

    // The known password is no longer the current one.
    refused(db.execute(&own(&user, &hash, None, Some("$test$late"))).await, ErrorCode::InvalidCredentials);
    let same = db.execute(&own(&user, "$test$new", Some(&email), None)).await.expect("the address it has");
    assert!(!same.changed);
    let other = super::world::user(db).await;
    let anothers = own(&user, "$test$new", Some(&other.email.to_uppercase()), Some("$test$more"));
    refused(db.execute(&anothers).await, ErrorCode::UserExists);
    assert_eq!(db.login(name).await.expect("read").expect("a user").password_hash, "$test$new", "all or nothing");

    let events: Vec<_> = audit_by(db, &user).await.iter().map(|one| one.entry.event).collect();
    let count = |event| events.iter().filter(|one| **one == event).count();
    assert_eq!((count(AuditEvent::UserEmailChange), count(AuditEvent::UserPasswordChange)), (1, 1));

    // A token has no session to keep.
    let (token, _) = self::token(db, &user).await;
    let with_token = Actor { credential: Credential::Token(token.id), ..user.clone() };
    db.execute(&own(&with_token, "$test$new", None, Some("$test$last"))).await.expect("change");
    assert_eq!(db.session_user(user.user, &kept, 0).await.expect("read"), None);
}

/// Nobody changes an account with an invalid credential, nor another user's account.
pub async fn an_account_is_changed_by_its_user_alone(db: &dyn Database) {
    let (user, other) = (actor(db).await, actor(db).await);
    let hash = db.login(user.username.as_str()).await.expect("read").expect("a user").password_hash;
    for (what, dead) in super::world::dead_actors(db, &user).await {
        let change = AccountChange { username: user.username.clone(), ..own(&dead, &hash, None, Some("$test$x")) };
        let changed = db.execute(&change).await;
        assert_eq!(changed.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
    }
    let change = AccountChange { username: user.username.clone(), ..own(&other, &hash, None, Some("$test$x")) };
    refused(db.execute(&change).await, ErrorCode::Unauthorized);
    assert_eq!(db.login(user.username.as_str()).await.expect("read").expect("a user").password_hash, hash);
}

/// Of two concurrent changes of the same password, one succeeds.
pub async fn of_password_changes_at_once_one_wins(db: &dyn Database) {
    let user = actor(db).await;
    let hash = db.login(user.username.as_str()).await.expect("read").expect("a user").password_hash;
    let wanted: Vec<_> = (0..4).map(|number| own(&user, &hash, None, Some(&format!("$test${number}")))).collect();
    let results = join_all(wanted.iter().map(|change| db.execute(change))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for result in results.into_iter().filter(Result::is_err) {
        refused(result, ErrorCode::InvalidCredentials);
    }
}

/// Accounts are listed by name, in pages, filtered.
pub async fn accounts_are_listed_by_name(db: &dyn Database) {
    let prefix = word();
    let named = |end: &str| User { username: format!("{prefix}-{end}").parse().expect("a name"), ..stranger() };
    let users = [
        // The domain of deleted accounts, which this one is not.
        User { email: format!("{prefix}@deleted.invalid"), ..named("a") },
        User { roles: AccountRoles::ADMIN.with(AccountRole::Auditor), ..named("b") },
        User { disabled: true, ..named("c") },
        User { roles: AccountRoles::ADMIN, disabled: true, ..named("d") },
    ];
    for user in users.iter().rev() {
        db.execute(&new_user(user)).await.expect("create");
    }
    // Sorts just before the first of them.
    let start: Username = format!("{prefix}-0").parse().expect("a name");
    let list = async |role, disabled, after: &Username, limit| {
        let filter = AccountFilter { role, disabled, after: Some(after.clone()), limit };
        let listed = db.accounts(&filter).await.expect("read");
        listed.into_iter().filter(|user| user.username.as_str().starts_with(&prefix)).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, &start, 4).await, users);
    assert_eq!(list(None, None, &start, 2).await, users[..2]);
    assert_eq!(list(None, None, &users[1].username, 2).await, users[2..]);
    assert_eq!(list(Some(AccountRole::Admin), None, &start, 1).await, users[1..2]);
    assert_eq!(list(Some(AccountRole::Auditor), None, &start, 2).await, users[1..2]);
    assert_eq!(list(Some(AccountRole::Admin), Some(true), &start, 1).await, users[3..]);
    assert_eq!(list(None, Some(true), &start, 2).await, users[2..]);
    assert_eq!(list(None, Some(false), &start, 1).await, users[..1]);
}

/// The operator revokes one token, or all of a user; a second time there are none left to revoke.
pub async fn the_operator_revokes_tokens(db: &dyn Database) {
    let (user, other, operator) = (actor(db).await, actor(db).await, word());
    let tokens = [token(db, &user).await, token(db, &user).await, token(db, &user).await];
    let (_, kept) = token(db, &other).await;
    let alive = async |secret: &Sha256Digest| db.token_holder(secret, now()).await.expect("read").is_some();
    let one = RevokedTokens::Id(tokens[0].0.id);
    assert_eq!(revoke(db, &operator, one.clone()).await.expect("revoke"), 1);
    assert_eq!(revoke(db, &operator, one).await.expect("revoke again"), 0);
    assert!(!alive(&tokens[0].1).await && alive(&tokens[1].1).await);
    refused(revoke(db, &operator, RevokedTokens::Id(TokenId::generate())).await, ErrorCode::TokenNotFound);

    let all = RevokedTokens::Of(user.username.clone());
    assert_eq!(revoke(db, &operator, all.clone()).await.expect("revoke"), 2);
    assert_eq!(revoke(db, &operator, all).await.expect("revoke again"), 0);
    assert!(!alive(&tokens[1].1).await && !alive(&tokens[2].1).await && alive(&kept).await);
    assert_eq!(db.tokens(&user, now()).await.expect("read"), []);
    refused(revoke(db, &operator, RevokedTokens::Of(stranger_name())).await, ErrorCode::UserNotFound);
    let counts: Vec<_> =
        recorded_by(db, &operator).await.iter().map(|one| one.entry.metadata["count"].clone()).collect();
    assert_eq!(counts, [2, 1]);
}

/// Needs a database of its own, because it revokes all tokens.
pub async fn all_tokens_are_revoked_at_once(db: &dyn Database) {
    let (first, second) = (actor(db).await, actor(db).await);
    let secrets = [token(db, &first).await.1, token(db, &second).await.1, token(db, &second).await.1];
    assert_eq!(revoke(db, "operator", RevokedTokens::All).await.expect("revoke"), 3);
    assert_eq!(revoke(db, "operator", RevokedTokens::All).await.expect("revoke again"), 0);
    for secret in &secrets {
        assert_eq!(db.token_holder(secret, now()).await.expect("read"), None);
    }
    let (_, secret) = token(db, &first).await;
    assert!(db.token_holder(&secret, now()).await.expect("read").is_some(), "a new one works");
}

/// Needs a database of its own: however many administrators lose the role at once, one remains.
pub async fn one_administrator_is_left(db: &dyn Database) {
    let admins = [admin(db).await, admin(db).await, admin(db).await].map(|admin| admin.username);
    let (shut_out, _) = (disabled_user(db).await, user(db).await);
    set_admin(db, &shut_out.username, true).await.expect("an administrator who cannot act");
    let changes = admins.iter().enumerate().map(async |(number, name)| {
        if number % 2 == 0 { disable(db, name, true).await } else { set_admin(db, name, false).await }
    });
    let results = join_all(changes).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2);
    for result in results.into_iter().filter(Result::is_err) {
        let error = result.expect_err("the last one");
        assert_eq!(error.code(), ErrorCode::LastOwner, "{error}");
        assert!(error.to_string().contains("the last administrator"), "{error}");
    }
    let acting = AccountFilter { role: Some(AccountRole::Admin), disabled: Some(false), after: None, limit: 10 };
    let left = db.accounts(&acting).await.expect("read");
    assert_eq!(left.len(), 1);
    let last = &left[0].username;
    refused(disable(db, last, true).await, ErrorCode::LastOwner);
    refused(set_admin(db, last, false).await, ErrorCode::LastOwner);
    // An administrator who is enabled again can take over.
    disable(db, &shut_out.username, false).await.expect("enable");
    assert!(disable(db, last, true).await.expect("another one is left").changed);
    assert!(account(db, last).await.is_admin(), "shut out, but still in the role");
}
