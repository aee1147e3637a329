//! The second factor of an account: enrolling, using and removing it.

use jiff::Timestamp;

use super::{Action, CallerFacts, Changes, Decision, Write};
use crate::{
    error::{Error, Result},
    types::{Actor, NewAuditEntry, SealedSecret, SecondFactor, Sha256Digest, UserId, Username},
};

/// A change of the second factor of an account.
#[derive(Clone, Debug)]
pub struct SecondFactorChange {
    /// Whose it is.
    pub username: Username,
    /// What is done.
    pub update: SecondFactorUpdate,
    /// The instant.
    pub now: Timestamp,
    /// What the audit log shall say.
    pub audit: Option<NewAuditEntry>,
}

/// What is done with a second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondFactorUpdate {
    /// The user begins to enroll one, which is not needed before it is confirmed.
    Begin {
        /// The user.
        actor: Actor,
        /// The sealed seed.
        secret: SealedSecret,
    },
    /// The user shows to have it. From then on logins need it.
    Confirm {
        /// The user.
        actor: Actor,
        /// The code.
        code: UsedCode,
        /// The digests of the recovery codes.
        recovery_codes: Vec<Sha256Digest>,
    },
    /// Somebody who knows the password logs in with it.
    Use(UsedCode),
    /// The user removes it.
    Disable {
        /// The user.
        actor: Actor,
        /// The code.
        code: UsedCode,
    },
    /// The operator removes it, for a user who has lost it.
    Reset,
}

/// A code that was found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UsedCode {
    /// One of the seed.
    Step {
        /// The sealed seed that it is of.
        secret: SealedSecret,
        /// The step that it is of.
        step: u64,
    },
    /// The recovery code with this digest.
    Recovery(Sha256Digest),
}

/// What a change of a second factor is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecondFactorFacts {
    /// The account; `None` where there is none.
    pub user: Option<UserId>,
    /// Its second factor.
    pub factor: Option<SecondFactor>,
    /// Who acts, where that is a [user](SecondFactorChange::actor).
    pub caller: CallerFacts,
}

impl SecondFactorChange {
    /// The user who acts, where there is one.
    pub fn actor(&self) -> Option<&Actor> {
        match &self.update {
            SecondFactorUpdate::Begin { actor, .. }
            | SecondFactorUpdate::Confirm { actor, .. }
            | SecondFactorUpdate::Disable { actor, .. } => Some(actor),
            SecondFactorUpdate::Use(_) | SecondFactorUpdate::Reset => None,
        }
    }

    /// Whether logins may need a second factor afterwards and needed none before, or the other way round.
    pub(super) fn changes_logins(&self) -> bool {
        !matches!(self.update, SecondFactorUpdate::Begin { .. } | SecondFactorUpdate::Use(_))
    }

    /// What the second factor becomes. Gives whose it is.
    ///
    /// # Errors
    /// [`Error::UserNotFound`]; [`Error::Unauthorized`], [`Error::Forbidden`]; [`Error::OtpInvalid`] for a code that
    /// was used, or is of another seed; [`Error::InvalidRequest`] where there is a second factor already, or none.
    pub fn decide(&self, facts: &SecondFactorFacts) -> Result<Decision<'_, UserId>> {
        let user = facts.user.ok_or_else(|| Error::UserNotFound(self.username.clone()))?;
        if let Some(actor) = self.actor() {
            facts.caller.require_self(actor, self.now, Action::ChangeSecondFactor)?;
            if actor.user != user {
                return Err(Error::credential_ended());
            }
        }
        let confirmed = facts.factor.as_ref().filter(|factor| factor.is_confirmed);
        let after = match &self.update {
            SecondFactorUpdate::Begin { .. } if confirmed.is_some() => {
                return Err(Error::invalid_request(
                    "The account has a second factor already; disable it first: `aam otp disable`",
                ));
            }
            SecondFactorUpdate::Begin { secret, .. } => Some(SecondFactor {
                secret: secret.clone(),
                is_confirmed: false,
                last_step: 0,
                recovery_codes: Vec::new(),
            }),
            SecondFactorUpdate::Confirm { code, recovery_codes, .. } => {
                let begun = facts.factor.as_ref().filter(|factor| !factor.is_confirmed);
                let begun =
                    begun.ok_or_else(|| Error::invalid_request("No second factor waits for a code; begin anew"))?;
                let recovery_codes = recovery_codes.clone();
                Some(SecondFactor { is_confirmed: true, recovery_codes, ..used(begun, code)? })
            }
            SecondFactorUpdate::Use(code) => Some(used(confirmed.ok_or(Error::OtpInvalid)?, code)?),
            SecondFactorUpdate::Disable { code, .. } => {
                used(confirmed.ok_or_else(none_enabled)?, code)?;
                None
            }
            SecondFactorUpdate::Reset => {
                facts.factor.as_ref().ok_or_else(none_enabled)?;
                None
            }
        };
        let changes = Changes {
            writes: vec![Write::SetSecondFactor { user, factor: after }],
            audit: self.audit.iter().cloned().collect(),
            invalidates: None,
        };
        Ok(Decision { answer: user, changes })
    }
}

