//! The commands that a store handles, all through one method.

use std::{fmt::Debug, sync::Arc};

use super::{
    AccountChange, AccountFacts, BeginSession, BeginSessionFacts, CallerFacts, ChangedAccount, Command, Decision,
    DeleteAccount, DeleteAccountFacts, DropAged, DropAgedFacts, EndSession, EndSessionFacts, Invalidation, LogOut,
    MemberChange, MemberFacts, NewScope, NewScopeFacts, NewToken, NewTokenFacts, NewUser, NewUserFacts, OldVersions,
    OldVersionsFacts, PackageCommand, PackageFacts, PackageReads, PublisherCommand, PublisherFacts, RemoveOldVersions,
    ResourceRequest, RevokePublisherToken, RevokePublisherTokenFacts, RevokeToken, RevokeTokenFacts, ScopePolicyChange,
    ScopePolicyFacts, SecondFactorChange, SecondFactorFacts, SetReadOnly, SetReadOnlyFacts, TellOfToken,
    TellOfTokenFacts, TokenExchange, TokenExchangeFacts, TokenRevocation, TokenRevocationFacts, Write,
};
use crate::{
    error::Result,
    types::{Asked, ReadOnlyMode, TrustedPublisher, UserId},
};

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

impl<C: PackageCommand> Command for C {
    type Facts = PackageFacts;
    type Answer = C::Answer;
    type Write<'a> = Write<'a>;
    type Request = Arc<dyn PackageRequest>;

    fn decision<'a>(&'a self, facts: &PackageFacts) -> Result<Decision<'a, C::Answer>> {
        self.decide(facts)
    }

    fn invalidation(&self, _: Option<&C::Answer>) -> Invalidation {
        Invalidation::Metadata(PackageCommand::invalidates(self))
    }

    fn request(asked: Arc<Asked<Self, C::Answer>>) -> Arc<dyn PackageRequest> {
        asked
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

impl From<Arc<dyn PackageRequest>> for Request {
    fn from(asked: Arc<dyn PackageRequest>) -> Self {
        Self::Package(asked)
    }
}

impl From<ResourceRequest> for Request {
    fn from(request: ResourceRequest) -> Self {
        Self::Resource(request)
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
            /// Changes a resource.
            Resource(ResourceRequest),
            $($(#[$doc])* $name(Arc<Asked<$command, $answer>>),)+
        }

        impl Request {
            /// What caches have to drop once the command is done. Before it is decided, an answer that
            /// depends on the decision names no user.
            pub fn invalidation(&self) -> Invalidation {
                match self {
                    Self::Package(asked) => asked.invalidation(),
                    // No cache holds a resource.
                    Self::Resource(_) => Invalidation::Nothing,
                    $(Self::$name(asked) => asked.invalidation(),)+
                }
            }
        }

        $(
            impl Command for $command {
                type Facts = $facts;
                type Answer = $answer;
                type Write<'a> = Write<'a>;
                type Request = Request;

                fn decision<'a>(&'a self, facts: &$facts) -> Result<Decision<'a, $answer>> {
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
    /// Makes a scope.
    CreateScope(NewScope, NewScopeFacts) -> (), invalidation |_, _| Invalidation::Nothing;
    /// Sets or removes a member of a scope.
    ChangeMember(MemberChange, MemberFacts) -> (), invalidation |change, _| Invalidation::Metadata(change.invalidates());
    /// Sets what a scope demands of those who change something in it.
    ChangeScopePolicy(ScopePolicyChange, ScopePolicyFacts) -> (), invalidation |change, _| {
        Invalidation::Metadata(change.invalidates())
    };
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
}
