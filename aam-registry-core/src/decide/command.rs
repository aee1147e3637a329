//! The commands that a store handles, all through one method.

use std::{fmt::Debug, sync::Arc};

use super::{
    AccountChange, AccountFacts, BeginSession, BeginSessionFacts, CallerFacts, ChangedAccount, CloseReport,
    CloseReportFacts, Decision, DeleteAccount, DeleteAccountFacts, DropAged, DropAgedFacts, EnableOperatorWebhook,
    EndSession, EndSessionFacts, InvitationChange, InvitationFacts, LogOut, MemberChange, MemberFacts, NewReport,
    NewReportFacts, NewScope, NewScopeFacts, NewToken, NewTokenFacts, NewUser, NewUserFacts, OldVersions,
    OldVersionsFacts, OperatorWebhookFacts, OperatorWebhookReport, PackageCommand, PackageFacts, PackageReads,
    PublisherCommand, PublisherFacts, RemoveOldVersions, RevokePublisherToken, RevokePublisherTokenFacts, RevokeToken,
    RevokeTokenFacts, ScopePolicyChange, ScopePolicyFacts, SecondFactorChange, SecondFactorFacts, SetReadOnly,
    SetReadOnlyFacts, TellOfToken, TellOfTokenFacts, TokenExchange, TokenExchangeFacts, TokenRevocation,
    TokenRevocationFacts, WebhookCommand, WebhookFacts, WebhookReport, WebhookReportFacts,
};
use crate::{
    error::Result,
    types::{
        Asked, Change, NamedReport, OperatorWebhookState, ReadOnlyMode, Report, ScopeWebhook, TrustedPublisher, UserId,
    },
};

/// Something that is to be changed in a store, decided by facts that the store loads.
///
/// A command about a package that exists is a [`PackageCommand`]; any other one is a line of the list in
/// this file.
pub trait Command: Clone + Debug + Send + Sync + 'static {
    /// What it is decided by.
    type Facts;
    /// The answer to the caller.
    type Answer: Debug + Send + 'static;

    /// What follows from it.
    ///
    /// # Errors
    /// What the command refuses.
    fn decision(&self, facts: &Self::Facts) -> Result<Decision<'_, Self::Answer>>;

    /// What caches have to drop once the command is done. `answer` is what was decided, if anything was.
    fn invalidation(&self, answer: Option<&Self::Answer>) -> Invalidation;

    /// The command as a store takes it.
    fn request(asked: Arc<Asked<Self, Self::Answer>>) -> Request;
}

/// What caches have to drop after a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// Nothing that is cached.
    Nothing,
    /// Metadata.
    Metadata(Change),
    /// Cached credentials, and in caches that replicas share the sessions of this user.
    Credentials(Option<UserId>),
    /// All metadata, which shows the names of owners, and the credentials of this user.
    Account(Option<UserId>),
}

impl Invalidation {
    /// Whose credentials caches have to drop, where that is known.
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::Credentials(user) | Self::Account(user) => user,
            Self::Nothing | Self::Metadata(_) => None,
        }
    }
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
    fn invalidation(&self) -> Invalidation;
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
    pub fn invalidation(&self) -> Invalidation {
        self.look(|answer| self.question().invalidation(answer))
    }
}

impl<C: PackageCommand> Command for C {
    type Facts = PackageFacts;
    type Answer = C::Answer;

    fn decision(&self, facts: &PackageFacts) -> Result<Decision<'_, C::Answer>> {
        self.decide(facts)
    }

    fn invalidation(&self, _: Option<&C::Answer>) -> Invalidation {
        Invalidation::Metadata(PackageCommand::invalidates(self))
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

    fn invalidation(&self) -> Invalidation {
        self.invalidation()
    }
}

