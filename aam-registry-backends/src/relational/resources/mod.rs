//! Resources: which facts each command is decided by, what writes its changes, and what each query reads. The
//! statements are the same on every database.

pub(crate) mod invitations;
mod operator_webhooks;
mod reports;

use aam_registry_core::decide::{ChangesOf, DecisionOf, ResourceQuery, ResourceRequest};
#[cfg(feature = "postgres")]
use aam_registry_core::types::{Actor, PackageName};

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
        ResourceQuery::OperatorWebhookStates(asked) => asked.answer(operator_webhooks::list(tx).await?),
    }
    Ok(())
}

/// The account and the package that a command locks: requests that wait for the same ones wait without a connection.
#[cfg(feature = "postgres")]
pub(crate) fn locked(request: &ResourceRequest) -> (Option<&Actor>, Option<&PackageName>) {
    match request {
        ResourceRequest::InvitationChange(asked) => (asked.question().actor.as_ref(), None),
        ResourceRequest::NewReport(asked) => (Some(&asked.question().actor), Some(&asked.question().report.package)),
        ResourceRequest::CloseReport(asked) => (Some(&asked.question().actor), None),
        ResourceRequest::OperatorWebhookReport(_) | ResourceRequest::EnableOperatorWebhook(_) => (None, None),
    }
}

/// The changes of a decision, with the steps that write them.
fn written<W>(
    decision: DecisionOf<(), W>,
    write: impl Fn(W) -> Result<Step, Corrupt>,
) -> Result<ChangesOf<Step>, Corrupt> {
    let ChangesOf { writes, audit, invalidates } = decision.changes;
    Ok(ChangesOf { writes: writes.into_iter().map(write).collect::<Result<_, _>>()?, audit, invalidates })
}
