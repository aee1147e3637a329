use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Changes, Decision, PublisherToken, Write};
use crate::{
    error::{Detail, Error, Result},
    types::{IdToken, PackageName, PublisherTokenId, ScopeRole, Sha256Digest, TrustedPublisher},
};

/// The claims that a refusal repeats, because trusted publishers name them.
const TOLD: [&str; 9] = [
    "sub",
    "repository",
    "repository_id",
    "job_workflow_ref",
    "environment",
    "ref",
    "project_path",
    "project_id",
    "ci_config_ref_uri",
];

/// An ID token to be swapped for a token that publishes one package.
#[derive(Clone, Debug)]
pub struct TokenExchange {
    /// The ID token, whose signature, issuer, audience and times were checked.
    pub id_token: IdToken,
    /// The package to publish; where `None`, the only one that trusts the ID token.
    pub package: Option<PackageName>,
    /// The id of the new token.
    pub token: PublisherTokenId,
    /// The digest of its secret.
    pub secret: Sha256Digest,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// What a [`TokenExchange`] is decided by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenExchangeFacts {
    /// Whether the ID token was used before.
    pub used: bool,
    /// The publishers of its issuer with one of its [anchors](TrustedPublisher::anchors), oldest first.
    pub candidates: Vec<PublisherCandidate>,
}

/// A publisher that may match an ID token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublisherCandidate {
    /// The publisher.
    pub publisher: TrustedPublisher,
    /// Whether its package exists.
    pub package_exists: bool,
    /// Whether the account that added it is there and not disabled.
    pub creator_is_enabled: bool,
    /// The role of that user in the scope of the package's name.
    pub creator_role: Option<ScopeRole>,
}

impl PublisherCandidate {
    /// Whether it can publish: one that waits for its package does so only while there is none, and
    /// while whoever added it could make the package.
    fn is_usable(&self) -> bool {
        let may_make = self.creator_is_enabled
            && (self.publisher.package.scope().is_none() || self.creator_role == Some(ScopeRole::Owner));
        if self.publisher.pending { !self.package_exists && may_make } else { self.package_exists }
    }
}

impl TokenExchange {
    /// Swaps the ID token; gives the publisher that it is of. The first one pins the immutable ids.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] for an ID token that was used; [`Error::NoTrustedPublisher`] where no
    /// publisher matches, or the immutable ids are others; [`Error::InvalidRequest`] where several
    /// packages trust it and none was named.
    pub fn decide(&self, facts: &TokenExchangeFacts) -> Result<Decision<'static, TrustedPublisher>> {
        if facts.used {
            return Err(Error::Unauthorized(
                "This ID token was used before; ask for a new one for each publish".to_owned(),
            ));
        }
        let asked =
            |publisher: &TrustedPublisher| self.package.as_ref().is_none_or(|asked| *asked == publisher.package);
        let usable = facts.candidates.iter().filter(|candidate| candidate.is_usable()).map(|found| &found.publisher);
        let matching: Vec<_> =
            usable.filter(|publisher| asked(publisher) && publisher.matches(&self.id_token)).collect();
        let Some(first) = matching.first() else { return Err(self.no_match()) };
        let Some(publisher) = matching.iter().find(|publisher| publisher.other_id(&self.id_token).is_none()) else {
            return Err(self.other_id(first));
        };
        let packages: BTreeSet<_> = matching.iter().map(|publisher| publisher.package.as_str()).collect();
        if packages.len() > 1 {
            let packages: Vec<_> = packages.into_iter().collect();
            return Err(Error::invalid_request(format!(
                "Several packages trust this ID token: {}; say in `package` which one to publish",
                packages.join(", ")
            )));
        }
        // Whoever added it will own the package, so a stranger must not be taken for the one who did.
        let is_others = |other: &&TrustedPublisher| other.pending && other.created_by != publisher.created_by;
        if publisher.pending && publisher.package.scope().is_none() && matching.iter().any(|other| is_others(other)) {
            return Err(self.refused(format!(
                "Several users have added this trusted publisher of {}, which does not exist yet; publish its first \
                 version with an API token",
                publisher.package
            )));
        }
        let missing = publisher.preset.immutable_ids().iter().find(|id| !self.id_token.claims.contains_key(**id));
        if let Some(missing) = missing {
            return Err(
                self.refused(format!("This ID token lacks the claim `{missing}`, which tells repositories apart"))
            );
        }
        Ok(self.issue((*publisher).clone()))
    }

    fn issue(&self, mut publisher: TrustedPublisher) -> Decision<'static, TrustedPublisher> {
        let mut writes = vec![
            Write::UseIdToken { key: self.id_token.key(), until: self.id_token.ends_at },
            Write::AddPublisherToken(PublisherToken {
                id: self.token,
                publisher: publisher.id,
                secret: self.secret,
                name: self.id_token.principal_name(),
                expires_at: self.expires_at,
            }),
        ];
        if publisher.pinned.is_empty() {
            publisher.pinned = TrustedPublisher::immutable_ids(&self.id_token);
            if !publisher.pinned.is_empty() {
                writes.insert(0, Write::PutPublisher(publisher.clone()));
            }
        }
        Decision { answer: publisher, changes: Changes { writes, ..Changes::default() } }
    }

    fn no_match(&self) -> Error {
        let of = self.package.as_ref().map_or_else(|| "any package".to_owned(), ToString::to_string);
        self.refused(format!(
            "No trusted publisher of {of} matches this ID token; compare what it says, in the details, with \
             `aam trusted-publisher ls`"
        ))
    }

    fn other_id(&self, publisher: &TrustedPublisher) -> Error {
        let (id, package) = (publisher.other_id(&self.id_token).unwrap_or_default(), &publisher.package);
        self.refused(format!(
            "This ID token is of another repository or project of the same name: its `{id}` is not that of the first \
             publish of {package}. If that is right, an owner removes the trusted publisher and adds it again"
        ))
    }

    /// A refusal with what the token itself says.
    fn refused(&self, message: String) -> Error {
        let told = |name: &&str| Some(Detail::new(*name, self.id_token.claims.get(*name)?.as_str()));
        let details = TOLD.iter().filter_map(told).collect();
        Error::NoTrustedPublisher { message, details }
    }
}
