//! Resources: which facts each command is decided by, what writes its changes, and what each query reads. The
//! statements are the same on every database.

pub(crate) mod invitations;
mod operator_webhooks;
mod reports;
mod webhooks;

use aam_registry_core::decide::{ChangesOf, DecisionOf, ResourceQuery, ResourceRequest};
#[cfg(feature = "postgres")]
use aam_registry_core::{
    decide::NewReport,
    types::{Actor, PackageName, ScopeName},
};

use super::{
    columns::Corrupt,
    embedded::{Embedded, embedded},
    transaction::{Step, Transaction},
};

/// The migrations that both databases run, in the folder `migrations`: their numbers are above those of either. They
/// use the types `uuid`, `text`, `bigint`, `boolean` and `bytea`, which SQLite takes as hints.
pub(crate) const MIGRATIONS: &[Embedded] = &embedded![];

/// Decides a command; gives the steps that write it, and the entries of the audit log.
pub(crate) async fn decide<T: Transaction>(tx: &T, request: &ResourceRequest) -> Result<ChangesOf<Step>, T::Failure> {
    Ok(match request {
        ResourceRequest::InvitationChange(asked) => {
            let facts = invitations::facts(tx, asked.question()).await?;
            written(asked.decide(&facts)?, invitations::write)?
        }
        ResourceRequest::NewReport(asked) => {
            let facts = reports::new_report_facts(tx, asked.question()).await?;
            written(asked.decide(&facts)?, reports::write)?
        }
        ResourceRequest::CloseReport(asked) => {
            let facts = reports::close_report_facts(tx, asked.question()).await?;
            written(asked.decide(&facts)?, reports::write)?
        }
        ResourceRequest::WebhookCommand(asked) => {
            let facts = webhooks::facts(tx, asked.question()).await?;
            written(asked.decide(&facts)?, webhooks::write)?
        }
        ResourceRequest::WebhookReport(asked) => {
            let facts = webhooks::report_facts(tx, asked.question()).await?;
            written(asked.decide(&facts)?, webhooks::write)?
        }
        ResourceRequest::OperatorWebhookReport(asked) => {
            let facts = operator_webhooks::facts(tx, &asked.question().name).await?;
            written(asked.decide(&facts)?, operator_webhooks::write)?
        }
        ResourceRequest::EnableOperatorWebhook(asked) => {
            let facts = operator_webhooks::facts(tx, &asked.question().name).await?;
            written(asked.decide(&facts)?, operator_webhooks::write)?
        }
    })
}

/// Answers a query.
pub(crate) async fn answer<T: Transaction>(tx: &T, query: &ResourceQuery) -> Result<(), T::Failure> {
    match query {
        ResourceQuery::Invitations(asked) => asked.answer(invitations::open(tx, asked.question().0).await?),
        ResourceQuery::InvitationOfSecret(asked) => {
            asked.answer(invitations::of_secret(tx, &asked.question().0).await?);
        }
        ResourceQuery::Reports(asked) => asked.answer(reports::list(tx, &asked.question().0).await?),
        ResourceQuery::WebhooksOfScope(asked) => asked.answer(webhooks::of_scope(tx, &asked.question().0).await?),
        ResourceQuery::WebhookById(asked) => asked.answer(webhooks::find(tx, asked.question().0).await?),
        ResourceQuery::OperatorWebhookStates(asked) => asked.answer(operator_webhooks::list(tx).await?),
    }
    Ok(())
}

/// What a command locks that other requests may hold for long: those that wait for the same wait without a
/// connection.
#[cfg(feature = "postgres")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Locked<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) scope: Option<&'a ScopeName>,
    pub(crate) package: Option<&'a PackageName>,
}

/// What a command locks, if anything.
#[cfg(feature = "postgres")]
pub(crate) fn locked(request: &ResourceRequest) -> Option<Locked<'_>> {
    let by = |actor| Locked { actor, scope: None, package: None };
    Some(match request {
        ResourceRequest::InvitationChange(asked) => by(asked.question().actor.as_ref()?),
        ResourceRequest::NewReport(asked) => {
            let NewReport { actor, report, .. } = asked.question();
            Locked { package: Some(&report.package), ..by(actor) }
        }
        ResourceRequest::CloseReport(asked) => by(&asked.question().actor),
        ResourceRequest::WebhookCommand(asked) => {
            Locked { scope: Some(&asked.question().scope), ..by(&asked.question().actor) }
        }
        ResourceRequest::WebhookReport(_)
        | ResourceRequest::OperatorWebhookReport(_)
        | ResourceRequest::EnableOperatorWebhook(_) => return None,
    })
}

/// The changes of a decision, with the steps that write them.
fn written<W>(
    decision: DecisionOf<(), W>,
    write: impl Fn(W) -> Result<Step, Corrupt>,
) -> Result<ChangesOf<Step>, Corrupt> {
    let ChangesOf { writes, audit, invalidates } = decision.changes;
    Ok(ChangesOf { writes: writes.into_iter().map(write).collect::<Result<_, _>>()?, audit, invalidates })
}
