//! Second factors: enrolling, using, removing.

use futures_util::future::join_all;

use super::world::{actor, entry, now, refused};
use crate::{
    decide::{SecondFactorChange, SecondFactorUpdate, UsedCode},
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database, QueryHandlerExt, SecondFactorOf},
    types::{Actor, AuditEvent, SealedSecret, Sha256Digest, Username},
};

fn secret() -> SealedSecret {
    SealedSecret::new("sealed")
}

fn code(step: u64) -> UsedCode {
    UsedCode::Step { secret: secret(), step }
}

fn recovery(code: &str) -> UsedCode {
    UsedCode::Recovery(Sha256Digest::of(code.as_bytes()))
}

async fn change(db: &dyn Database, username: &Username, update: SecondFactorUpdate) -> Result<()> {
    db.execute(&SecondFactorChange { username: username.clone(), update, now: now(), audit: None }).await.map(drop)
}

async fn use_code(db: &dyn Database, actor: &Actor, code: UsedCode) -> Result<()> {
    change(db, &actor.username, SecondFactorUpdate::Use(code)).await
}

/// A user whose logins need a second factor; the code of step 10 was used.
pub(super) async fn enrolled(db: &dyn Database) -> Actor {
    let actor = actor(db).await;
    enrol(db, &actor).await;
    actor
}

/// Gives the user a second factor; the code of step 10 was used.
pub(super) async fn enrol(db: &dyn Database, actor: &Actor) {
    change(db, &actor.username, SecondFactorUpdate::Begin { actor: actor.clone(), secret: secret() })
        .await
        .expect("begun");
    let recovery_codes = vec![Sha256Digest::of(b"one"), Sha256Digest::of(b"two")];
    let update = SecondFactorUpdate::Confirm { actor: actor.clone(), code: code(10), recovery_codes };
    change(db, &actor.username, update).await.expect("confirmed");
}

async fn is_enabled(db: &dyn Database, actor: &Actor) -> bool {
    db.user(actor.user).await.expect("read").expect("a user").otp_enabled
}

/// A second factor is needed once it is confirmed, and is gone when it is disabled.
pub async fn a_second_factor_comes_and_goes(db: &dyn Database) {
    let actor = actor(db).await;
    assert_eq!(db.ask(SecondFactorOf(actor.user)).await.expect("read"), None);
    let begin = SecondFactorUpdate::Begin { actor: actor.clone(), secret: secret() };
    for _ in 0..2 {
        change(db, &actor.username, begin.clone()).await.expect("begun");
        assert!(!is_enabled(db, &actor).await);
    }
    refused(use_code(db, &actor, code(10)).await, ErrorCode::OtpInvalid);
    let confirm = SecondFactorUpdate::Confirm { actor: actor.clone(), code: code(10), recovery_codes: Vec::new() };
    let audit = entry(AuditEvent::UserTotpEnable, &actor);
    let username = actor.username.clone();
    let confirm = SecondFactorChange { username, update: confirm, now: audit.timestamp, audit: Some(audit) };
    db.execute(&confirm).await.expect("confirmed");
    assert!(is_enabled(db, &actor).await);
    assert_eq!(super::world::audit_by(db, &actor).await[0].entry.event, AuditEvent::UserTotpEnable);
    refused(change(db, &actor.username, begin).await, ErrorCode::InvalidRequest);
    let disable = |step| SecondFactorUpdate::Disable { actor: actor.clone(), code: code(step) };
    refused(change(db, &actor.username, disable(10)).await, ErrorCode::OtpInvalid);
    change(db, &actor.username, disable(11)).await.expect("disabled");
    assert!(!is_enabled(db, &actor).await);
    assert_eq!(db.ask(SecondFactorOf(actor.user)).await.expect("read"), None);
}

/// A code of one step works once, and none of an earlier step after it; a recovery code works once.
pub async fn a_code_works_once(db: &dyn Database) {
    let actor = enrolled(db).await;
    for step in [9, 10] {
        refused(use_code(db, &actor, code(step)).await, ErrorCode::OtpInvalid);
    }
    use_code(db, &actor, code(12)).await.expect("new");
    refused(use_code(db, &actor, code(11)).await, ErrorCode::OtpInvalid);
    use_code(db, &actor, recovery("one")).await.expect("not used yet");
    refused(use_code(db, &actor, recovery("one")).await, ErrorCode::OtpInvalid);
    let factor = db.ask(SecondFactorOf(actor.user)).await.expect("read").expect("a factor");
    assert_eq!((factor.last_step, factor.recovery_codes), (12, vec![Sha256Digest::of(b"two")]));
}

/// Of several who use one code at once, one is let in.
pub async fn of_uses_of_a_code_at_once_one_counts(db: &dyn Database) {
    let actor = enrolled(db).await;
    for code in [code(20), recovery("two")] {
        let uses = join_all((0..5).map(|_| use_code(db, &actor, code.clone()))).await;
        assert_eq!(uses.iter().filter(|used| used.is_ok()).count(), 1);
    }
}

/// Nobody changes the second factor of another but the operator, who removes it.
pub async fn a_second_factor_is_its_users(db: &dyn Database) {
    let (actor, other) = (enrolled(db).await, actor(db).await);
    let disable = SecondFactorUpdate::Disable { actor: other, code: code(30) };
    refused(change(db, &actor.username, disable).await, ErrorCode::Unauthorized);
    change(db, &actor.username, SecondFactorUpdate::Reset).await.expect("removed");
    assert!(!is_enabled(db, &actor).await);
    refused(change(db, &actor.username, SecondFactorUpdate::Reset).await, ErrorCode::InvalidRequest);
    refused(change(db, &super::world::stranger_name(), SecondFactorUpdate::Reset).await, ErrorCode::UserNotFound);
}
