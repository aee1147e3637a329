//! Commands and queries: which rows each command locks, which facts it is decided by, and what each query reads.

use std::sync::Arc;

use aam_registry_core::{
    Result,
    decide::{DropAgedFacts, PublisherCommand, RemoveOldVersions, Request, RevokedTokens},
    ports::{CommandHandler, QueryHandler, QueryRequest},
};
use async_trait::async_trait;

use super::{
    PostgresMetadata, accounts, admission::Rows, aged, apply::apply, connection::Session, erasure, evals, facts,
    failure::Tx, moderation, old_versions, publisher_tokens, read_only, scopes, second_factors, sessions,
    token_notices, tokens, transaction, trusted_publishers, users,
};
use crate::relational::resources;

#[async_trait]
impl CommandHandler for PostgresMetadata {
    async fn handle(&self, request: Request) -> Result<()> {
        let request = &request;
        let execute = |tx: Arc<Session>| async move { execute(&tx, request).await };
        match rows(request) {
            Some(rows) => self.change(rows, execute).await,
            None => self.write(execute).await,
        }
    }
}

/// What the command locks that other requests may hold for long, if anything.
fn rows(request: &Request) -> Option<Rows> {
    Some(match request {
        Request::Package(asked) => {
            let reads = asked.reads();
            Rows::of(reads.actor).and_package(reads.package)
        }
        Request::CreateUser(asked) => Rows::of_name(&asked.question().user.username),
        Request::ChangeAccount(asked) => Rows::of_name(&asked.question().username),
        Request::DeleteAccount(asked) => Rows::of_name(&asked.question().username),
        Request::CreateToken(asked) => Rows::of(&asked.question().actor),
        Request::RevokeToken(asked) => Rows::of(&asked.question().actor),
        Request::RevokeTokens(asked) => Rows::of_tokens(&asked.question().tokens),
        Request::LogOut(asked) => Rows::of(&asked.question().actor),
        Request::BeginSession(asked) => Rows::of_user(asked.question().session.user),
        Request::EndSession(asked) => Rows::of(&asked.question().actor),
        Request::ChangeSecondFactor(asked) => Rows::of_name(&asked.question().username),
        Request::TellOfToken(asked) => Rows::of_tokens(&RevokedTokens::Id(asked.question().token)),
        Request::SetReadOnly(asked) => asked.question().actor.as_ref().map(Rows::of)?,
        Request::CreateScope(asked) => Rows::of(&asked.question().actor).and_scope(&asked.question().name),
        Request::ChangeMember(asked) => Rows::of(&asked.question().actor).and_scope(&asked.question().scope),
        Request::ChangeScopePolicy(asked) => Rows::of(&asked.question().actor).and_scope(&asked.question().scope),
        Request::ChangePublisher(asked) => Rows::of(&asked.question().actor).and_package(&asked.question().package),
        Request::Resource(request) => {
            let resources::Locked { actor, scope, package } = resources::locked(request)?;
            let rows = scope.into_iter().fold(Rows::of(actor), Rows::and_scope);
            package.into_iter().fold(rows, Rows::and_package)
        }
        Request::RemoveOldVersions(asked) => Rows::of_package(&asked.question().package),
        Request::DropAged(_) | Request::ExchangeIdToken(_) | Request::RevokePublisherToken(_) => return None,
    })
}

