use std::{fmt::Debug, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{PublisherHolder, TokenHolder};
use crate::{
    decide::{OldVersionsFacts, PublisherFacts, PublisherQuery, Query, ResourceQuery, query::queries},
    error::Result,
    types::{
        Aged, Approval, ApprovalStatus, Asked, Gates, PackageName, Page, PageRequest, Reach, ReadOnlyMode, RecallList,
        RecallQuery, SecondFactor, Sha256Digest, TokenNotice, UserId, Username, Version, WaitingVersion,
    },
};

/// Answers every [`Query`] through one method, so that a wrapper forwards once. Callers use
/// [`ask`](QueryHandlerExt::ask), which gives the query's own answer.
#[async_trait]
pub trait QueryHandler: Debug + Send + Sync + 'static {
    /// Reads from one snapshot and stores the answer.
    ///
    /// # Errors
    /// A backend error of kind database.
    async fn read(&self, request: QueryRequest) -> Result<()>;
}

/// The way in for callers of a [`QueryHandler`].
pub trait QueryHandlerExt: QueryHandler {
    /// Answers a query.
    ///
    /// # Errors
    /// Those of [`QueryHandler::read`].
    fn ask<Q: Query>(&self, query: Q) -> impl Future<Output = Result<Q::Answer>> + Send
    where
        QueryRequest: From<Q::Request>,
    {
        let asked = Arc::new(Asked::new(query));
        let request = QueryRequest::from(Q::request(Arc::clone(&asked)));
        async move {
            self.read(request).await?;
            asked.take()
        }
    }
}

impl<S: QueryHandler + ?Sized> QueryHandlerExt for S {}

impl From<ResourceQuery> for QueryRequest {
    fn from(query: ResourceQuery) -> Self {
        Self::Resource(query)
    }
}

queries! {
    /// A query as a store takes it.
    QueryRequest {
        /// About a resource.
        Resource(ResourceQuery),
    }
    /// The gates of a package's dist-tags, if the package is within reach.
    TagGates((PackageName, Reach)) -> Option<Gates>;
    /// The read-only mode that the registry was switched to, if any.
    ReadOnlySwitch(()) -> Option<ReadOnlyMode>;
    /// The names of packages that were made before that instant, in their order: those after the name, at most so many.
    PackagesMadeBefore((Timestamp, Option<PackageName>, usize)) -> Vec<PackageName>;
    /// What the removal of versions of a package is decided by that are older than that.
    OldVersionsOf((PackageName, Timestamp)) -> OldVersionsFacts;
    /// Every version of a package and the digest of its archive, also of those that are removed.
    DigestsOf(PackageName) -> Vec<(Version, Sha256Digest)>;
    /// Since when the oldest of these rows ages; `None` where there is none.
    OldestAged(Aged) -> Option<Timestamp>;
    /// The decisions about a version, oldest first; whoever asks has asked before whether it is shown.
    ApprovalsOf((PackageName, Version)) -> Vec<Approval>;
    /// The versions of this approval status that are neither in quarantine nor removed, oldest first.
    VersionsByApproval((ApprovalStatus, PageRequest)) -> Page<WaitingVersion>;
    /// The recalls of versions that everybody could see who sees their package.
    RecallsSince(RecallQuery) -> RecallList;
    /// The addresses from which the user with that username or, if it contains an `@`, with that e-mail address
    /// (in any case) has logged in, as far as is remembered.
    AddressesOfLogin(String) -> Vec<IpAddr>;
    /// Those of these names that were the names of accounts which are deleted.
    ErasedUsernames(Vec<Username>) -> Vec<Username>;
    /// At most 100 valid tokens of enabled users who are to be told at that time: of the end of a token that was made
    /// more than a [week](TokenNotice::AHEAD) before it, and of a [stale](crate::types::Token::is_stale) token. Those
    /// who were told are left out.
    TokensToTellOf(Timestamp) -> Vec<(TokenHolder, TokenNotice)>;
    /// The API token with a secret of that digest and its user, who may be disabled. Expired tokens are found, too;
    /// revoked ones are not.
    TokenOfSecret(Sha256Digest) -> Option<TokenHolder>;
    /// The second factor of a user, confirmed or not.
    SecondFactorOf(UserId) -> Option<SecondFactor>;
    /// What a question for the trusted publishers of a package is decided by.
    PublisherFactsOf(PublisherQuery) -> PublisherFacts;
    /// The token of a trusted publisher with that secret, unless the publisher was removed.
    PublisherBySecret(Sha256Digest) -> Option<PublisherHolder>;
}
