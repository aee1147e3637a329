//! Resources: which facts each command is decided by, what it writes, and what each query reads.
//!
//! Each has a file here, and its rows in [`Resources`] unless other commands need them too.

mod invitations;
mod operator_webhooks;
mod reports;
mod webhooks;

use jiff::Timestamp;

use super::tables::Tables;
use crate::{
    decide::{DecisionOf, ResourceQuery, ResourceRequest},
    error::Result,
};

/// The rows of all resources.
#[derive(Default)]
pub(super) struct Resources {
    operator_webhooks: operator_webhooks::OperatorWebhooks,
    webhooks: webhooks::Webhooks,
}

impl Resources {
    /// Executes a command.
    pub(super) fn handle(&mut self, request: &ResourceRequest, tables: &mut Tables, now: Timestamp) -> Result<()> {
        let Self { operator_webhooks, webhooks } = self;
        match request {
            ResourceRequest::InvitationChange(asked) => {
                let decision = asked.decide(&tables.invitation_facts(asked.question()))?;
                apply(tables, now, decision, |tables, write| tables.write_invitation(write, now));
            }
            ResourceRequest::NewReport(asked) => {
                let decision = asked.decide(&tables.new_report_facts(asked.question()))?;
                apply(tables, now, decision, Tables::write_report);
            }
            ResourceRequest::CloseReport(asked) => {
                let decision = asked.decide(&tables.close_report_facts(asked.question()))?;
                apply(tables, now, decision, Tables::write_report);
            }
            ResourceRequest::WebhookCommand(asked) => {
                let decision = asked.decide(&webhooks.facts(tables, asked.question(), now))?;
                apply(tables, now, decision, |tables, write| webhooks.write(tables, write, now));
            }
            ResourceRequest::WebhookReport(asked) => {
                let decision = asked.decide(&webhooks.report_facts(asked.question().id))?;
                apply(tables, now, decision, |tables, write| webhooks.write(tables, write, now));
            }
            ResourceRequest::OperatorWebhookReport(asked) => {
                let decision = asked.decide(&operator_webhooks.facts(&asked.question().name))?;
                apply(tables, now, decision, |_, write| operator_webhooks.write(write));
            }
            ResourceRequest::EnableOperatorWebhook(asked) => {
                let decision = asked.decide(&operator_webhooks.facts(&asked.question().name))?;
                apply(tables, now, decision, |_, write| operator_webhooks.write(write));
            }
        }
        Ok(())
    }

    /// Answers a query.
    pub(super) fn answer(&self, query: &ResourceQuery, tables: &Tables) {
        match query {
            ResourceQuery::Invitations(asked) => asked.answer(tables.open_invitations(asked.question().0)),
            ResourceQuery::InvitationOfSecret(asked) => asked.answer(tables.invitation_of_secret(&asked.question().0)),
            ResourceQuery::Reports(asked) => asked.answer(tables.list_reports(&asked.question().0)),
            ResourceQuery::WebhooksOfScope(asked) => asked.answer(self.webhooks.of_scope(&asked.question().0)),
            ResourceQuery::WebhookById(asked) => asked.answer(self.webhooks.find(asked.question().0)),
            ResourceQuery::OperatorWebhookStates(asked) => asked.answer(self.operator_webhooks.list()),
        }
    }
}

/// Applies what was decided.
fn apply<W>(tables: &mut Tables, now: Timestamp, decision: DecisionOf<(), W>, mut write: impl FnMut(&mut Tables, W)) {
    for one in decision.changes.writes {
        write(tables, one);
    }
    tables.record(&decision.changes.audit, now);
}
