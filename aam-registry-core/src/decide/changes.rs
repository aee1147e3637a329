//! What a decision changes.

use jiff::Timestamp;

use super::{LatestMove, PublishCommit};
use crate::types::{
    AccountState, Aged, ApprovalStatus, ArchiveKey, Change, DistTag, EvalResult, Gates, InvitationId, LoginSession,
    ModerationCategory, NewAuditEntry, NewJob, OneTimePurpose, OneTimeToken, PackageName, PublisherId,
    PublisherTokenId, ReadOnlyMode, ScopeName, ScopeRole, SecondFactor, Sha256Digest, Token, TokenId, TokenNotice,
    TrustedPublisher, User, UserId, Version, VersionStatus, VersionText, Visibility,
};

/// What was decided: the answer to the caller, and what an adapter applies.
pub type Decision<'a, T> = DecisionOf<T, Write<'a>>;

/// All that an adapter applies in the transaction in which it loaded the facts.
pub type Changes<'a> = ChangesOf<Write<'a>>;

/// What was decided, with writes of the type `W`: a resource has a type of its own for its writes.
#[derive(Clone, Debug)]
pub struct DecisionOf<T, W> {
    /// The answer, once the changes are committed.
    pub answer: T,
    /// All that changes; nothing if nothing has to change.
    pub changes: ChangesOf<W>,
}

/// All that an adapter applies, with writes of the type `W`.
#[derive(Clone, Debug)]
pub struct ChangesOf<W> {
    /// What is written, in this order.
    pub writes: Vec<W>,
    /// The entries of the audit log about it.
    pub audit: Vec<NewAuditEntry>,
    /// The cache entries that this invalidates.
    pub invalidates: Option<Change>,
}

impl<T, W> DecisionOf<T, W> {
    /// The decision that nothing has to change.
    pub(super) fn unchanged(answer: T) -> Self {
        Self { answer, changes: ChangesOf::default() }
    }
}

impl<W> Default for ChangesOf<W> {
    fn default() -> Self {
        Self { writes: Vec::new(), audit: Vec::new(), invalidates: None }
    }
}

