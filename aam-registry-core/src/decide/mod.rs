//! What may be done, and what follows from it: pure functions, one command a file.
//!
//! A command says who wants what, and contains the time and the ids for the change. A database adapter
//! loads the facts of the command under the locks of its transaction, calls `decide`, and applies the
//! [`Changes`]: rows, audit entries, and which cached data becomes stale. The adapter contains no rules and
//! no messages for users. A refusal changes nothing. Transactions may be restarted, so a decision has no
//! side effects and depends only on the command and the facts.
//!
//! Who may do what is one table ([`Action`]). What is shown to whom is decided by [`ReadAccess::admit`].

mod account;
mod aged;
mod approve;
mod caller;
mod changes;
mod command;
mod commit;
mod create_scope;
mod create_token;
mod create_user;
mod delete_account;
mod delivery_record;
mod eval;
mod gate;
mod id_token;
mod latest;
mod leaked_publisher_token;
mod log_out;
mod member;
mod old_versions;
mod owner;
mod package;
mod publish;
mod quarantine;
pub(crate) mod query;
mod quota;
mod read;
mod read_only;
mod request;
mod resources;
mod revoke_token;
mod scope_policy;
mod second_factor;
mod session;
mod shown;
mod tag;
mod tag_gate;
#[cfg(test)]
mod tests;
mod text_change;
mod token_exchange;
mod token_notice;
mod token_revocation;
mod trusted_publisher;
mod unyank;
mod visibility;
mod wanted_tag;
mod works_read_only;
mod yank;

pub use account::{AccountActor, AccountChange, AccountFacts, AccountUpdate, ChangedAccount, MAX_ONE_TIME_TOKENS};
pub use aged::{DropAged, DropAgedFacts};
pub(crate) use approve::WAS_OPEN;
pub use approve::{ApprovalDecision, Decided};
pub use caller::{CallerAccount, CallerFacts, CallerPublisher, CallerToken};
pub use changes::{
    Changes, ChangesOf, Decision, DecisionOf, NewVersion, PublisherToken, QuarantineState, Write, YankState,
};
pub use command::{Command, Invalidation};
pub use commit::PublishCommit;
pub use create_scope::{NewScope, NewScopeFacts};
pub use create_token::{NewToken, NewTokenFacts};
pub use create_user::{NewUser, NewUserFacts, UsedInvitation};
pub use delete_account::{DeleteAccount, DeleteAccountFacts};
pub use delivery_record::DeliveryOutcome;
pub use eval::RecordEval;
pub use gate::{Action, PublisherOf, Restricted, Rights, Role, Rule};
pub use id_token::{IdTokenFault, IdTokenRules};
pub use latest::{LatestFacts, LatestMove};
pub use leaked_publisher_token::{RevokePublisherToken, RevokePublisherTokenFacts};
pub use log_out::LogOut;
pub use member::{MemberChange, MemberFacts, MemberState};
pub use old_versions::{KeptFor, OldVersions, OldVersionsFacts, RemoveOldVersions, RemovedVersion, VersionUse};
pub use owner::OwnerChange;
pub use package::{OwnerState, PackageAccess, PackageCommand, PackageFacts, PackageReads, PackageState, VersionState};
pub(crate) use publish::{APPROVAL, WAITING_TAG};
pub use publish::{ExistingVersion, PublishCheck, PublishFacts, Published};
pub use quarantine::{QuarantineChange, QuarantineCommand, Quarantined};
pub use query::Query;
pub use quota::{PublishQuotas, Usage};
pub use read::{Audience, ReadAccess, sight};
pub(crate) use read_only::require_writable;
pub use read_only::{SetReadOnly, SetReadOnlyFacts};
pub use request::{PackageRequest, Request};
pub use resources::*;
pub use revoke_token::{RevokeToken, RevokeTokenFacts};
pub use scope_policy::{ScopePolicyChange, ScopePolicyFacts};
pub use second_factor::{SecondFactorChange, SecondFactorFacts, SecondFactorUpdate, UsedCode};
pub use session::{BeginSession, BeginSessionFacts, EndSession, EndSessionFacts};
pub use shown::{Insight, Shown, shown};
pub use tag::TagChange;
pub(crate) use tag::require_allowed;
pub use tag_gate::SetGates;
pub use text_change::TextChange;
pub use token_exchange::{PublisherCandidate, TokenExchange, TokenExchangeFacts};
pub use token_notice::{TellOfToken, TellOfTokenFacts};
pub use token_revocation::{RevokedTokens, TokenRevocation, TokenRevocationFacts};
pub use trusted_publisher::{PublisherChange, PublisherCommand, PublisherFacts, PublisherQuery};
pub use unyank::Unyank;
pub use visibility::VisibilityChange;
pub use yank::{Yank, Yanked};
