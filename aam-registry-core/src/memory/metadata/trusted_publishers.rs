//! Trusted publishers, their tokens, and which ID tokens were used.

use super::tables::Tables;
use crate::{
    decide::{PublisherCandidate, PublisherFacts, TokenExchange, TokenExchangeFacts},
    ports::PublisherHolder,
    types::{Actor, PackageName, Sha256Digest, TrustedPublisher},
};

impl Tables {
    pub(super) fn publisher_facts(&self, actor: &Actor, name: &PackageName) -> PublisherFacts {
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

    /// The publisher and its token, by the digest of the secret.
    pub(super) fn publisher_by_secret(&self, secret: &Sha256Digest) -> Option<PublisherHolder> {
        let token = self.publisher_tokens.values().find(|token| token.secret == *secret)?;
        let publisher = self.publishers.get(&token.publisher)?;
        let added_by = self.username(publisher.created_by).cloned();
        Some(PublisherHolder { token: token.clone(), package: publisher.package.clone(), added_by })
    }

    pub(super) fn exchange_facts(&self, exchange: &TokenExchange) -> TokenExchangeFacts {
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
