use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryMetadata, tables::Tables};
use crate::{
    decide::{PublisherCandidate, PublisherCommand, PublisherFacts, PublisherQuery, TokenExchange, TokenExchangeFacts},
    error::Result,
    ports::{PublisherHolder, PublisherStore},
    types::{Actor, PackageName, PackagePublishers, Sha256Digest, TrustedPublisher},
};

#[async_trait]
impl PublisherStore for MemoryMetadata {
    async fn change_publisher(&self, command: &PublisherCommand) -> Result<Option<TrustedPublisher>> {
        let mut tables = self.tables();
        let facts = tables.publisher_facts(&command.actor, &command.package);
        tables.apply(command.decide(&facts)?, self.clock.now())
    }

    async fn publishers(&self, query: &PublisherQuery) -> Result<PackagePublishers> {
        query.decide(&self.tables().publisher_facts(&query.actor, &query.package))
    }

    async fn exchange_token(&self, exchange: &TokenExchange) -> Result<TrustedPublisher> {
        let mut tables = self.tables();
        let facts = tables.exchange_facts(exchange);
        tables.apply(exchange.decide(&facts)?, self.clock.now())
    }

    async fn publisher_holder(&self, secret: &Sha256Digest, now: Timestamp) -> Result<Option<PublisherHolder>> {
        let tables = self.tables();
        let token = tables.publisher_tokens.values().find(|token| token.secret == *secret && token.expires_at > now);
        Ok(token.and_then(|token| {
            let package = tables.publishers.get(&token.publisher)?.package.clone();
            Some(PublisherHolder { token: token.clone(), package })
        }))
    }

    async fn forget_publisher_tokens(&self, now: Timestamp) -> Result<()> {
        let mut tables = self.tables();
        tables.publisher_tokens.retain(|_, token| token.expires_at > now);
        tables.used_id_tokens.retain(|_, until| *until > now);
        Ok(())
    }
}

impl Tables {
    fn publisher_facts(&self, actor: &Actor, name: &PackageName) -> PublisherFacts {
        let of_actor = |publisher: &&TrustedPublisher| publisher.pending && publisher.created_by == actor.user;
        let mut publishers: Vec<_> = self.publishers.values().filter(|one| one.package == *name).cloned().collect();
        publishers.sort_by_key(|publisher| (publisher.created_at, publisher.id));
        PublisherFacts {
            access: self.package_access(actor, name),
            scope_exists: name.scope().is_some_and(|scope| self.scopes.contains_key(&scope)),
            publishers,
            pending_of_actor: self.publishers.values().filter(of_actor).count() as u64,
        }
    }

    fn exchange_facts(&self, exchange: &TokenExchange) -> TokenExchangeFacts {
        let anchors = TrustedPublisher::anchors(&exchange.id_token);
        let is_candidate = |one: &&TrustedPublisher| {
            one.issuer == exchange.id_token.issuer
                && anchors.contains(&one.anchor())
                && exchange.package.as_ref().is_none_or(|asked| *asked == one.package)
        };
        let mut found: Vec<_> = self.publishers.values().filter(is_candidate).collect();
        found.sort_by_key(|publisher| (publisher.created_at, publisher.id));
        let candidate = |publisher: &TrustedPublisher| PublisherCandidate {
            publisher: publisher.clone(),
            package_exists: self.packages.contains_key(&publisher.package),
            creator_is_enabled: self.is_enabled(publisher.created_by),
            creator_role: self.scope_role(&publisher.package, publisher.created_by),
        };
        TokenExchangeFacts {
            used: self.used_id_tokens.contains_key(&exchange.id_token.key()),
            candidates: found.into_iter().map(candidate).collect(),
        }
    }
}
