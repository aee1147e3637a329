//! API tokens.

use jiff::{SignedDuration, Timestamp};

use super::world::{
    actor, after, audit_by, dead_actors, entry, new_scope, new_token, now, refused, scope_name, token_revocation, word,
};
use crate::{
    decide::{AccountActor, AccountChange, AccountUpdate, RevokedTokens, TellOfToken, TokenRevocation},
    error::ErrorCode,
    ports::{CommandHandlerExt, Database, QueryHandlerExt, TokenOfSecret, TokensToTellOf},
    types::{
        Actor, AuditEvent, Credential, Sha256Digest, Token, TokenId, TokenNotice, TokenPattern, TokenScope,
        TokenSecret, TokenUse, UserId,
    },
};

fn token(user: UserId, created_at: Timestamp) -> Token {
    Token {
        id: TokenId::generate(),
        user,
        name: format!("\"{}\" €", word()),
        scopes: [TokenScope::Publish, TokenScope::Tag].into_iter().collect(),
        packages: Vec::new(),
        created_at,
        expires_at: None,
        last_used_at: None,
        last_used_from: None,
    }
}

/// Creates `token` for the actor and returns the digest of its secret.
async fn create(db: &dyn Database, actor: &Actor, token: &Token) -> Sha256Digest {
    let secret = TokenSecret::generate().digest();
    db.execute(&new_token(actor, token, secret, &entry(AuditEvent::TokenCreate, actor))).await.expect("create a token");
    secret
}

/// Every field of a token is returned, with its user, and its creation is in the audit log.
pub async fn a_token_is_found_by_its_digest(db: &dyn Database) {
    let actor = actor(db).await;
    let pattern = |text: &str| TokenPattern::parse(text).expect("a pattern");
    let full = Token {
        packages: vec![pattern("@team/*"), pattern("greet-kit")],
        expires_at: Some(after(3600)),
        ..token(actor.user, now())
    };
    let bare = Token { scopes: [].into_iter().collect(), ..token(actor.user, now()) };
    for token in [full, bare] {
        let secret = create(db, &actor, &token).await;
        let holder = db.token_holder(&secret, now()).await.expect("read").expect("a holder");
        assert_eq!(holder.token, token);
        assert_eq!(Some(holder.user), db.user(actor.user).await.expect("read"));
    }
    assert_eq!(db.token_holder(&TokenSecret::generate().digest(), now()).await.expect("read"), None);
    let made = audit_by(db, &actor).await.iter().filter(|one| one.entry.event == AuditEvent::TokenCreate).count();
    assert_eq!(made, 2);
}

/// A token is found by its secret, whatever has become of its user, until it is revoked.
pub async fn a_token_is_found_by_its_secret_until_it_is_revoked(db: &dyn Database) {
    let actor = actor(db).await;
    let token = token(actor.user, now());
    let secret = create(db, &actor, &token).await;
    let disable = AccountChange {
        by: AccountActor::Operator,
        username: actor.username.clone(),
        update: AccountUpdate::Disabled(true),
        now: now(),
        audit: Vec::new(),
    };
    db.execute(&disable).await.expect("disabled");
    assert_eq!(db.token_holder(&secret, now()).await.expect("read"), None);
    let found = db.ask(TokenOfSecret(secret)).await.expect("read").expect("a token");
    assert_eq!((found.token.id, found.user.username), (token.id, actor.username.clone()));
    let unknown = TokenSecret::generate().digest();
    assert!(db.ask(TokenOfSecret(unknown)).await.expect("read").is_none());
    let audit = entry(AuditEvent::TokenLeakReported, &actor);
    let revocation = TokenRevocation { tokens: RevokedTokens::Id(token.id), now: now(), audit };
    assert_eq!(db.execute(&revocation).await.expect("revoked"), 1);
    assert!(db.ask(TokenOfSecret(secret)).await.expect("read").is_none());
}

