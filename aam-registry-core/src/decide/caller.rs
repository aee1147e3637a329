//! Whether the acting user may act at all.

use jiff::Timestamp;

use super::{Action, PublisherOf, Rights};
use crate::{
    error::{Error, Result},
    types::{AccountRoles, Actor, Credential, PackageName, ScopeRole, UserId, is_expired, is_session_ended},
};

/// The facts about the acting user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerFacts {
    /// The account; `None` if it does not exist.
    pub account: Option<CallerAccount>,
    /// Whether the session that the actor acts with was revoked, apart from other sessions.
    pub session_revoked: bool,
    /// The token that the actor acts with, if it belongs to the user and was not revoked.
    pub token: Option<CallerToken>,
    /// The trusted publisher whose token the actor acts with, where both are there.
    pub publisher: Option<CallerPublisher>,
}

/// The facts about the account of the acting user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerAccount {
    /// What it is in the whole registry.
    pub roles: AccountRoles,
    /// Whether it is disabled.
    pub disabled: bool,
    /// How often all its sessions were ended.
    pub session_generation: u64,
    /// The session that stayed valid when the others were last ended.
    pub kept_session: Option<String>,
    /// Whether it has a second factor that is confirmed.
    pub has_second_factor: bool,
}

/// The facts about the token that the user acts with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallerToken {
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
}

/// What is known of the trusted publisher that acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerPublisher {
    /// The package that it may publish.
    pub package: PackageName,
    /// Whether it waits for the package to be made.
    pub pending: bool,
    /// When the token stops working.
    pub expires_at: Timestamp,
    /// The user who added it.
    pub created_by: UserId,
    /// Whether that account is there and not disabled.
    pub creator_is_enabled: bool,
    /// The role of that user in the scope of the package's name.
    pub creator_role: Option<ScopeRole>,
}

impl CallerFacts {
    /// Requires that the actor exists, is not disabled and holds a live
    /// credential; gives the rights of one who has no role in a package or scope.
    ///
    /// # Errors
    /// [`Error::Unauthorized`].
    pub fn require_live(&self, actor: &Actor, now: Timestamp) -> Result<Rights> {
        if actor.is_publisher() {
            let publisher = self.publisher.as_ref().filter(|publisher| publisher.expires_at > now);
            publisher.ok_or_else(Error::credential_ended)?;
            return Ok(Rights { publisher: Some(PublisherOf::Another), ..Rights::default() });
        }
        let account = self.account.as_ref().filter(|account| !account.disabled && self.is_alive(account, actor, now));
        account.ok_or_else(Error::credential_ended)?;
        Ok(Rights::of_account(self.acting_roles(actor)))
    }

    /// Requires in addition that the actor may do `action` with what is the actor's own.
    ///
    /// # Errors
    /// [`Error::Unauthorized`], [`Error::Forbidden`].
    pub fn require_self(&self, actor: &Actor, now: Timestamp, action: Action) -> Result<()> {
        self.require_live(actor, now)?.require_self(action)
    }

    /// Whether the actor's account has no second factor, though the registry knows of those. It does not know those of
    /// a host that checks logins itself, and machines and the operator's commands have none.
    pub(super) fn lacks_second_factor(&self, actor: &Actor) -> bool {
        let is_checked = matches!(actor.credential, Credential::Session { .. } | Credential::Token(_));
        is_checked && self.account.as_ref().is_some_and(|account| !account.has_second_factor)
    }

    /// The roles of the account in which the actor may act, where the credential is alive.
    pub fn acting_roles(&self, actor: &Actor) -> AccountRoles {
        let account = self.account.as_ref().filter(|account| !account.disabled);
        account.map_or(AccountRoles::NONE, |account| account.roles.intersection(actor.roles))
    }

    fn is_alive(&self, account: &CallerAccount, actor: &Actor, now: Timestamp) -> bool {
        match &actor.credential {
            Credential::Session { id, generation, expires_at } => {
                let kept = account.kept_session.as_deref();
                *expires_at > now
                    && !self.session_revoked
                    && !is_session_ended(id, *generation, account.session_generation, kept)
            }
            Credential::Token(_) => self.token.is_some_and(|token| !is_expired(token.expires_at, now)),
            Credential::Operator | Credential::Host => true,
            // It has no account; what it acts with was checked before.
            Credential::Publisher { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::types::{AccountRole, TokenId, UserId};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn actor(credential: Credential) -> Actor {
        let username = "ada".parse().expect("a name");
        Actor { user: UserId::generate(), username, credential, roles: AccountRoles::all() }
    }

    fn session(generation: u64, seconds: i64) -> Actor {
        let expires_at = NOW + SignedDuration::from_secs(seconds);
        actor(Credential::Session { id: "one".into(), generation, expires_at })
    }

    fn facts(account: CallerAccount) -> CallerFacts {
        CallerFacts { account: Some(account), ..CallerFacts::default() }
    }

    #[test]
    fn a_session_ends_in_four_ways() {
        let alive = |facts: &CallerFacts, actor: Actor| facts.require_live(&actor, NOW).is_ok();
        let account = CallerAccount { session_generation: 1, ..CallerAccount::default() };
        assert!(alive(&facts(account.clone()), session(1, 1)));
        assert!(!alive(&facts(account.clone()), session(1, 0)), "it expired");
        assert!(!alive(&facts(account.clone()), session(0, 1)), "all were ended");
        let kept = CallerAccount { kept_session: Some("one".into()), ..account.clone() };
        assert!(alive(&facts(kept), session(0, 1)), "all but this one were ended");
        assert!(!alive(&CallerFacts { session_revoked: true, ..facts(account.clone()) }, session(1, 1)));
        assert!(!alive(&facts(CallerAccount { disabled: true, ..account }), session(1, 1)));
        assert!(!alive(&CallerFacts::default(), session(0, 1)), "nobody");
    }

    #[test]
    fn a_token_has_to_be_there_and_not_expired() {
        let with = actor(Credential::Token(TokenId::generate()));
        let alive = |token| {
            let facts = CallerFacts { token, ..facts(CallerAccount::default()) };
            facts.require_live(&with, NOW).is_ok()
        };
        assert!(!alive(None));
        assert!(alive(Some(CallerToken { expires_at: None })));
        assert!(alive(Some(CallerToken { expires_at: Some(NOW + SignedDuration::from_secs(1)) })));
        assert!(!alive(Some(CallerToken { expires_at: Some(NOW) })));
    }

    #[test]
    fn a_user_acts_in_a_role_only_with_a_credential_that_allows_it() {
        for role in AccountRole::ALL {
            let facts = |roles| facts(CallerAccount { roles, ..CallerAccount::default() });
            let acting = |facts: CallerFacts, roles| {
                facts.require_live(&Actor { roles, ..actor(Credential::Host) }, NOW).expect("alive").account
            };
            let (alone, all, none) = (AccountRoles::from(role), AccountRoles::all(), AccountRoles::NONE);
            assert_eq!(acting(facts(alone), all), alone);
            assert_eq!(acting(facts(all), alone), alone);
            assert_eq!(acting(facts(alone), all.without(alone)), none);
            assert_eq!(acting(facts(none), all), none);
        }
    }
}
