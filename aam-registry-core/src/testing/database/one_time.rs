//! One-time tokens: making, using and ending them.

use futures_util::future::join_all;
use jiff::Timestamp;

use super::world::{actor, admin, after, now, refused, user};
use crate::{
    decide::{AccountActor, AccountChange, AccountUpdate, ChangedAccount, MAX_ONE_TIME_TOKENS},
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database},
    types::{Actor, AuditEvent, NewAuditEntry, OneTimePurpose, OneTimeSecret, OneTimeToken, Sha256Digest, Username},
};

const PURPOSE: OneTimePurpose = OneTimePurpose::PasswordReset;

async fn change(
    db: &dyn Database,
    by: AccountActor,
    username: &Username,
    update: AccountUpdate,
) -> Result<ChangedAccount> {
    let audit = NewAuditEntry::new(AuditEvent::UserPasswordReset, now()).with("user", username.as_str());
    let now = audit.timestamp;
    db.execute(&AccountChange { by, username: username.clone(), update, now, audit: vec![audit] }).await
}

/// A token of the user that expires then; whether it was made.
async fn make(db: &dyn Database, username: &Username, expires_at: Timestamp) -> (Sha256Digest, bool) {
    let digest = OneTimeSecret::generate().digest();
    let update = AccountUpdate::OneTimeToken(OneTimeToken { digest, purpose: PURPOSE, expires_at });
    let made = change(db, AccountActor::Registry, username, update).await.expect("allowed");
    (digest, made.changed)
}

async fn reset(db: &dyn Database, digest: Sha256Digest, username: &Username, hash: &str) -> Result<ChangedAccount> {
    change(db, AccountActor::Holder(digest), username, AccountUpdate::Password { hash: hash.into() }).await
}

/// Whoever has a token sets a password with it, once; all sessions end, and so do the other tokens.
pub async fn a_one_time_token_works_once(db: &dyn Database) {
    let user = actor(db).await;
    let name = &user.username;
    let ((first, _), (second, _)) = (make(db, name, after(60)).await, make(db, name, after(60)).await);
    let holder = db.one_time_holder(&first, PURPOSE, now()).await.expect("read").expect("a holder");
    assert_eq!(holder.username, *name);
    assert!(reset(db, first, name, "$test$reset").await.expect("reset").changed);
    let login = db.login(name.as_str()).await.expect("read").expect("a user");
    assert_eq!((&*login.password_hash, login.session_generation), ("$test$reset", 1));
    for digest in [first, second] {
        refused(reset(db, digest, name, "$test$again").await, ErrorCode::InvalidRequest);
        assert_eq!(db.one_time_holder(&digest, PURPOSE, now()).await.expect("read"), None);
    }
    let login = db.login(name.as_str()).await.expect("read").expect("a user");
    assert_eq!(login.password_hash, "$test$reset");
}

/// A token of one purpose is of no use for another, and the address of an account is verified once.
pub async fn an_address_is_verified_by_a_token(db: &dyn Database) {
    let user = actor(db).await;
    let name = &user.username;
    let digest = OneTimeSecret::generate().digest();
    let purpose = OneTimePurpose::EmailVerification;
    let token = OneTimeToken { digest, purpose, expires_at: after(60) };
    assert!(change(db, AccountActor::Registry, name, AccountUpdate::OneTimeToken(token)).await.expect("made").changed);
    let (reset_digest, _) = make(db, name, after(60)).await;
    refused(reset(db, digest, name, "$test$stolen").await, ErrorCode::InvalidRequest);
    let verify = async |digest| change(db, AccountActor::Holder(digest), name, AccountUpdate::EmailVerified).await;
    refused(verify(reset_digest).await, ErrorCode::InvalidRequest);
    assert!(!db.user(user.user).await.expect("read").expect("a user").email_verified);
    verify(digest).await.expect("verified");
    assert!(db.user(user.user).await.expect("read").expect("a user").email_verified);
    refused(verify(digest).await, ErrorCode::InvalidRequest);
    assert!(
        db.one_time_holder(&reset_digest, PURPOSE, now()).await.expect("read").is_some(),
        "it is for another thing"
    );
    let again = change(db, AccountActor::Itself(user.clone()), name, AccountUpdate::TokenRequest(purpose)).await;
    assert!(!again.expect("allowed").changed, "nothing to verify");
}

/// Of several who use one token at once, one sets the password.
pub async fn of_uses_of_a_token_at_once_one_counts(db: &dyn Database) {
    let user = user(db).await;
    let (digest, _) = make(db, &user.username, after(60)).await;
    let attempts = (0..4).map(|at| {
        let (hash, name) = (format!("$test${at}"), &user.username);
        async move { reset(db, digest, name, &hash).await.map(|_| hash) }
    });
    let results = join_all(attempts).await;
    let won: Vec<_> = results.into_iter().flatten().collect();
    let login = db.login(user.username.as_str()).await.expect("read").expect("a user");
    assert_eq!(won, [login.password_hash]);
    assert_eq!(login.session_generation, 1);
}

