//! The use cases: plain async methods of [`Registry`], which is cheap to clone and holds the ports.
//!
//! Nothing here depends on HTTP, a database or an object store. A caller decodes a request, calls one
//! method, with a [`Principal`](crate::types::Principal) if the use case needs an authenticated user,
//! and encodes the result.

mod accounts;
mod approvals;
mod audit;
mod authenticate;
mod badge;
mod builder;
mod contents;
mod counting;
mod download;
mod evals;
mod events;
mod finding;
mod handle;
mod logged_reads;
mod look_alike;
mod old_versions;
mod operator_webhooks;
mod owners;
mod packages;
mod places;
mod policy;
mod protected_names;
mod publish;
mod quarantine;
mod queue;
mod rate_limits;
mod read_only;
mod read_only_switch;
mod reading;
mod reports;
mod reserved;
mod resolve;
mod retention;
mod search;
mod session_touches;
mod storage;
mod suspicion;
mod sweep;
mod token_touches;
mod totals;
mod totals_cache;
mod trusted_publishers;
mod version_changes;
mod view;
mod visibility;
mod webhooks;

pub use accounts::{
    Account, AccountDescription, AccountSearch, EnrolledFactor, InvitationRequest, LeakedToken, LoginRequest,
    MAX_LEAKED_TOKENS, ManagedAccountChange, NewAccount, NewInvitation, OPERATOR, OwnAccountChange, OwnAccountDeletion,
    PasswordResetLink, Registration, SessionToken, TokenRequest,
};
pub(crate) use accounts::{
    DONE, Guesser, LINK, MAX_PASSWORD_BYTES, MAX_TOKEN_NAME, MAX_TOKEN_PATTERNS, MIN_PASSWORD_CHARS, REGISTERED,
    REQUESTED, RegistrationMail, STEP, VerificationLink, invitation_url,
};
pub use approvals::Approvals;
pub(crate) use approvals::PUBLISHER;
pub use audit::{AuditFault, AuditVerdict, PrunedAudit, ShownAuditEntry};
pub use badge::{Badge, BadgeColor};
pub use builder::{BuildError, RegistryBuilder};
pub use contents::{FileContent, ListedFile};
pub use counting::DownloadTally;
pub use evals::NewEvalResult;
pub use events::Events;
pub use handle::Registry;
pub use old_versions::{OldVersionOptions, OldVersionsReport};
pub use policy::{ApprovalPolicy, Policy, RegistrationPolicy};
pub use publish::{Publish, PublishOptions, PublishReceipt};
pub(crate) use rate_limits::{give_back, refuse_over_limit, take_request};
pub use reports::ReportRequest;
pub(crate) use resolve::{MAX_PACKAGES, require_few};
pub use storage::{
    CleanupOptions, CleanupReport, Damage, Garbage, GarbageFate, GarbageKind, StorageOwner, Suspicion, VerifyReport,
};
pub use sweep::SweepReport;
pub use trusted_publishers::{ExchangedToken, PublisherRequest};
pub(crate) use version_changes::MAX_MESSAGE;
pub use version_changes::Unyanked;
pub(crate) use view::Disclosure;
pub use view::View;
pub use webhooks::{WebhookRequest, WebhookSecretUpdate, WebhookUpdate};
