//! What may be done, and what follows from it: pure functions, one command a file.
//!
//! A command says who wants what, with the instant and the ids it is to have.
//! An adapter of a database loads the facts of a command under the locks of its
//! transaction, asks `decide`, and applies the [`Changes`] it gets: rows, audit
//! entries and whom to tell. It holds no rule and no sentence meant for a
//! person. A refusal changes nothing. Transactions restart, so a decision has
//! no effect and depends on nothing but command and facts.
//!
//! What a decision may ask is a row of the table in [`gate`](Action). What is
//! shown to whom is decided by [`ReadAccess::admit`].

mod account;
mod caller;
mod changes;
mod command;
mod commit;
mod create_scope;
mod create_token;
mod create_user;
mod delivery_record;
mod gate;
mod id_token;
mod latest;
mod log_out;
mod member;
mod operator_webhook;
mod owner;
mod package;
mod publish;
mod read;
mod revoke_token;
mod session;
mod tag;
#[cfg(test)]
mod tests;
mod text_change;
mod token_exchange;
mod token_revocation;
mod trusted_publisher;
mod unyank;
mod webhook;
mod yank;

pub use account::{AccountActor, AccountChange, AccountFacts, AccountUpdate, ChangedAccount, MAX_ONE_TIME_TOKENS};
pub use caller::{CallerAccount, CallerFacts, CallerPublisher, CallerToken};
pub use changes::{Changes, Decision, NewVersion, PublisherToken, Write, YankState};
pub use command::{Command, PackageRequest, Request, Stale};
pub use commit::PublishCommit;
pub use create_scope::{NewScope, NewScopeFacts};
pub use create_token::NewToken;
pub use create_user::{NewUser, NewUserFacts};
pub use delivery_record::DeliveryOutcome;
pub use gate::{Action, PublisherOf, Restricted, Rights, Role, Rule};
pub use id_token::{IdTokenFault, IdTokenRules};
pub use latest::{LatestFacts, LatestMove};
pub use log_out::LogOut;
pub use member::{MemberChange, MemberFacts, MemberState};
pub use operator_webhook::{EnableOperatorWebhook, OperatorWebhookFacts, OperatorWebhookReport};
pub use owner::OwnerChange;
pub use package::{OwnerState, PackageAccess, PackageCommand, PackageFacts, PackageReads, PackageState, VersionState};
pub use publish::{ExistingVersion, PublishCheck, PublishFacts, Published};
pub use read::{Audience, ReadAccess};
pub use revoke_token::{RevokeToken, RevokeTokenFacts};
pub use session::{BeginSession, BeginSessionFacts, EndSession, EndSessionFacts};
pub use tag::TagChange;
pub use text_change::TextChange;
pub use token_exchange::{PublisherCandidate, TokenExchange, TokenExchangeFacts};
pub use token_revocation::{RevokedTokens, TokenRevocation, TokenRevocationFacts};
pub use trusted_publisher::{PublisherChange, PublisherCommand, PublisherFacts, PublisherQuery};
pub use unyank::Unyank;
pub use webhook::{
    WebhookAction, WebhookChange, WebhookCommand, WebhookFacts, WebhookPatch, WebhookReport, WebhookReportFacts,
};
pub use yank::{Yank, Yanked};
