use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use aam_registry_core::{
    ErrorCode,
    decide::RevokedTokens,
    memory::InsecurePasswords,
    ports::{Clock, PasswordHasher},
    registry::{NewAccount, OPERATOR, Policy, Registration, RegistrationPolicy, TokenRequest},
    types::{
        AccountRole, AccountRoles, AuditEvent, AuditFilter, Credential, PageRequest, Principal, ScopeRole, TokenScope,
        Username,
    },
};

use super::world::{PASSWORD, World, name, registration};

fn request(scopes: &[&str]) -> TokenRequest {
    TokenRequest {
        name: "ci".into(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..TokenRequest::default()
    }
}

fn username(text: &str) -> Username {
    text.parse().expect("username")
}

async fn events(world: &World, admin: &Principal) -> Vec<(AuditEvent, Option<String>)> {
    let page = PageRequest { page: 1, limit: 200 };
    let filter = AuditFilter { package: None, event: None, actor: None, from: None, to: None, page };
    let entries = world.registry.audit_log(admin, &filter).await.expect("entries").items;
    entries.into_iter().map(|entry| (entry.entry.event, entry.entry.actor)).collect()
}

#[tokio::test]
async fn a_user_registers_logs_in_and_out() {
    let world = World::new();
    let user = world.registry.register(registration("ada")).await.expect("registered");
    assert!(!user.is_admin() && !user.disabled);
    for login in ["ada", "ada@example.com", "ADA@Example.com"] {
        let session = world.registry.login(login, PASSWORD.into()).await.expect(login);
        assert_eq!(session.expires_at.duration_since(session.issued_at).as_hours(), 24);
        let ada = world.registry.authenticate(&session.access_token).await.expect("authenticated");
        assert_eq!((ada.user, ada.username.as_str()), (user.id, "ada"));
        let account = world.registry.account(&ada).await.expect("account");
        assert_eq!(account.scopes, [("ada".parse().expect("scope"), ScopeRole::Owner)]);
        world.registry.logout(&ada).await.expect("logged out");
        let error = world.registry.authenticate(&session.access_token).await.expect_err("ended");
        assert_eq!(error.code(), ErrorCode::Unauthorized);
    }
    assert!(!format!("{:?}", registration("ada")).contains(PASSWORD));
}

/// Counts how many passwords were hashed.
#[derive(Clone, Debug, Default)]
struct CountedHashes(Arc<AtomicUsize>);

#[async_trait::async_trait]
impl PasswordHasher for CountedHashes {
    async fn hash(&self, password: String) -> aam_registry_core::Result<String> {
        self.0.fetch_add(1, Ordering::SeqCst);
        InsecurePasswords.hash(password).await
    }

    async fn verify(&self, password: String, hash: Option<String>) -> aam_registry_core::Result<bool> {
        InsecurePasswords.verify(password, hash).await
    }
}

#[tokio::test]
async fn no_password_is_hashed_for_a_name_or_an_address_that_is_taken() {
    let hashes = CountedHashes::default();
    let world = World::with(|builder, _, _| builder.passwords(hashes.clone()));
    world.registry.register(registration("ada")).await.expect("registered");
    let ada = world.user("bob").await;
    world.registry.create_scope(&ada, &"team".parse().expect("scope")).await.expect("made");
    let before = hashes.0.load(Ordering::SeqCst);
    let address = Registration { email: "ADA@example.com".into(), ..registration("carl") };
    for taken in [registration("ada"), registration("team"), address] {
        let error = world.registry.register(taken).await.expect_err("taken");
        assert_eq!(error.code(), ErrorCode::UserExists);
    }
    assert_eq!(hashes.0.load(Ordering::SeqCst), before);
}

#[tokio::test]
async fn a_session_ends_with_its_time() {
    let world = World::with_policy(Policy::default().with_session_lifetime(Duration::from_hours(1)));
    world.registry.register(registration("ada")).await.expect("registered");
    let session = world.registry.login("ada", PASSWORD.into()).await.expect("logged in");
    world.clock.advance(Duration::from_mins(59));
    world.registry.authenticate(&session.access_token).await.expect("alive");
    world.clock.advance(Duration::from_mins(1));
    let error = world.registry.authenticate(&session.access_token).await.expect_err("ended");
    assert_eq!(error.code(), ErrorCode::Unauthorized);
}

#[tokio::test]
async fn a_failed_login_never_says_why() {
    let world = World::new();
    let root = world.admin("boss").await;
    world.user("ada").await;
    let long = "x".repeat(2_000);
    let attempts = [("ada", "wrong-Wagon-93-kelp"), ("nobody", PASSWORD), ("", ""), ("ada", &long), (&long, PASSWORD)];
    for (login, password) in attempts {
        let error = world.registry.login(login, password.into()).await.expect_err("refused");
        assert_eq!(error.to_string(), "Wrong username or password");
    }
    let failed: Vec<_> =
        events(&world, &root).await.into_iter().filter(|(e, _)| *e == AuditEvent::UserLoginFailed).collect();
    let actors: Vec<_> = failed.iter().map(|(_, actor)| actor.as_deref()).collect();
    // Newest first. The text that an unknown user typed as a name may be a password, so it is not
    // logged.
    assert_eq!(actors, [None, Some("ada"), None, None, Some("ada")]);
}

#[tokio::test]
async fn names_and_addresses_are_taken_once() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.registry.create_scope(&ada, &"my_org".parse().expect("scope")).await.expect("created");
    let code = async |registration| world.registry.register(registration).await.expect_err("refused").code();
    assert_eq!(
        code(Registration { email: "other@example.com".into(), ..registration("ada") }).await,
        ErrorCode::UserExists
    );
    assert_eq!(
        code(Registration { email: "ADA@example.com".into(), ..registration("eve") }).await,
        ErrorCode::UserExists
    );
    assert_eq!(code(registration("my_org")).await, ErrorCode::UserExists);
    assert_eq!(code(registration("login")).await, ErrorCode::NameReserved);
    assert_eq!(
        code(Registration { password: "password1234".into(), ..registration("eve") }).await,
        ErrorCode::InvalidRequest
    );
    let taken = world.registry.create_scope(&ada, &"my_org".parse().expect("scope")).await.expect_err("taken");
    assert_eq!(taken.code(), ErrorCode::ScopeExists);
    let reserved = world.registry.create_scope(&ada, &"admin".parse().expect("scope")).await.expect_err("reserved");
    assert_eq!(reserved.code(), ErrorCode::NameReserved);
}