macro_rules! requests {
    ($(
        $(#[$doc:meta])*
        $name:ident($command:ty, $facts:ty) -> $answer:ty, invalidation |$this:pat_param, $found:pat_param| $invalidation:expr;
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
            pub fn invalidation(&self) -> Invalidation {
                match self {
                    Self::Package(asked) => asked.invalidation(),
                    $(Self::$name(asked) => asked.invalidation(),)+
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

                fn invalidation(&self, answer: Option<&$answer>) -> Invalidation {
                    let ($this, $found) = (self, answer);
                    $invalidation
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
    CreateUser(NewUser, NewUserFacts) -> (), invalidation |_, _| Invalidation::Nothing;
    /// Changes an account.
    ChangeAccount(AccountChange, AccountFacts) -> ChangedAccount,
        invalidation |_, changed| Invalidation::Credentials(changed.map(|changed| changed.user.id));
    /// Deletes an account.
    DeleteAccount(DeleteAccount, DeleteAccountFacts) -> UserId, invalidation |_, user| {
        Invalidation::Account(user.copied())
    };
    /// Makes an API token.
    CreateToken(NewToken, NewTokenFacts) -> (), invalidation |_, _| Invalidation::Nothing;
    /// Revokes an API token, for its user.
    RevokeToken(RevokeToken, RevokeTokenFacts) -> (), invalidation |_, _| Invalidation::Credentials(None);
    /// Revokes API tokens, for the operator; gives how many were valid.
    RevokeTokens(TokenRevocation, TokenRevocationFacts) -> u64, invalidation |_, _| Invalidation::Credentials(None);
    /// Ends a login session.
    LogOut(LogOut, CallerFacts) -> (), invalidation |log_out, _| Invalidation::Credentials(Some(log_out.actor.user));
    /// Records a login session that begins. Tells whether its user has logged in before, but never from this
    /// [place](crate::types::LoginClient::place).
    BeginSession(BeginSession, BeginSessionFacts) -> bool, invalidation |_, _| Invalidation::Nothing;
    /// Ends a login session, for its user.
    EndSession(EndSession, EndSessionFacts) -> (), invalidation |end, _| Invalidation::Credentials(Some(end.actor.user));
    /// Enrolls, confirms, uses or removes the second factor of an account.
    ChangeSecondFactor(SecondFactorChange, SecondFactorFacts) -> UserId,
        invalidation |change, user| {
            if change.changes_logins() { Invalidation::Credentials(user.copied()) } else { Invalidation::Nothing }
        };
    /// Notes that the user of a token is told something; gives whether that is new.
    TellOfToken(TellOfToken, TellOfTokenFacts) -> bool, invalidation |_, _| Invalidation::Nothing;
    /// Makes or revokes an invitation.
    ChangeInvitation(InvitationChange, InvitationFacts) -> (), invalidation |_, _| Invalidation::Nothing;
    /// Makes a scope.
    CreateScope(NewScope, NewScopeFacts) -> (), invalidation |_, _| Invalidation::Nothing;
    /// Sets or removes a member of a scope.
    ChangeMember(MemberChange, MemberFacts) -> (), invalidation |change, _| Invalidation::Metadata(change.invalidates());
    /// Sets what a scope demands of those who change something in it.
    ChangeScopePolicy(ScopePolicyChange, ScopePolicyFacts) -> (), invalidation |change, _| {
        Invalidation::Metadata(change.invalidates())
    };
    /// Makes, changes, deletes or tests a webhook, or sends a delivery again. Gives the webhook as it is
    /// then, or was before it was deleted.
    ChangeWebhook(WebhookCommand, WebhookFacts) -> ScopeWebhook, invalidation |_, _| Invalidation::Nothing;
    /// Reports a package to the moderators.
    ReportPackage(NewReport, NewReportFacts) -> Report, invalidation |_, _| Invalidation::Nothing;
    /// Closes a report.
    CloseReport(CloseReport, CloseReportFacts) -> NamedReport, invalidation |_, _| Invalidation::Nothing;
    /// Notes how a delivery ended. Gives the webhook if that disabled it.
    ReportDelivery(WebhookReport, WebhookReportFacts) -> Option<ScopeWebhook>, invalidation |_, _| Invalidation::Nothing;
    /// Notes how a delivery to a webhook of the operator ended. Gives its state if that disabled it.
    ReportOperatorDelivery(OperatorWebhookReport, OperatorWebhookFacts) -> Option<OperatorWebhookState>,
        invalidation |_, _| Invalidation::Nothing;
    /// Adds or removes a trusted publisher of a package, or sets whether nobody else may publish it. Gives
    /// the publisher that was added or removed.
    ChangePublisher(PublisherCommand, PublisherFacts) -> Option<TrustedPublisher>, invalidation |_, _| Invalidation::Nothing;
    /// Swaps an ID token for a token of the trusted publisher that it is of. Gives the publisher.
    ExchangeIdToken(TokenExchange, TokenExchangeFacts) -> TrustedPublisher, invalidation |_, _| Invalidation::Nothing;
    /// Revokes a token of a trusted publisher that was found where others can read it. `false` if it was not in force.
    RevokePublisherToken(RevokePublisherToken, RevokePublisherTokenFacts) -> bool, invalidation |_, _| Invalidation::Nothing;
    /// Switches read-only mode on or off. Gives the mode that the registry is in then.
    SetReadOnly(SetReadOnly, SetReadOnlyFacts) -> Option<ReadOnlyMode>, invalidation |_, _| Invalidation::Nothing;
    /// Removes old versions of a package that nobody uses. Gives what became of them.
    RemoveOldVersions(RemoveOldVersions, OldVersionsFacts) -> OldVersions,
        invalidation |removal, _| Invalidation::Metadata(removal.invalidates());
    /// Deletes rows that have aged. Gives whether there were any.
    DropAged(DropAged, DropAgedFacts) -> bool, invalidation |_, _| Invalidation::Nothing;
    /// Puts a webhook of the operator to use again. `false` if it was not disabled.
    EnableOperatorWebhook(EnableOperatorWebhook, OperatorWebhookFacts) -> bool, invalidation |_, _| Invalidation::Nothing;
}