fn none_enabled() -> Error {
    Error::invalid_request("The account has no second factor")
}

/// The factor after the use of a code.
fn used(factor: &SecondFactor, code: &UsedCode) -> Result<SecondFactor> {
    let mut after = factor.clone();
    match code {
        UsedCode::Step { secret, step } if *secret == factor.secret && *step > factor.last_step => {
            after.last_step = *step;
        }
        UsedCode::Recovery(digest) if factor.recovery_codes.contains(digest) => {
            after.recovery_codes.retain(|one| one != digest);
        }
        UsedCode::Step { .. } | UsedCode::Recovery(_) => return Err(Error::OtpInvalid),
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(secret: &str, step: u64) -> UsedCode {
        UsedCode::Step { secret: SealedSecret::new(secret), step }
    }

    fn decide(update: SecondFactorUpdate, factor: Option<SecondFactor>) -> Result<Option<SecondFactor>> {
        let username = "ada".parse().expect("a name");
        let change = SecondFactorChange { username, update, now: Timestamp::UNIX_EPOCH, audit: None };
        let facts = SecondFactorFacts { user: Some(UserId::generate()), factor, caller: CallerFacts::default() };
        let decided = change.decide(&facts)?.changes.writes.into_iter().next();
        Ok(match decided.expect("one write") {
            Write::SetSecondFactor { factor, .. } => factor,
            other => panic!("{other:?}"),
        })
    }

    fn factor(is_confirmed: bool) -> SecondFactor {
        let recovery_codes = vec![Sha256Digest::of(b"one"), Sha256Digest::of(b"two")];
        SecondFactor { secret: SealedSecret::new("a"), is_confirmed, last_step: 7, recovery_codes }
    }

    #[test]
    fn a_code_works_once_and_none_before_it() {
        for (step, works) in [(6, false), (7, false), (8, true)] {
            let used = decide(SecondFactorUpdate::Use(code("a", step)), Some(factor(true)));
            assert_eq!(used.is_ok(), works, "{step}");
            if let Ok(Some(after)) = used {
                assert_eq!(after.last_step, step);
            }
        }
        for refused in [
            decide(SecondFactorUpdate::Use(code("b", 8)), Some(factor(true))),
            decide(SecondFactorUpdate::Use(code("a", 8)), Some(factor(false))),
            decide(SecondFactorUpdate::Use(code("a", 8)), None),
        ] {
            assert!(matches!(refused, Err(Error::OtpInvalid)));
        }
    }

    #[test]
    fn a_recovery_code_works_once() {
        let one = SecondFactorUpdate::Use(UsedCode::Recovery(Sha256Digest::of(b"one")));
        let after = decide(one.clone(), Some(factor(true))).expect("right").expect("kept");
        assert_eq!(after.recovery_codes, [Sha256Digest::of(b"two")]);
        assert!(matches!(decide(one, Some(after)), Err(Error::OtpInvalid)));
    }

    #[test]
    fn the_operator_removes_what_was_lost() {
        assert_eq!(decide(SecondFactorUpdate::Reset, Some(factor(true))).expect("removed"), None);
        assert!(matches!(decide(SecondFactorUpdate::Reset, None), Err(Error::InvalidRequest { .. })));
    }
}