#[tokio::test]
async fn a_closed_registry_registers_nobody_but_administrators() {
    let world = World::with_policy(Policy::default().with_registration(RegistrationPolicy::Closed));
    let error = world.registry.register(registration("ada")).await.expect_err("closed");
    assert_eq!(error.code(), ErrorCode::RegistrationClosed);
    assert!(!world.registry.has_admin().await.expect("read"));
    assert!(world.admin("admin").await.acts_as_admin());
    assert!(world.registry.has_admin().await.expect("read"));
}

#[tokio::test]
async fn a_token_works_until_it_is_revoked_or_expires() {
    let world = World::new();
    let ada = world.user("ada").await;
    let ends = world.clock.now().checked_add(Duration::from_hours(1)).expect("time");
    let finer = ends.checked_add(Duration::from_nanos(789)).expect("time");
    let wanted = TokenRequest { expires_at: Some(finer), packages: vec!["@ada/*".into()], ..request(&["publish"]) };
    let (token, secret) = world.registry.create_token(&ada, wanted).await.expect("created");
    assert_eq!(token.expires_at, Some(ends), "more than databases keep");
    let by = world.registry.authenticate(secret.expose()).await.expect("authenticated");
    assert_eq!(by.credential, Credential::Token(token.id));
    assert!(by.scopes.contains(TokenScope::Publish) && !by.scopes.contains(TokenScope::Admin));
    assert_eq!(world.registry.logout(&by).await.expect_err("no session").code(), ErrorCode::InvalidRequest);
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(
        world.registry.authenticate(secret.expose()).await.expect_err("expired").code(),
        ErrorCode::Unauthorized
    );

    let (token, secret) = world.registry.create_token(&ada, request(&["read"])).await.expect("created");
    let itself = world.registry.authenticate(secret.expose()).await.expect("authenticated");
    assert_eq!(world.registry.tokens(&itself).await.expect_err("no scope").code(), ErrorCode::Forbidden);
    world.registry.revoke_token(&itself, token.id).await.expect("a token may revoke itself");
    assert_eq!(
        world.registry.authenticate(secret.expose()).await.expect_err("revoked").code(),
        ErrorCode::Unauthorized
    );
    assert_eq!(world.registry.revoke_token(&ada, token.id).await.expect_err("gone").code(), ErrorCode::TokenNotFound);
    for forged in ["aam_x", "aam_", &secret.expose().replace('a', "b"), "", "eyJhbGciOiJub25lIn0.e30."] {
        assert_eq!(world.registry.authenticate(forged).await.expect_err("forged").code(), ErrorCode::Unauthorized);
    }
}

