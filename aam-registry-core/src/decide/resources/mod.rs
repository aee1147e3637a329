//! Resources: what has a table of its own, and is changed and read by itself, not with a package or an account.
//!
//! A resource is a file here, with its commands, what they are decided by, and what they write; and its commands and
//! queries are lines of the lists in this file. A store has a file for it too, and handles it in `resources/mod.rs`.

mod invitation;
mod operator_webhook;
mod report;
mod webhook;

use std::sync::Arc;

pub use invitation::{InvitationChange, InvitationFacts, InvitationUpdate, InvitationWrite};
use jiff::Timestamp;
pub use operator_webhook::{EnableOperatorWebhook, OperatorWebhookFacts, OperatorWebhookReport, OperatorWebhookWrite};
pub use report::{CloseReport, CloseReportFacts, NewReport, NewReportFacts, ReportWrite};

pub use webhook::{
    WebhookAction, WebhookChange, WebhookCommand, WebhookFacts, WebhookPatch, WebhookReport, WebhookReportFacts,
    WebhookWrite,
};

use super::{Command, DecisionOf, Invalidation, query::queries};
use crate::{
    error::Result,
    types::{
        Asked, Invitation, NamedReport, OperatorWebhookState, Page, Report, ReportFilter, ScopeName, ScopeWebhook,
        Sha256Digest, StoredWebhook, WebhookId,
    },
};

macro_rules! commands {
    ($($(#[$doc:meta])* $command:ident($facts:ty) -> $answer:ty, writes $write:ty;)+) => {
        /// A command about a resource, as a store takes it.
        #[derive(Clone, Debug)]
        pub enum ResourceRequest {
            $($(#[$doc])* $command(Arc<Asked<$command, $answer>>),)+
        }

        $(
            impl Command for $command {
                type Facts = $facts;
                type Answer = $answer;
                type Write<'a> = $write;
                type Request = ResourceRequest;

                fn decision(&self, facts: &$facts) -> Result<DecisionOf<$answer, $write>> {
                    self.decide(facts)
                }

                fn invalidation(&self, _: Option<&$answer>) -> Invalidation {
                    Invalidation::Nothing
                }

                fn request(asked: Arc<Asked<Self, $answer>>) -> ResourceRequest {
                    ResourceRequest::$command(asked)
                }
            }
        )+
    };
}

commands! {
    /// Makes or revokes an invitation.
    InvitationChange(InvitationFacts) -> (), writes InvitationWrite;
    /// Reports a package to the moderators.
    NewReport(NewReportFacts) -> Report, writes ReportWrite;
    /// Closes a report.
    CloseReport(CloseReportFacts) -> NamedReport, writes ReportWrite;
    /// Makes, changes, deletes or tests a webhook of a scope, or sends a delivery again. Gives the webhook as it is
    /// then, or was before it was deleted.
    WebhookCommand(WebhookFacts) -> ScopeWebhook, writes WebhookWrite;
    /// Notes how a delivery to a webhook of a scope ended. Gives the webhook if that disabled it.
    WebhookReport(WebhookReportFacts) -> Option<ScopeWebhook>, writes WebhookWrite;
    /// Notes how a delivery to a webhook of the operator ended. Gives its state if that disabled it.
    OperatorWebhookReport(OperatorWebhookFacts) -> Option<OperatorWebhookState>, writes OperatorWebhookWrite;
    /// Puts a webhook of the operator to use again. `false` if it was not disabled.
    EnableOperatorWebhook(OperatorWebhookFacts) -> bool, writes OperatorWebhookWrite;
}

queries! {
    /// A query about a resource, as a store takes it.
    ResourceQuery {}
    /// At most 500 invitations that have not expired at that time, newest first.
    Invitations(Timestamp) -> Vec<Invitation>;
    /// The invitation with a secret of that digest, expired or not.
    InvitationOfSecret(Sha256Digest) -> Option<Invitation>;
    /// Reports, newest first.
    Reports(ReportFilter) -> Page<NamedReport>;
    /// The webhooks of a scope, oldest first.
    WebhooksOfScope(ScopeName) -> Vec<ScopeWebhook>;
    /// A webhook of a scope with its secret.
    WebhookById(WebhookId) -> Option<StoredWebhook>;
    /// What is known of the webhooks of the operator, in the order of their names; also of some that are
    /// configured no more.
    OperatorWebhookStates(()) -> Vec<OperatorWebhookState>;
}
