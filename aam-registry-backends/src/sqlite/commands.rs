//! Commands and queries: which facts each command is decided by, and what each query reads.

use aam_registry_core::{
    Result,
    decide::{DropAgedFacts, PublisherCommand, PublisherQuery, RemoveOldVersions, Request, TellOfTokenFacts},
    ports::{CommandHandler, QueryHandler, QueryRequest},
};
use async_trait::async_trait;
use rusqlite::Connection;

use super::{
    SqliteMetadata, accounts, aged, apply::apply, erasure, evals, facts, failure::Tx, moderation, old_versions,
    publisher_tokens, read_only, scopes, second_factors, sessions, sql::at_once, token_notices, tokens, transaction,
    trusted_publishers, users,
};
use crate::relational::resources;

#[async_trait]
impl CommandHandler for SqliteMetadata {
    async fn handle(&self, request: Request) -> Result<()> {
        self.write(move |tx| execute(tx, &request)).await
    }
}

fn execute(tx: &Connection, request: &Request) -> Tx<()> {
    let decision = match request {
        Request::Resource(request) => {
            let changes = at_once(resources::decide(tx, request))?;
            return transaction::apply(tx, &changes);
        }
        Request::Package(asked) => asked.decide(&facts::package(tx, asked.reads())?),
        Request::CreateUser(asked) => asked.decide(&users::new_user_facts(tx, asked.question())?),
        Request::ChangeAccount(asked) => asked.decide(&accounts::account_facts(tx, asked.question())?),
        Request::DeleteAccount(asked) => asked.decide(&erasure::delete_account_facts(tx, asked.question())?),
        Request::CreateToken(asked) => asked.decide(&tokens::new_token_facts(tx, asked.question())?),
        Request::RevokeToken(asked) => asked.decide(&tokens::revocation_facts(tx, asked.question())?),
        Request::RevokeTokens(asked) => asked.decide(&accounts::revocation_facts(tx, asked.question())?),
        Request::LogOut(asked) => asked.decide(&facts::caller(tx, &asked.question().actor)?),
        Request::BeginSession(asked) => asked.decide(&sessions::begin_session_facts(tx, asked.question())?),
        Request::EndSession(asked) => asked.decide(&sessions::end_session_facts(tx, asked.question())?),
        Request::ChangeSecondFactor(asked) => asked.decide(&second_factors::second_factor_facts(tx, asked.question())?),
        Request::TellOfToken(asked) => {
            let is_due = token_notices::is_due(tx, asked.question().token, asked.question().notice)?;
            asked.decide(&TellOfTokenFacts { is_due })
        }
        Request::CreateScope(asked) => asked.decide(&scopes::new_scope_facts(tx, asked.question())?),
        Request::ChangeMember(asked) => asked.decide(&scopes::member_facts(tx, asked.question())?),
        Request::ChangeScopePolicy(asked) => asked.decide(&scopes::policy_facts(tx, asked.question())?),
        Request::RevokePublisherToken(asked) => {
            asked.decide(&publisher_tokens::revocation_facts(tx, asked.question().token)?)
        }
        Request::ChangePublisher(asked) => {
            let PublisherCommand { actor, package, .. } = asked.question();
            asked.decide(&trusted_publishers::publisher_facts(tx, actor, package)?)
        }
        Request::SetReadOnly(asked) => asked.decide(&read_only::switch_facts(tx, asked.question())?),
        Request::RemoveOldVersions(asked) => {
            let RemoveOldVersions { package, before, .. } = asked.question();
            asked.decide(&old_versions::facts(tx, package, *before)?)
        }
        Request::DropAged(asked) => asked.decide(&DropAgedFacts { oldest: aged::oldest(tx, asked.question().what)? }),
        Request::ExchangeIdToken(asked) => asked.decide(&trusted_publishers::exchange_facts(tx, asked.question())?),
    };
    apply(tx, decision?)
}

#[async_trait]
impl QueryHandler for SqliteMetadata {
    async fn read(&self, request: QueryRequest) -> Result<()> {
        self.read(move |tx| answer(tx, &request)).await
    }
}

fn answer(tx: &Connection, request: &QueryRequest) -> Tx<()> {
    match request {
        QueryRequest::Resource(query) => at_once(resources::answer(tx, query))?,
        QueryRequest::AddressesOfLogin(asked) => {
            asked.answer(sessions::addresses_of_login(tx, &asked.question().0)?);
        }
        QueryRequest::ErasedUsernames(asked) => asked.answer(erasure::erased_usernames(tx, &asked.question().0)?),
        QueryRequest::TokensToTellOf(asked) => asked.answer(token_notices::due(tx, asked.question().0)?),
        QueryRequest::TokenOfSecret(asked) => asked.answer(tokens::of_secret(tx, &asked.question().0)?),
        QueryRequest::SecondFactorOf(asked) => asked.answer(second_factors::find(tx, asked.question().0)?),
        QueryRequest::TagGates(asked) => {
            let (name, reach) = &asked.question().0;
            let package = facts::package_in_reach(tx, name, *reach)?;
            asked.answer(package.map(|package| evals::gates(tx, package)).transpose()?);
        }
        QueryRequest::ReadOnlySwitch(asked) => asked.answer(read_only::mode(tx)?),
        QueryRequest::PackagesMadeBefore(asked) => {
            let (before, after, limit) = &asked.question().0;
            asked.answer(old_versions::packages_made_before(tx, *before, after.as_ref(), *limit)?);
        }
        QueryRequest::OldVersionsOf(asked) => {
            let (name, before) = &asked.question().0;
            asked.answer(old_versions::facts(tx, name, *before)?);
        }
        QueryRequest::DigestsOf(asked) => asked.answer(old_versions::digests_of(tx, &asked.question().0)?),
        QueryRequest::OldestAged(asked) => asked.answer(aged::oldest(tx, asked.question().0)?),
        QueryRequest::ApprovalsOf(asked) => {
            let (name, version) = &asked.question().0;
            asked.answer(moderation::approvals(tx, name, version)?);
        }
        QueryRequest::VersionsByApproval(asked) => {
            let (status, page) = asked.question().0;
            asked.answer(moderation::by_approval(tx, status, page)?);
        }
        QueryRequest::RecallsSince(asked) => asked.answer(moderation::recalls(tx, &asked.question().0)?),
        QueryRequest::PublisherFactsOf(asked) => {
            let PublisherQuery { actor, package, .. } = &asked.question().0;
            asked.answer(trusted_publishers::publisher_facts(tx, actor, package)?);
        }
        QueryRequest::PublisherBySecret(asked) => {
            asked.answer(publisher_tokens::by_secret(tx, &asked.question().0)?);
        }
    }
    Ok(())
}