#[tokio::test]
async fn every_fault_of_a_token_is_told() {
    let world = World::new();
    let ada = world.user("ada").await;
    let wanted = TokenRequest {
        name: String::new(),
        scopes: vec!["publish".into(), "fly".into()],
        packages: vec!["@ada/[".into()],
        expires_at: Some(world.clock.now()),
    };
    let error = world.registry.create_token(&ada, wanted).await.expect_err("refused");
    let fields: Vec<_> = error.details().into_iter().map(|detail| detail.field).collect();
    assert_eq!(fields, ["name", "scopes", "packages", "expires_at"]);
    let error = world.registry.create_token(&ada, request(&[])).await.expect_err("no scope");
    assert_eq!(error.details()[0].field, "scopes");
}

#[tokio::test]
async fn a_token_made_with_a_token_never_exceeds_it() {
    let world = World::new();
    let ada = world.user("ada").await;
    let hour = world.clock.now().checked_add(Duration::from_hours(1)).expect("time");
    let parent = TokenRequest { expires_at: Some(hour), ..request(&["admin", "publish"]) };
    let (_, secret) = world.registry.create_token(&ada, parent).await.expect("created");
    let parent = world.registry.authenticate(secret.expose()).await.expect("authenticated");
    let wanted = |scopes: &[&str], packages: &[&str], expires_at| TokenRequest {
        packages: packages.iter().map(|pattern| (*pattern).to_owned()).collect(),
        expires_at,
        ..request(scopes)
    };
    for fine in [wanted(&["publish"], &["@ada/*"], Some(hour)), wanted(&["admin", "publish"], &[], Some(hour))] {
        world.registry.create_token(&parent, fine).await.expect("no more than its parent");
    }
    let later = hour.checked_add(Duration::from_secs(1)).expect("time");
    for more in [
        wanted(&["yank"], &["kit"], Some(hour)),
        wanted(&["publish"], &["kit"], Some(later)),
        wanted(&["publish"], &["kit"], None),
    ] {
        let error = world.registry.create_token(&parent, more).await.expect_err("more than its parent");
        assert_eq!(error.code(), ErrorCode::Forbidden, "{error}");
    }
    let publisher = world.token(&ada, &["publish"], &[]).await;
    let restricted = world.token(&ada, &["admin", "publish"], &["@ada/*"]).await;
    for by in [&publisher, &restricted] {
        let wanted = wanted(&["publish"], &["@ada/*"], Some(hour));
        let error = world.registry.create_token(by, wanted).await.expect_err("no scope admin, or restricted");
        assert_eq!(error.code(), ErrorCode::Forbidden);
    }
}

#[tokio::test]
async fn a_restricted_token_knows_no_token_but_itself() {
    let world = World::new();
    let ada = world.user("ada").await;
    let (other, _) = world.registry.create_token(&ada, request(&["read"])).await.expect("created");
    let restricted = world.token(&ada, &["admin"], &["@ada/*"]).await;
    assert_eq!(world.registry.tokens(&restricted).await.expect_err("restricted").code(), ErrorCode::Forbidden);
    let revoked = world.registry.revoke_token(&restricted, other.id).await.expect_err("restricted");
    assert_eq!(revoked.code(), ErrorCode::Forbidden);
    assert!(revoked.to_string().contains("restricted to packages"), "{revoked}");
    let Credential::Token(itself) = restricted.credential else { panic!("a token") };
    world.registry.revoke_token(&restricted, itself).await.expect("itself");
}