/// Users are told once of a token that ends soon and of one that is not used, and of no others.
pub async fn the_users_of_ending_and_stale_tokens_are_told_once(db: &dyn Database) {
    let actor = actor(db).await;
    let day = |days: i64| now() + SignedDuration::from_hours(days * 24);
    let ending = Token { expires_at: Some(day(6)), ..token(actor.user, day(-30)) };
    let short = Token { expires_at: Some(day(3)), ..token(actor.user, day(-2)) };
    let late = Token { expires_at: Some(day(8)), ..token(actor.user, day(-30)) };
    let stale = token(actor.user, day(-91));
    let used = Token { last_used_at: Some(day(-1)), ..token(actor.user, day(-91)) };
    for token in [&ending, &short, &late, &stale, &used] {
        create(db, &actor, token).await;
    }
    let due = async || -> Vec<(TokenId, TokenNotice)> {
        let all = db.ask(TokensToTellOf(now())).await.expect("read");
        let own = all.into_iter().filter(|(holder, _)| holder.user.id == actor.user);
        own.map(|(holder, notice)| (holder.token.id, notice)).collect()
    };
    let wanted = [(ending.id, TokenNotice::Ending), (stale.id, TokenNotice::Stale)];
    assert_eq!(due().await, wanted);
    for (token, notice) in wanted {
        let tell = TellOfToken { token, notice, audit: entry(AuditEvent::TokenStale, &actor) };
        assert!(db.execute(&tell).await.expect("told"));
        assert!(!db.execute(&tell).await.expect("told before"));
    }
    assert_eq!(due().await, []);
}

/// No endpoint uses the scope `approve` and no new token is given it, but earlier releases stored tokens that have it:
/// they are found and listed, and their other scopes are of use.
pub async fn a_stored_token_with_the_scope_approve_is_valid(db: &dyn Database) {
    let actor = actor(db).await;
    let both = [TokenScope::Approve, TokenScope::Publish].into_iter().collect();
    let stored = Token { scopes: both, ..token(actor.user, now()) };
    let secret = create(db, &actor, &stored).await;
    let holder = db.token_holder(&secret, now()).await.expect("read").expect("a holder");
    assert_eq!(holder.token, stored);
    let with_token = Actor { credential: Credential::Token(stored.id), ..actor.clone() };
    let audit = entry(AuditEvent::ScopeCreate, &actor);
    db.execute(&new_scope(&with_token, &scope_name(), now(), &audit)).await.expect("the token is valid");
    assert_eq!(db.tokens(&actor, now()).await.expect("read"), [stored]);
}

/// A user sees the own valid tokens, the newest first.
pub async fn tokens_are_listed_newest_first(db: &dyn Database) {
    let (actor, other) = (actor(db).await, actor(db).await);
    create(db, &other, &token(other.user, now())).await;
    let start = now();
    let at = |seconds| start + SignedDuration::from_secs(seconds);
    let tokens = [at(-20), at(-40), at(-30)].map(|made| token(actor.user, made));
    for token in &tokens {
        create(db, &actor, token).await;
    }
    let listed = db.tokens(&actor, now()).await.expect("read");
    assert_eq!(listed, [tokens[0].clone(), tokens[2].clone(), tokens[1].clone()]);
}

/// A revoked token is neither found nor listed, and its use is refused.
pub async fn a_revoked_token_is_gone(db: &dyn Database) {
    let actor = actor(db).await;
    let token = token(actor.user, now());
    let secret = create(db, &actor, &token).await;
    let with_token = Actor { credential: Credential::Token(token.id), ..actor.clone() };
    let name = scope_name();
    let audit = entry(AuditEvent::ScopeCreate, &actor);
    db.execute(&new_scope(&with_token, &name, now(), &audit)).await.expect("the token is good before");

    db.execute(&token_revocation(&actor, token.id, &entry(AuditEvent::TokenRevoke, &actor))).await.expect("revoke");
    assert_eq!(db.token_holder(&secret, now()).await.expect("read"), None);
    assert_eq!(db.tokens(&actor, now()).await.expect("read"), []);
    let audit = entry(AuditEvent::ScopeCreate, &actor);
    refused(db.execute(&new_scope(&with_token, &scope_name(), now(), &audit)).await, ErrorCode::Unauthorized);
    let again = db.execute(&token_revocation(&actor, token.id, &entry(AuditEvent::TokenRevoke, &actor))).await;
    refused(again, ErrorCode::TokenNotFound);
    let revoked = audit_by(db, &actor).await.iter().filter(|one| one.entry.event == AuditEvent::TokenRevoke).count();
    assert_eq!(revoked, 1, "one entry for the revocation, none for the refusal");
}