async fn execute(tx: &Session, request: &Request) -> Tx<()> {
    let decision = match request {
        Request::Resource(request) => {
            let changes = resources::decide(tx, request).await?;
            return transaction::apply(tx, &changes).await;
        }
        Request::Package(asked) => asked.decide(&facts::package(tx, asked.reads()).await?),
        Request::CreateUser(asked) => asked.decide(&users::new_user_facts(tx, asked.question()).await?),
        Request::ChangeAccount(asked) => asked.decide(&accounts::account_facts(tx, asked.question()).await?),
        Request::DeleteAccount(asked) => asked.decide(&erasure::delete_account_facts(tx, asked.question()).await?),
        Request::CreateToken(asked) => asked.decide(&tokens::new_token_facts(tx, asked.question()).await?),
        Request::RevokeToken(asked) => asked.decide(&tokens::revocation_facts(tx, asked.question()).await?),
        Request::RevokeTokens(asked) => asked.decide(&accounts::revocation_facts(tx, asked.question()).await?),
        Request::LogOut(asked) => asked.decide(&users::log_out_facts(tx, asked.question()).await?),
        Request::BeginSession(asked) => asked.decide(&sessions::begin_session_facts(tx, asked.question()).await?),
        Request::EndSession(asked) => asked.decide(&sessions::end_session_facts(tx, asked.question()).await?),
        Request::ChangeSecondFactor(asked) => {
            asked.decide(&second_factors::second_factor_facts(tx, asked.question()).await?)
        }
        Request::TellOfToken(asked) => asked.decide(&token_notices::tell_facts(tx, asked.question()).await?),
        Request::CreateScope(asked) => asked.decide(&scopes::new_scope_facts(tx, asked.question()).await?),
        Request::ChangeMember(asked) => asked.decide(&scopes::member_facts(tx, asked.question()).await?),
        Request::ChangeScopePolicy(asked) => asked.decide(&scopes::policy_facts(tx, asked.question()).await?),
        Request::RevokePublisherToken(asked) => {
            asked.decide(&publisher_tokens::revocation_facts(tx, asked.question().token).await?)
        }
        Request::ChangePublisher(asked) => {
            let PublisherCommand { actor, package, .. } = asked.question();
            asked.decide(&trusted_publishers::publisher_facts(tx, actor, package).await?)
        }
        Request::SetReadOnly(asked) => asked.decide(&read_only::switch_facts(tx, asked.question()).await?),
        Request::RemoveOldVersions(asked) => {
            let RemoveOldVersions { package, before, .. } = asked.question();
            asked.decide(&old_versions::locked_facts(tx, package, *before).await?)
        }
        Request::DropAged(asked) => {
            asked.decide(&DropAgedFacts { oldest: aged::oldest(tx, asked.question().what).await? })
        }
        Request::ExchangeIdToken(asked) => {
            asked.decide(&trusted_publishers::exchange_facts(tx, asked.question()).await?)
        }
    };
    apply(tx, decision?).await
}

#[async_trait]
impl QueryHandler for PostgresMetadata {
    async fn read(&self, request: QueryRequest) -> Result<()> {
        let request = &request;
        self.read(|tx| async move { answer(&tx, request).await }).await
    }
}

/// Each query is one statement, but for pages of lists, which are counted apart.
async fn answer(tx: &Session, request: &QueryRequest) -> Tx<()> {
    match request {
        QueryRequest::Resource(query) => resources::answer(tx, query).await?,
        QueryRequest::AddressesOfLogin(asked) => {
            asked.answer(sessions::addresses_of_login(tx, &asked.question().0).await?);
        }
        QueryRequest::ErasedUsernames(asked) => {
            asked.answer(erasure::erased_usernames(tx, &asked.question().0).await?);
        }
        QueryRequest::TokensToTellOf(asked) => asked.answer(token_notices::due(tx, asked.question().0).await?),
        QueryRequest::TokenOfSecret(asked) => asked.answer(tokens::of_secret(tx, &asked.question().0).await?),
        QueryRequest::SecondFactorOf(asked) => asked.answer(second_factors::find(tx, asked.question().0).await?),
        QueryRequest::TagGates(asked) => {
            let (name, reach) = &asked.question().0;
            asked.answer(evals::gates_of(tx, name, *reach).await?);
        }
        QueryRequest::ReadOnlySwitch(asked) => asked.answer(read_only::mode(tx).await?),
        QueryRequest::PackagesMadeBefore(asked) => {
            let (before, after, limit) = &asked.question().0;
            asked.answer(old_versions::packages_made_before(tx, *before, after.as_ref(), *limit).await?);
        }
        QueryRequest::OldVersionsOf(asked) => {
            let (name, before) = &asked.question().0;
            asked.answer(old_versions::seen_facts(tx, name, *before).await?);
        }
        QueryRequest::DigestsOf(asked) => asked.answer(old_versions::digests_of(tx, &asked.question().0).await?),
        QueryRequest::OldestAged(asked) => asked.answer(aged::oldest(tx, asked.question().0).await?),
        QueryRequest::ApprovalsOf(asked) => {
            let (name, version) = &asked.question().0;
            asked.answer(moderation::approvals(tx, name, version).await?);
        }
        QueryRequest::VersionsByApproval(asked) => {
            let (status, page) = asked.question().0;
            asked.answer(moderation::by_approval(tx, status, page).await?);
        }
        QueryRequest::RecallsSince(asked) => asked.answer(moderation::recalls(tx, &asked.question().0).await?),
        QueryRequest::PublisherFactsOf(asked) => {
            asked.answer(trusted_publishers::seen_facts(tx, &asked.question().0).await?);
        }
        QueryRequest::PublisherBySecret(asked) => {
            asked.answer(publisher_tokens::by_secret(tx, &asked.question().0).await?);
        }
    }
    Ok(())
}