#[tokio::test]
async fn a_token_gets_any_scope_there_is_and_no_other() {
    let world = World::new();
    let ada = world.user("ada").await;
    for scope in TokenScope::ALL {
        let (token, _) = world.registry.create_token(&ada, request(&[scope.as_str()])).await.expect("a token");
        assert!(token.scopes.contains(scope));
    }
    let error = world.registry.create_token(&ada, request(&["publish", "write"])).await.expect_err("refused");
    let details = error.details();
    assert_eq!((details.len(), &*details[0].field), (1, "scopes"));
    assert!(details[0].error.contains("`write` is none of read, publish"), "{}", details[0].error);
}

#[tokio::test]
async fn an_account_is_made_for_somebody_though_registration_is_closed() {
    let world = World::with_policy(Policy::default().with_registration(RegistrationPolicy::Closed));
    let account = |name: &str, password: Option<&str>| NewAccount {
        username: name.into(),
        email: format!("{name}@example.com"),
        password: password.map(str::to_owned),
        roles: AccountRoles::NONE,
    };
    let made = world.registry.create_user(account("bob", Some(PASSWORD)), "host").await.expect("made");
    assert!(!made.is_admin() && !made.disabled);
    world.registry.login("bob", PASSWORD.into()).await.expect("logged in");
    world.registry.create_user(account("guest", None), "host").await.expect("made");
    let guest = world.registry.login("guest", String::new()).await.expect_err("nobody knows the password");
    assert_eq!(guest.code(), ErrorCode::InvalidCredentials);
    let code = async |account| world.registry.create_user(account, "host").await.expect_err("refused").code();
    assert_eq!(code(account("bob", None)).await, ErrorCode::UserExists);
    assert_eq!(code(account("admin", None)).await, ErrorCode::NameReserved);
    assert_eq!(code(account("eve", Some("short"))).await, ErrorCode::InvalidRequest);
    let admin = NewAccount { roles: AccountRoles::ADMIN, ..account("admin", Some(PASSWORD)) };
    assert!(world.registry.create_user(admin, "host").await.expect("made").is_admin());
}

#[tokio::test]
async fn last_use_is_stored_in_batches() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.token(&ada, &["read"], &[]).await;
    let used = world.clock.now();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    stop.send(()).expect("open");
    world.registry.run_background(async { drop(stopped.await) }).await;
    assert_eq!(world.registry.tokens(&ada).await.expect("tokens")[0].last_used_at, Some(used));
}

#[tokio::test]
async fn a_scope_has_members_with_roles() {
    let world = World::new();
    let (ada, bob) = (world.user("ada").await, world.user("bob").await);
    let scope = "my_org".parse().expect("scope");
    let made = world.registry.create_scope(&ada, &scope).await.expect("created");
    assert_eq!((made.members.len(), made.members[0].username.as_str()), (1, "ada"));
    let error = world.publish(&bob, super::world::archive("@my_org/kit", "1.0.0")).await.expect_err("no member");
    assert_eq!(error.code(), ErrorCode::Forbidden);
    world.registry.set_member(&ada, &scope, &username("bob"), ScopeRole::Contributor).await.expect("set");
    world.published(&bob, "@my_org/kit", "1.0.0").await;
    let error =
        world.registry.set_member(&bob, &scope, &username("bob"), ScopeRole::Owner).await.expect_err("no owner");
    assert_eq!(error.code(), ErrorCode::Forbidden);
    let error = world.registry.remove_member(&ada, &scope, &username("ada")).await.expect_err("the last owner");
    assert_eq!(error.code(), ErrorCode::LastOwner);
    world.registry.remove_member(&ada, &scope, &username("bob")).await.expect("removed");
    assert_eq!(world.view().scope(&scope).await.expect("scope").members.len(), 1);
    let restricted = world.token(&ada, &["admin"], &["@my_org/*"]).await;
    let error = world
        .registry
        .set_member(&restricted, &scope, &username("bob"), ScopeRole::Owner)
        .await
        .expect_err("restricted");
    assert_eq!(error.code(), ErrorCode::Forbidden);
    let missing = "missing".parse().expect("scope");
    assert_eq!(world.view().scope(&missing).await.expect_err("none").code(), ErrorCode::ScopeNotFound);
}