/// Another user's token is `TokenNotFound` and stays valid; nobody can act with it in another user's
/// name.
pub async fn a_token_of_another_cannot_be_revoked(db: &dyn Database) {
    let (actor, other) = (actor(db).await, actor(db).await);
    let token = token(actor.user, now());
    let secret = create(db, &actor, &token).await;
    let revoked = db.execute(&token_revocation(&other, token.id, &entry(AuditEvent::TokenRevoke, &other))).await;
    refused(revoked, ErrorCode::TokenNotFound);
    assert!(db.token_holder(&secret, now()).await.expect("read").is_some());

    let thief = Actor { credential: Credential::Token(token.id), ..other };
    let audit = entry(AuditEvent::ScopeCreate, &thief);
    refused(db.execute(&new_scope(&thief, &scope_name(), now(), &audit)).await, ErrorCode::Unauthorized);
}

/// From its expiry on a token is neither found nor listed, and its use is refused.
pub async fn an_expired_token_is_gone(db: &dyn Database) {
    let actor = actor(db).await;
    let end = after(60);
    let token = Token { expires_at: Some(end), ..token(actor.user, now()) };
    let secret = create(db, &actor, &token).await;
    let before = end - SignedDuration::from_micros(1);
    assert!(db.token_holder(&secret, before).await.expect("read").is_some());
    assert_eq!(db.tokens(&actor, before).await.expect("read").len(), 1);
    assert_eq!(db.token_holder(&secret, end).await.expect("read"), None);
    assert_eq!(db.tokens(&actor, end).await.expect("read"), []);

    let with_token = Actor { credential: Credential::Token(token.id), ..actor.clone() };
    let audit = entry(AuditEvent::ScopeCreate, &actor);
    refused(db.execute(&new_scope(&with_token, &scope_name(), end, &audit)).await, ErrorCode::Unauthorized);
}

/// The latest use is stored, and from where, whatever order uses are reported in; the use of an unknown token is
/// ignored.
pub async fn a_used_token_says_when(db: &dyn Database) {
    let actor = actor(db).await;
    let token = token(actor.user, now());
    create(db, &actor, &token).await;
    let (early, late) = (now(), after(30));
    let used = |token, at, from: &str| TokenUse { token, at, from: from.parse().ok() };
    db.touch_tokens(&[used(token.id, late, "2001:db8::7"), used(TokenId::generate(), late, "")]).await.expect("touch");
    db.touch_tokens(&[used(token.id, early, "192.0.2.1")]).await.expect("touch");
    db.touch_tokens(&[]).await.expect("touch nothing");
    let listed = db.tokens(&actor, now()).await.expect("read");
    let from = "2001:db8::7".parse().ok();
    assert_eq!(listed, [Token { last_used_at: Some(late), last_used_from: from, ..token.clone() }]);
    let later = after(60);
    db.touch_tokens(&[used(token.id, later, "")]).await.expect("touch");
    let listed = db.tokens(&actor, now()).await.expect("read");
    assert_eq!(listed, [Token { last_used_at: Some(later), ..token }], "an address that is not known is not told");
}

/// A deleted or disabled user, or one who logged out, creates and revokes no token.
pub async fn a_dead_credential_makes_no_token(db: &dyn Database) {
    let actor = actor(db).await;
    let kept = token(actor.user, now());
    create(db, &actor, &kept).await;
    for (what, dead) in dead_actors(db, &actor).await {
        let token = token(dead.user, now());
        let secret = TokenSecret::generate().digest();
        let made = db.execute(&new_token(&dead, &token, secret, &entry(AuditEvent::TokenCreate, &dead))).await;
        assert_eq!(made.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
        assert_eq!(db.token_holder(&secret, now()).await.expect("read"), None, "{what}");
        let revoked = db.execute(&token_revocation(&dead, kept.id, &entry(AuditEvent::TokenRevoke, &dead))).await;
        assert_eq!(revoked.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
    }
    assert_eq!(db.tokens(&actor, now()).await.expect("read"), [kept]);
}
