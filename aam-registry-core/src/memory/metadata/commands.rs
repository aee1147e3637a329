//! Commands and queries: which facts each command is decided by, and what each query reads.

use async_trait::async_trait;

use super::MemoryMetadata;
use crate::{
    decide::{
        DropAgedFacts, PublisherCommand, PublisherQuery, RemoveOldVersions, Request, RevokePublisherTokenFacts,
        RevokeTokenFacts, SetReadOnlyFacts, TellOfTokenFacts,
    },
    error::Result,
    ports::{CommandHandler, QueryHandler, QueryRequest},
};

#[async_trait]
impl CommandHandler for MemoryMetadata {
    async fn handle(&self, request: Request) -> Result<()> {
        let (now, mut tables) = (self.clock.now(), self.tables());
        let decision = match &request {
            Request::Package(asked) => asked.decide(&tables.package_facts(asked.reads())),
            Request::Resource(request) => return self.resources().handle(request, &mut tables, now),
            Request::CreateUser(asked) => asked.decide(&tables.new_user_facts(asked.question())),
            Request::ChangeAccount(asked) => asked.decide(&tables.account_facts(asked.question())),
            Request::DeleteAccount(asked) => asked.decide(&tables.delete_account_facts(asked.question())),
            Request::CreateToken(asked) => asked.decide(&tables.new_token_facts(asked.question())),
            Request::RevokeToken(asked) => {
                let revocation = asked.question();
                let (caller, owner) = (tables.caller(&revocation.actor), tables.token_owner(revocation.token));
                asked.decide(&RevokeTokenFacts { caller, owner })
            }
            Request::RevokeTokens(asked) => asked.decide(&tables.revocation_facts(asked.question())),
            Request::LogOut(asked) => asked.decide(&tables.caller(&asked.question().actor)),
            Request::BeginSession(asked) => asked.decide(&tables.begin_session_facts(asked.question())),
            Request::EndSession(asked) => asked.decide(&tables.end_session_facts(asked.question())),
            Request::ChangeSecondFactor(asked) => asked.decide(&tables.second_factor_facts(asked.question())),
            Request::TellOfToken(asked) => {
                let is_due = tables.is_untold(asked.question().token, asked.question().notice);
                asked.decide(&TellOfTokenFacts { is_due })
            }
            Request::CreateScope(asked) => asked.decide(&tables.new_scope_facts(asked.question())),
            Request::ChangeMember(asked) => asked.decide(&tables.member_facts(asked.question())),
            Request::ChangeScopePolicy(asked) => asked.decide(&tables.scope_policy_facts(asked.question())),
            Request::RevokePublisherToken(asked) => {
                let token = tables.publisher_tokens.get(&asked.question().token);
                asked.decide(&RevokePublisherTokenFacts { expires_at: token.map(|token| token.expires_at) })
            }
            Request::ChangePublisher(asked) => {
                let PublisherCommand { actor, package, .. } = asked.question();
                asked.decide(&tables.publisher_facts(actor, package))
            }
            Request::SetReadOnly(asked) => {
                let caller = asked.question().actor.as_ref().map(|actor| tables.caller(actor)).unwrap_or_default();
                asked.decide(&SetReadOnlyFacts { caller, mode: tables.read_only.clone() })
            }
            Request::RemoveOldVersions(asked) => {
                let RemoveOldVersions { package, before, .. } = asked.question();
                asked.decide(&tables.old_versions_facts(package, *before))
            }
            Request::DropAged(asked) => {
                asked.decide(&DropAgedFacts { oldest: tables.oldest_aged(asked.question().what) })
            }
            Request::ExchangeIdToken(asked) => asked.decide(&tables.exchange_facts(asked.question())),
        };
        tables.apply(decision?, now)
    }
}

#[async_trait]
impl QueryHandler for MemoryMetadata {
    async fn read(&self, request: QueryRequest) -> Result<()> {
        let tables = self.tables();
        match &request {
            QueryRequest::Resource(query) => self.resources().answer(query, &tables),
            QueryRequest::AddressesOfLogin(asked) => asked.answer(tables.addresses_of_login(&asked.question().0)),
            QueryRequest::ErasedUsernames(asked) => asked.answer(tables.erased_usernames(&asked.question().0)),
            QueryRequest::TokensToTellOf(asked) => asked.answer(tables.tokens_to_tell_of(asked.question().0)),
            QueryRequest::TokenOfSecret(asked) => asked.answer(tables.token_of_secret(&asked.question().0)),
            QueryRequest::SecondFactorOf(asked) => {
                asked.answer(tables.second_factors.get(&asked.question().0).cloned());
            }
            QueryRequest::TagGates(asked) => {
                let (name, reach) = &asked.question().0;
                asked.answer(tables.package(name, *reach).map(|package| package.gates.clone()));
            }
            QueryRequest::ReadOnlySwitch(asked) => asked.answer(tables.read_only.clone()),
            QueryRequest::PackagesMadeBefore(asked) => {
                let (before, after, limit) = &asked.question().0;
                asked.answer(tables.packages_made_before(*before, after.as_ref(), *limit));
            }
            QueryRequest::OldVersionsOf(asked) => {
                let (name, before) = &asked.question().0;
                asked.answer(tables.old_versions_facts(name, *before));
            }
            QueryRequest::DigestsOf(asked) => asked.answer(tables.digests_of(&asked.question().0)),
            QueryRequest::OldestAged(asked) => asked.answer(tables.oldest_aged(asked.question().0)),
            QueryRequest::ApprovalsOf(asked) => {
                let (name, version) = &asked.question().0;
                asked.answer(tables.approvals_of(name, version));
            }
            QueryRequest::VersionsByApproval(asked) => {
                let (status, page) = asked.question().0;
                asked.answer(tables.versions_by_approval(status, page));
            }
            QueryRequest::RecallsSince(asked) => asked.answer(tables.recalls(&asked.question().0)),
            QueryRequest::PublisherFactsOf(asked) => {
                let PublisherQuery { actor, package, .. } = &asked.question().0;
                asked.answer(tables.publisher_facts(actor, package));
            }
            QueryRequest::PublisherBySecret(asked) => asked.answer(tables.publisher_by_secret(&asked.question().0)),
        }
        Ok(())
    }
}
