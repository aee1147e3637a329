//! The JSON of the API: serde types that are converted to and from domain types, and whose schemas are
//! in the OpenAPI document.

mod accounts;
mod audit;
mod badge;
mod contents;
mod error;
mod evals;
mod invitations;
mod limits;
mod moderation;
mod package;
mod publish;
mod read_only;
mod reports;
mod resolve;
pub(crate) mod rules;
mod scopes;
mod service;
mod sessions;
mod time;
mod tokens;
mod totp;
mod trusted_publishers;
mod users;
mod version;
mod version_changes;
mod webhooks;

pub(crate) use accounts::{
    AccountAnswer, AccountChangeRequest, EmailVerification, LoginRequest, ProfileAnswer, RegisterRequest,
    RegisteredAnswer, ResetConfirmation, ResetLinkAnswer, ResetRequest, ResetRequestedAnswer, SessionAnswer,
};
pub(crate) use audit::AuditPage;
pub(crate) use badge::BadgeAnswer;
pub(crate) use contents::{DiffAnswer, DownloadsAnswer, FilesAnswer};
pub(crate) use error::ErrorBody;
pub(crate) use evals::{EvalRequest, EvalRow, EvalsAnswer, GatesAnswer, GatesRequest};
pub(crate) use invitations::{InvitationRequest, InvitationsAnswer, NewInvitationAnswer};
pub(crate) use limits::LimitsAnswer;
pub(crate) use moderation::{
    ApprovalRequest, ApprovalsAnswer, DecidedAnswer, ModeratedAnswer, QuarantineRequest, RecallsAnswer, WaitingPage,
};
pub(crate) use package::{PackageAnswer, SearchPage};
pub(crate) use publish::{PublishForm, PublishedAnswer};
pub(crate) use read_only::{ReadOnlyAnswer, ReadOnlyRequest};
pub(crate) use reports::{NamedReportAnswer, ReportAnswer, ReportChangeRequest, ReportRequest, ReportsPage};
pub(crate) use resolve::{ResolutionAnswer, ResolveRequest, ResolvedAnswer};
pub(crate) use scopes::{MemberAnswer, MemberRequest, ScopeAnswer, ScopePatch, ScopeRequest};
pub(crate) use service::{HealthAnswer, PartHealthAnswer, ReadyAnswer, ServiceAnswer};
pub(crate) use sessions::SessionsAnswer;
pub(crate) use time::Time;
pub(crate) use tokens::{NewTokenAnswer, ReportedToken, TokenRequest, TokensAnswer};
pub(crate) use totp::{EnrolledFactorAnswer, OtpRequest, RecoveryCodesAnswer};
pub(crate) use trusted_publishers::{
    IdTokenRequest, PublisherAnswer, PublisherRequest, PublisherTokenAnswer, PublishersAnswer, PublishersChangeRequest,
};
pub(crate) use users::{AccountDeletion, ManagedUserChange, UserAnswer, UsersPage};
pub(crate) use version::{VersionAnswer, VersionRow, VersionsAnswer};
pub(crate) use version_changes::{
    DeprecatedAnswer, OwnersAnswer, TagAnswer, TagRequest, TagsAnswer, TextRequest, UnyankedAnswer, VisibilityAnswer,
    VisibilityRequest, YankedAnswer,
};
pub(crate) use webhooks::{
    DeliveriesPage, DeliveryAnswer, WebhookAnswer, WebhookChangeRequest, WebhookRequest, WebhooksAnswer,
};