/// One write. The facts have shown that it can be applied.
#[derive(Clone, Debug)]
pub enum Write<'a> {
    /// Makes an account and the scope of its name, which it owns.
    CreateUser {
        /// The account.
        user: User,
        /// The hash of its password, in PHC string format.
        password_hash: String,
    },
    /// Replaces the data of an account, which is found by its id.
    UpdateAccount(AccountState),
    /// Adds a one-time token to an account.
    AddOneTimeToken {
        /// Whose.
        user: UserId,
        /// The token.
        token: OneTimeToken,
    },
    /// Removes the one-time tokens of an account.
    EndOneTimeTokens {
        /// Whose.
        user: UserId,
        /// Those of this purpose; `None` for all.
        purpose: Option<OneTimePurpose>,
    },
    /// Makes a token.
    CreateToken {
        /// The token.
        token: Token,
        /// The digest of its secret.
        secret: Sha256Digest,
    },
    /// Revokes tokens.
    RevokeTokens {
        /// Which.
        tokens: Vec<TokenId>,
        /// When.
        at: Timestamp,
    },
    /// Revokes a session.
    RevokeSession {
        /// The user.
        user: UserId,
        /// The id of the session.
        session: String,
        /// When it ends anyway, so that the revocation may be forgotten.
        expires_at: Timestamp,
    },
    /// Makes the second factor of an account what it is from now on; `None` removes it.
    SetSecondFactor {
        /// Whose.
        user: UserId,
        /// The factor. Logins need it if it is confirmed.
        factor: Option<SecondFactor>,
    },
    /// Notes that the user of a token was told something.
    NoteTokenNotice {
        /// Which.
        token: TokenId,
        /// What.
        notice: TokenNotice,
    },
    /// Erases what belongs to an account: memberships, ownership, API tokens, sessions, second factor, one-time
    /// tokens.
    EraseAccount {
        /// Whose.
        user: UserId,
        /// When its API tokens stop working.
        at: Timestamp,
    },
    /// Removes an invitation, which was used.
    RemoveInvitation(InvitationId),
    /// Records a session.
    AddSession(LoginSession),
    /// Forgets a session that was recorded.
    ForgetSession {
        /// The user.
        user: UserId,
        /// The id of the session.
        session: String,
    },
    /// Forgets every session of a user that was recorded, but one.
    ForgetSessions {
        /// The user.
        user: UserId,
        /// The id of the session that stays.
        kept: Option<String>,
    },
    /// Makes a scope.
    CreateScope {
        /// Its name.
        name: ScopeName,
        /// Its first owner.
        owner: UserId,
        /// When.
        created_at: Timestamp,
    },
    /// Sets what a scope demands of those who change something in it.
    SetScopePolicy {
        /// The scope.
        scope: ScopeName,
        /// Whether they need a second factor.
        require_2fa: bool,
    },
    /// Gives a member of a scope a role; `None` removes the member.
    SetMember {
        /// The scope.
        scope: ScopeName,
        /// The member.
        user: UserId,
        /// The role.
        role: Option<ScopeRole>,
    },
    /// Lists an owner with a package, or no longer.
    SetOwner {
        /// The package.
        package: PackageName,
        /// The owner.
        user: UserId,
        /// Whether the user is one.
        owns: bool,
    },
    /// Yanks a version; `None` takes the yank back.
    SetYank {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// When and why.
        yanked: Option<YankState>,
    },
    /// Sets where a version stands.
    SetStatus {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// Where it stands from now on.
        status: VersionStatus,
    },
    /// Records a decision about a version.
    AddApproval {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// The user who decided.
        approver: UserId,
        /// What was decided.
        status: ApprovalStatus,
        /// What the approver says about it.
        comment: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Records why a version is in quarantine, for those who see it and as a recall. Where it is in one already, it
    /// replaces what was recorded.
    OpenRecall {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// Why and by whom.
        quarantine: QuarantineState,
    },
    /// Records that the quarantine of a version ended.
    LiftRecall {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// When.
        at: Timestamp,
    },
    /// Gives up the archive of a version: what is known of its contents goes, its upload counts as abandoned from now
    /// on, so that a sweep deletes its bytes, and the totals count it no more.
    DiscardArchive {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// Where its archive is stored.
        archive: ArchiveKey,
        /// Who gives it up.
        by: UserId,
    },
    /// Sets which tag will name a version once it is approved; `None` for none.
    SetWantedTag {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// The tag.
        tag: Option<DistTag>,
    },
    /// Sets a text of a version; `None` removes it.
    SetText {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// Which text.
        text: VersionText,
        /// What it says.
        value: Option<String>,
    },
    /// Makes a dist-tag other than `latest` name a version.
    SetTag {
        /// The package.
        package: PackageName,
        /// The tag.
        tag: DistTag,
        /// The version.
        version: Version,
    },
    /// Removes dist-tags other than `latest`.
    RemoveTags {
        /// The package.
        package: PackageName,
        /// The tags.
        tags: Vec<DistTag>,
    },
    /// Sets `latest`. If it names another version than before, the package is listed with the data of
    /// that version's manifest; if it names none, the package is not listed.
    MoveLatest {
        /// The package.
        package: PackageName,
        /// What it was and what it is.
        latest: LatestMove,
    },
    /// Makes a package private or public.
    SetVisibility {
        /// The package.
        package: PackageName,
        /// Who may see it from now on.
        visibility: Visibility,
    },
    /// Notes when a package last changed.
    Touch {
        /// The package.
        package: PackageName,
        /// When; never before the instant that stands there.
        at: Timestamp,
    },
    /// Sets the result of an eval of a version, in place of the last one of the same eval.
    PutEval {
        /// The package.
        package: PackageName,
        /// The version.
        version: Version,
        /// The result.
        result: EvalResult,
    },
    /// Sets all gates of a package's dist-tags.
    SetGates {
        /// The package.
        package: PackageName,
        /// The gates.
        gates: Gates,
    },
    /// Queues a job.
    QueueJob(NewJob),
    /// Adds a trusted publisher, or makes it what it is from now on, found by its id.
    PutPublisher(TrustedPublisher),
    /// Deletes a trusted publisher and its tokens.
    DeletePublisher(PublisherId),
    /// Sets whether a package is published by its trusted publishers alone.
    SetTrustedOnly {
        /// The package.
        package: PackageName,
        /// Whether it is.
        only: bool,
    },
    /// Settles the trusted publishers that waited for a package, which is there now: those that its
    /// owner added become publishers of it, and in a scope all of them; the others are deleted.
    SettlePublishers {
        /// The package.
        package: PackageName,
        /// The owner of an unscoped package.
        owner: Option<UserId>,
    },
    /// Adds a token of a trusted publisher.
    AddPublisherToken(PublisherToken),
    /// Deletes a token of a trusted publisher.
    RevokePublisherToken(PublisherTokenId),
    /// Notes that an ID token was used.
    UseIdToken {
        /// Its [key](crate::types::IdToken::key).
        key: Sha256Digest,
        /// Until when it has to be remembered.
        until: Timestamp,
    },
    /// Sets the read-only mode that the registry is in; `None` for none.
    SetReadOnly(Option<ReadOnlyMode>),
    /// Deletes rows that have aged, oldest first.
    DropAged {
        /// Which.
        what: Aged,
        /// Those that have aged since before it.
        before: Timestamp,
        /// At most so many.
        limit: usize,
    },
    /// Makes an upload a version.
    Publish(NewVersion<'a>),
}

/// When and why a version was yanked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YankState {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
}

/// Why a version is in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineState {
    /// Why, in one word.
    pub category: ModerationCategory,
    /// Why, in the moderator's words.
    pub reason: String,
    /// When it was put there.
    pub at: Timestamp,
    /// Who put it there.
    pub by: UserId,
}

/// A token with which a trusted publisher publishes its package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherToken {
    /// Its id.
    pub id: PublisherTokenId,
    /// Whose it is.
    pub publisher: PublisherId,
    /// The digest of its secret.
    pub secret: Sha256Digest,
    /// What the audit log calls whoever acts with it.
    pub name: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A version to make.
#[derive(Clone, Debug)]
pub struct NewVersion<'a> {
    /// What it is made of. Its upload is used up.
    pub commit: &'a PublishCommit,
    /// Whether the package is made with it.
    pub is_new_package: bool,
    /// The owner who is listed with a package that is made.
    pub owner: Option<UserId>,
    /// The user who published it, or who added the trusted publisher that did.
    pub published_by: UserId,
    /// The name of the trusted publisher that published it.
    pub publisher: Option<String>,
    /// When it is published, which is also when the package last changed.
    pub published_at: Timestamp,
    /// Who may see its package.
    pub visibility: Visibility,
    /// Where it stands.
    pub status: VersionStatus,
    /// The tag other than `latest` that names it.
    pub tag: Option<DistTag>,
    /// The tag that will name it once it is approved.
    pub wanted_tag: Option<DistTag>,
    /// What `latest` was and what it is. The manifest that the package is
    /// listed by may be that of the new version.
    pub latest: LatestMove,
}

impl Write<'static> {
    /// The write of `latest`, if anything about it changed.
    pub(super) fn of_latest(package: &PackageName, latest: LatestMove) -> Option<Self> {
        latest.is_change().then(|| Self::MoveLatest { package: package.clone(), latest })
    }
}