/// A token of another account, one that has expired, one of a disabled account and one that was never
/// made set no password.
pub async fn a_one_time_token_is_one_accounts_and_expires(db: &dyn Database) {
    let (ada, bob) = (user(db).await, user(db).await);
    let (of_bob, _) = make(db, &bob.username, after(60)).await;
    let (expired, _) = make(db, &ada.username, now()).await;
    for digest in [of_bob, expired, OneTimeSecret::generate().digest()] {
        refused(reset(db, digest, &ada.username, "$test$stolen").await, ErrorCode::InvalidRequest);
    }
    assert_eq!(db.one_time_holder(&expired, PURPOSE, now()).await.expect("read"), None);
    change(db, AccountActor::Operator, &bob.username, AccountUpdate::Disabled(true)).await.expect("disabled");
    assert_eq!(db.one_time_holder(&of_bob, PURPOSE, now()).await.expect("read"), None);
    refused(reset(db, of_bob, &bob.username, "$test$stolen").await, ErrorCode::InvalidRequest);
    let login = db.login(ada.username.as_str()).await.expect("read").expect("a user");
    assert_ne!(login.password_hash, "$test$stolen");
}

/// Another password or e-mail address ends the tokens that were made before.
pub async fn a_new_password_or_address_ends_one_time_tokens(db: &dyn Database) {
    for (email, password_hash) in [(None, Some("$test$new".to_owned())), (Some("new-"), None)] {
        let by: Actor = actor(db).await;
        let known = db.login(by.username.as_str()).await.expect("read").expect("a user");
        let (digest, _) = make(db, &by.username, after(60)).await;
        let update = AccountUpdate::Credentials {
            known_hash: known.password_hash,
            email: email.map(|before| format!("{before}{}", known.user.email)),
            password_hash,
            address_before: None,
        };
        change(db, AccountActor::Itself(by.clone()), &by.username, update).await.expect("changed");
        refused(reset(db, digest, &by.username, "$test$stolen").await, ErrorCode::InvalidRequest);
    }
}

/// An account has so many tokens at a time that have not expired; one that is disabled gets none.
pub async fn one_time_tokens_are_few(db: &dyn Database) {
    let user = user(db).await;
    let name = &user.username;
    make(db, name, now()).await;
    for _ in 0..MAX_ONE_TIME_TOKENS {
        assert!(make(db, name, after(60)).await.1, "one that has expired does not count");
    }
    let request = AccountUpdate::TokenRequest(PURPOSE);
    let (beyond, made) = make(db, name, after(60)).await;
    assert!(!made && db.one_time_holder(&beyond, PURPOSE, now()).await.expect("read").is_none());
    assert!(!change(db, AccountActor::Registry, name, request.clone()).await.expect("allowed").changed);
    let other = super::world::disabled_user(db).await;
    assert!(!make(db, &other.username, after(60)).await.1);
    assert!(!change(db, AccountActor::Registry, &other.username, request).await.expect("allowed").changed);
}

/// An administrator makes a token for somebody else; nobody else does.
pub async fn an_administrator_makes_one_time_tokens(db: &dyn Database) {
    let (user, admin, stranger) = (user(db).await, admin(db).await, actor(db).await);
    let digest = OneTimeSecret::generate().digest();
    let update = AccountUpdate::OneTimeToken(OneTimeToken { digest, purpose: PURPOSE, expires_at: after(60) });
    let of_stranger = change(db, AccountActor::Admin(stranger), &user.username, update.clone()).await;
    refused(of_stranger, ErrorCode::Forbidden);
    assert_eq!(db.one_time_holder(&digest, PURPOSE, now()).await.expect("read"), None);
    let made = change(db, AccountActor::Admin(admin.clone()), &user.username, update).await.expect("an administrator");
    assert!(made.changed);
    assert!(db.one_time_holder(&digest, PURPOSE, now()).await.expect("read").is_some());
    // The link is for its user: an administrator sets no password in place of the user.
    let password = AccountUpdate::Password { hash: "$test$set".into() };
    refused(change(db, AccountActor::Admin(admin), &user.username, password).await, ErrorCode::Unauthorized);
}

/// Expired tokens are deleted with the revocations of sessions.
pub async fn expired_one_time_tokens_are_forgotten(db: &dyn Database) {
    let user = user(db).await;
    let (short, _) = make(db, &user.username, after(30)).await;
    let (long, _) = make(db, &user.username, after(90)).await;
    db.forget_sessions(after(60)).await.expect("forgotten");
    assert_eq!(db.one_time_holder(&short, PURPOSE, now()).await.expect("read"), None);
    assert!(db.one_time_holder(&long, PURPOSE, now()).await.expect("read").is_some());
}