#[tokio::test]
async fn a_profile_shows_packages_and_no_address() {
    let world = World::new();
    let ada = world.user("ada").await;
    world.published(&ada, "greet-kit", "1.0.0").await;
    world.published(&ada, "@ada/tools", "1.0.0").await;
    let profile = world.view().profile(&username("ada")).await.expect("profile");
    assert_eq!(profile.packages, [name("@ada/tools"), name("greet-kit")]);
    assert_eq!(world.view().profile(&username("nobody")).await.expect_err("none").code(), ErrorCode::UserNotFound);
}

#[tokio::test]
async fn nobody_loses_the_scope_of_the_own_name() {
    let world = World::new();
    let (ada, eve) = (world.user("ada").await, world.user("eve").await);
    let scope = "ada".parse().expect("scope");
    world.registry.set_member(&ada, &scope, &username("eve"), ScopeRole::Owner).await.expect("shared");
    for by in [&eve, &ada] {
        let removed = world.registry.remove_member(by, &scope, &username("ada")).await.expect_err("removed");
        assert_eq!(removed.code(), ErrorCode::Forbidden);
        let demoted = world.registry.set_member(by, &scope, &username("ada"), ScopeRole::Member).await;
        assert_eq!(demoted.expect_err("demoted").code(), ErrorCode::Forbidden);
    }
    world.registry.remove_member(&eve, &scope, &username("eve")).await.expect("left");
    assert_eq!(world.view().scope(&scope).await.expect("scope").members.len(), 1);
}

#[tokio::test]
async fn the_operator_manages_accounts_and_each_step_is_on_record() {
    let world = World::new();
    let (ada, boss) = (world.user("ada").await, world.admin("boss").await);
    let (registry, name) = (&world.registry, username("ada"));
    let token = world.token(&ada, &["publish"], &[]).await;
    assert!(registry.set_disabled(&name, true).await.expect("disabled").changed);
    for by in [&ada, &token] {
        let refused = world.publish(by, super::world::archive("kit", "1.0.0")).await.expect_err("shut out");
        assert_eq!(refused.code(), ErrorCode::Unauthorized);
    }
    for (password, code) in [(PASSWORD, ErrorCode::Forbidden), ("wrong", ErrorCode::InvalidCredentials)] {
        assert_eq!(registry.login("ada", password.into()).await.expect_err("shut out").code(), code);
    }
    registry.set_disabled(&name, false).await.expect("enabled");
    world.publish(&token, super::world::archive("kit", "1.0.0")).await.expect("the token works again");
    registry.set_role(&name, AccountRole::Admin, true).await.expect("granted");
    registry.set_role(&name, AccountRole::Admin, false).await.expect("revoked");
    let weak = registry.reset_password(&name, "short".into()).await.expect_err("weak");
    assert_eq!(weak.details()[0].field, "password");
    let new = "walnut-Ferry-58-loam";
    registry.reset_password(&name, new.into()).await.expect("reset");
    registry.login("ada", new.into()).await.expect("logged in");
    let described = registry.describe_account(&name).await.expect("described");
    assert_eq!((described.tokens.len(), described.packages.len(), described.scopes.len()), (1, 1, 1));
    assert_eq!(registry.revoke_tokens(RevokedTokens::Of(name)).await.expect("revoked"), 1);

    let by_operator: Vec<_> = events(&world, &boss)
        .await
        .into_iter()
        .filter(|(_, actor)| actor.as_deref() == Some(OPERATOR))
        .map(|(event, _)| event.as_str())
        .collect();
    assert_eq!(
        by_operator,
        ["token.revoke", "user.password_reset", "user.role_set", "user.role_set", "user.enable", "user.disable"]
    );
    assert!(OPERATOR.parse::<Username>().is_err(), "no user can have this name");
}
