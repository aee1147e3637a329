use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, rules};
use crate::{
    registry::ExchangedToken,
    types::{PackageName, PackagePublishers, TrustedPublisher},
};

/// A trusted publisher to add.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct PublisherRequest {
    /// Who issues the ID tokens, such as `https://token.actions.githubusercontent.com`: one of
    /// `trusted_publishing.issuers` in `/limits`.
    #[schemars(length(max = 255))]
    pub(crate) issuer: String,
    /// `github` needs the claims `repository` and `job_workflow_ref`, `gitlab` needs `project_path`, `claims` any
    /// claim. That of the issuer if absent; an issuer of one's own may have any.
    #[schemars(extend("enum" = ["github", "gitlab", "claims", null]))]
    pub(crate) preset: Option<String>,
    /// What an ID token has to say. `job_workflow_ref` and `ci_config_ref_uri` without `@` stand for every ref.
    #[schemars(extend("maxProperties" = 16, "additionalProperties" = {"type": "string", "minLength": 1, "maxLength": 512}))]
    pub(crate) claims: BTreeMap<String, String>,
}

/// Whether only trusted publishers may publish.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct PublishersChangeRequest {
    /// Whether nobody else may publish, with whatever token or login.
    pub(crate) trusted_publishing_only: bool,
}

/// Who may publish a package without a stored secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TrustedPublisher")]
pub(crate) struct PublisherAnswer {
    id: String,
    package: String,
    issuer: String,
    preset: &'static str,
    /// What an ID token has to say.
    claims: BTreeMap<String, String>,
    /// The immutable ids of the first ID token, which all later ones have to have; empty before it.
    pinned: BTreeMap<String, String>,
    /// Whether it waits for the package to be made, and makes it with the first publish.
    pending: bool,
    created_at: Time,
}

impl From<TrustedPublisher> for PublisherAnswer {
    fn from(publisher: TrustedPublisher) -> Self {
        Self {
            id: publisher.id.to_string(),
            package: publisher.package.to_string(),
            issuer: publisher.issuer.to_string(),
            preset: publisher.preset.as_str(),
            claims: publisher.claims,
            pinned: publisher.pinned,
            pending: publisher.pending,
            created_at: publisher.created_at.into(),
        }
    }
}

/// The trusted publishers of a package.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TrustedPublishers")]
pub(crate) struct PublishersAnswer {
    package: String,
    /// Whether nobody else may publish.
    trusted_publishing_only: bool,
    /// Oldest first.
    publishers: Vec<PublisherAnswer>,
}

impl PublishersAnswer {
    pub(crate) fn new(package: &PackageName, found: PackagePublishers) -> Self {
        Self {
            package: package.to_string(),
            trusted_publishing_only: found.only,
            publishers: found.publishers.into_iter().map(PublisherAnswer::from).collect(),
        }
    }
}

/// An ID token to swap.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct IdTokenRequest {
    /// The ID token: a JSON Web Token for the audience `trusted_publishing.audience` of `/limits`.
    #[schemars(length(max = 16384))]
    pub(crate) token: String,
    /// The package to publish; needed where several trust the ID token.
    #[schemars(regex(pattern = rules::PACKAGE))]
    pub(crate) package: Option<String>,
}

/// A token that publishes one package.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PublisherToken")]
pub(crate) struct PublisherTokenAnswer {
    /// The secret; it is never shown again.
    access_token: String,
    token_type: &'static str,
    /// For how many seconds it works.
    expires_in: u64,
    expires_at: Time,
    /// The package that it publishes, and nothing else.
    package: String,
}

impl From<ExchangedToken> for PublisherTokenAnswer {
    fn from(exchanged: ExchangedToken) -> Self {
        Self {
            access_token: exchanged.secret.expose().to_owned(),
            token_type: "bearer",
            expires_in: exchanged.lifetime.as_secs(),
            expires_at: exchanged.expires_at.into(),
            package: exchanged.publisher.package.to_string(),
        }
    }
}
