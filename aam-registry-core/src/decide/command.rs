//! The commands that a store handles, all through one method.

use std::{fmt::Debug, sync::Arc};

use super::{
    AccountChange, AccountFacts, BeginSession, BeginSessionFacts, CallerFacts, ChangedAccount, Decision,
    EnableOperatorWebhook, EndSession, EndSessionFacts, LogOut, MemberChange, MemberFacts, NewScope, NewScopeFacts,
    NewToken, NewUser, NewUserFacts, OperatorWebhookFacts, OperatorWebhookReport, PackageCommand, PackageFacts,
    PackageReads, RevokeToken, RevokeTokenFacts, TokenRevocation, TokenRevocationFacts, WebhookCommand, WebhookFacts,
    WebhookReport, WebhookReportFacts,
};
use crate::{
    error::Result,
    types::{Asked, Change, OperatorWebhookState, ScopeWebhook, UserId},
};

/// Something that is to be changed in a store, decided by facts that the store loads.
///
/// A command about a package that exists is a [`PackageCommand`]; any other one is a line of the list in
/// this file.
pub trait Command: Clone + Debug + Send + Sync + 'static {
    /// What it is decided by.
    type Facts;
    /// What whoever asked is told.
    type Answer: Debug + Send + 'static;

    /// What follows from it.
    ///
    /// # Errors
    /// What the command refuses.
    fn decision(&self, facts: &Self::Facts) -> Result<Decision<'_, Self::Answer>>;

    /// What caches have to drop once the command is done. `answer` is what was decided, if anything was.
    fn stale(&self, answer: Option<&Self::Answer>) -> Stale;

    /// The command as a store takes it.
    fn request(asked: Arc<Asked<Self, Self::Answer>>) -> Request;
}

/// What caches have to drop after a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stale {
    /// Nothing that is cached.
    Nothing,
    /// Metadata.
    Metadata(Change),
    /// Cached credentials, and in caches that replicas share the sessions of this user.
    Credentials(Option<UserId>),
}

/// A command about a package, whichever it is.
pub trait PackageRequest: Debug + Send + Sync + 'static {
    /// What has to be loaded.
    fn reads(&self) -> PackageReads<'_>;

    /// Decides, and stores the answer for whoever asked.
    ///
    /// # Errors
    /// What the command refuses.
    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, ()>>;

    /// What caches have to drop.
    fn stale(&self) -> Stale;
}

impl<C: Command> Asked<C, C::Answer> {
    /// Decides, and stores the answer for whoever asked.
    ///
    /// # Errors
    /// What the command refuses.
    pub fn decide(&self, facts: &C::Facts) -> Result<Decision<'_, ()>> {
        let Decision { answer, changes } = self.question().decision(facts)?;
        self.answer(answer);
        Ok(Decision { answer: (), changes })
    }

    /// What caches have to drop.
    pub fn stale(&self) -> Stale {
        self.look(|answer| self.question().stale(answer))
    }
}

impl<C: PackageCommand> Command for C {
    type Facts = PackageFacts;
    type Answer = C::Answer;

    fn decision(&self, facts: &PackageFacts) -> Result<Decision<'_, C::Answer>> {
        self.decide(facts)
    }

    fn stale(&self, _: Option<&C::Answer>) -> Stale {
        Stale::Metadata(PackageCommand::invalidates(self))
    }

    fn request(asked: Arc<Asked<Self, C::Answer>>) -> Request {
        Request::Package(asked)
    }
}

impl<C: PackageCommand> PackageRequest for Asked<C, C::Answer> {
    fn reads(&self) -> PackageReads<'_> {
        self.question().reads()
    }

    fn decide(&self, facts: &PackageFacts) -> Result<Decision<'_, ()>> {
        self.decide(facts)
    }

    fn stale(&self) -> Stale {
        self.stale()
    }
}

macro_rules! requests {
    ($(
        $(#[$doc:meta])*
        $name:ident($command:ty, $facts:ty) -> $answer:ty, stale |$this:pat_param, $found:pat_param| $stale:expr;
    )+) => {
        /// A command as a store takes it.
        #[derive(Clone, Debug)]
        pub enum Request {
            /// Changes a package.
            Package(Arc<dyn PackageRequest>),
            $($(#[$doc])* $name(Arc<Asked<$command, $answer>>),)+
        }

        impl Request {
            /// What caches have to drop once the command is done. Before it is decided, an answer that
            /// depends on the decision names no user.
            pub fn stale(&self) -> Stale {
                match self {
                    Self::Package(asked) => asked.stale(),
                    $(Self::$name(asked) => asked.stale(),)+
                }
            }
        }

        $(
            impl Command for $command {
                type Facts = $facts;
                type Answer = $answer;

                fn decision(&self, facts: &$facts) -> Result<Decision<'_, $answer>> {
                    self.decide(facts)
                }

                fn stale(&self, answer: Option<&$answer>) -> Stale {
                    let ($this, $found) = (self, answer);
                    $stale
                }

                fn request(asked: Arc<Asked<Self, $answer>>) -> Request {
                    Request::$name(asked)
                }
            }
        )+
    };
}

requests! {
    /// Makes an account and the scope of its name.
    CreateUser(NewUser, NewUserFacts) -> (), stale |_, _| Stale::Nothing;
    /// Changes an account.
    ChangeAccount(AccountChange, AccountFacts) -> ChangedAccount,
        stale |_, changed| Stale::Credentials(changed.map(|changed| changed.user.id));
    /// Makes an API token.
    CreateToken(NewToken, CallerFacts) -> (), stale |_, _| Stale::Nothing;
    /// Revokes an API token, for its user.
    RevokeToken(RevokeToken, RevokeTokenFacts) -> (), stale |_, _| Stale::Credentials(None);
    /// Revokes API tokens, for the operator; gives how many were valid.
    RevokeTokens(TokenRevocation, TokenRevocationFacts) -> u64, stale |_, _| Stale::Credentials(None);
    /// Ends a login session.
    LogOut(LogOut, CallerFacts) -> (), stale |log_out, _| Stale::Credentials(Some(log_out.actor.user));
    /// Records a login session that begins. Tells whether its user has logged in before, but never from this
    /// [place](crate::types::LoginClient::place).
    BeginSession(BeginSession, BeginSessionFacts) -> bool, stale |_, _| Stale::Nothing;
    /// Ends a login session, for its user.
    EndSession(EndSession, EndSessionFacts) -> (), stale |end, _| Stale::Credentials(Some(end.actor.user));
    /// Makes a scope.
    CreateScope(NewScope, NewScopeFacts) -> (), stale |_, _| Stale::Nothing;
    /// Sets or removes a member of a scope.
    ChangeMember(MemberChange, MemberFacts) -> (), stale |change, _| Stale::Metadata(change.invalidates());
    /// Makes, changes, deletes or tests a webhook, or sends a delivery again. Gives the webhook as it is
    /// then, or was before it was deleted.
    ChangeWebhook(WebhookCommand, WebhookFacts) -> ScopeWebhook, stale |_, _| Stale::Nothing;
    /// Notes how a delivery ended. Gives the webhook if that disabled it.
    ReportDelivery(WebhookReport, WebhookReportFacts) -> Option<ScopeWebhook>, stale |_, _| Stale::Nothing;
    /// Notes how a delivery to a webhook of the operator ended. Gives its state if that disabled it.
    ReportOperatorDelivery(OperatorWebhookReport, OperatorWebhookFacts) -> Option<OperatorWebhookState>,
        stale |_, _| Stale::Nothing;
    /// Puts a webhook of the operator to use again. `false` if it was not disabled.
    EnableOperatorWebhook(EnableOperatorWebhook, OperatorWebhookFacts) -> bool, stale |_, _| Stale::Nothing;
}
