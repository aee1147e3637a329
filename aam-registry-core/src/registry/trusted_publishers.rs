use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{Registry, reserved};
use crate::{
    decide::{Action, PublisherChange, PublisherCommand, PublisherQuery, TokenExchange},
    error::{Detail, Error, Result},
    ports::{CommandHandlerExt, IdTokenVerifier, PublisherFactsOf, QueryHandlerExt},
    types::{
        AuditEvent, Issuer, NewAuditEntry, PackageName, PackagePublishers, Principal, PublisherId, PublisherPreset,
        PublisherSecret, PublisherTokenId, TrustedPublisher,
    },
};

/// How long a token of a trusted publisher works.
const TOKEN_LIFETIME: Duration = Duration::from_mins(15);

/// Claims that every ID token is checked for, so that no publisher may name them.
const CHECKED: [&str; 6] = ["iss", "aud", "exp", "nbf", "iat", "jti"];

/// A trusted publisher somebody asks for, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct PublisherRequest {
    /// Who issues the ID tokens; one of [`Registry::trusted_issuers`].
    pub issuer: String,
    /// `github`, `gitlab` or `claims`; that of the issuer where `None`.
    pub preset: Option<String>,
    /// What an ID token has to say.
    pub claims: BTreeMap<String, String>,
}

/// What an ID token was swapped for.
#[derive(Debug)]
pub struct ExchangedToken {
    /// The secret with which the package is published.
    pub secret: PublisherSecret,
    /// The publisher that the ID token is of.
    pub publisher: TrustedPublisher,
    /// How long the secret works.
    pub lifetime: Duration,
    /// When it stops working.
    pub expires_at: Timestamp,
}

impl Registry {
    /// Adds a trusted publisher of a package, which need not exist yet. Adding one that is there changes
    /// nothing and gives that one.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] with every fault; the refusals of [`PublisherCommand::decide`];
    /// [`Error::Forbidden`] where this registry takes no ID tokens.
    pub async fn add_publisher(
        &self,
        by: &Principal,
        package: &PackageName,
        request: &PublisherRequest,
    ) -> Result<TrustedPublisher> {
        Action::AddPublisher.require_credential(by, Some(package))?;
        reserved::check_package(package, &self.policy().reserved_names, by.acts_as_admin())?;
        self.require_unlike(by, package).await?;
        let (issuer, preset) = check(request, &self.id_tokens()?.issuers())?;
        let id = PublisherId::generate();
        let audit = self
            .entry(AuditEvent::PublisherAdd, by, package)
            .with("publisher", id.to_string())
            .with("issuer", issuer.as_str())
            .with("preset", preset.as_str())
            .with("claims", json!(request.claims));
        let new = TrustedPublisher {
            id,
            package: package.clone(),
            issuer,
            preset,
            claims: request.claims.clone(),
            pinned: BTreeMap::new(),
            pending: false,
            created_at: audit.timestamp,
            created_by: by.user,
        };
        let added = self.change_publisher_by(by, package, PublisherChange::Add(new), audit).await?;
        let added = added.ok_or_else(|| Error::internal("a publisher was added, and is not told"))?;
        tracing::info!(
            event = "publisher_added",
            user = by.name(),
            %package,
            publisher = %added.id,
            "trusted publisher added",
        );
        Ok(added)
    }

    /// Removes a trusted publisher of a package; its tokens end at once.
    ///
    /// # Errors
    /// The refusals of [`PublisherCommand::decide`].
    pub async fn remove_publisher(&self, by: &Principal, package: &PackageName, id: PublisherId) -> Result<()> {
        Action::ManagePublishers.require_credential(by, Some(package))?;
        let audit = self.entry(AuditEvent::PublisherRemove, by, package).with("publisher", id.to_string());
        self.change_publisher_by(by, package, PublisherChange::Remove(id), audit).await?;
        tracing::info!(
            event = "publisher_removed",
            user = by.name(),
            %package,
            publisher = %id,
            "trusted publisher removed",
        );
        Ok(())
    }

    /// Sets whether nobody but its trusted publishers may publish a package.
    ///
    /// # Errors
    /// The refusals of [`PublisherCommand::decide`].
    pub async fn set_trusted_only(&self, by: &Principal, package: &PackageName, only: bool) -> Result<()> {
        Action::ManagePublishers.require_credential(by, Some(package))?;
        let audit = self.entry(AuditEvent::PolicySet, by, package).with("trusted_publishing_only", only);
        self.change_publisher_by(by, package, PublisherChange::SetOnly(only), audit).await?;
        tracing::info!(event = "policy_set", user = by.name(), %package, trusted_publishing_only = only, "policy set");
        Ok(())
    }

    /// The trusted publishers of a package.
    ///
    /// # Errors
    /// The refusals of [`PublisherQuery::decide`].
    pub async fn publishers(&self, by: &Principal, package: &PackageName) -> Result<PackagePublishers> {
        Action::ReadPublishers.require_credential(by, Some(package))?;
        let query = PublisherQuery { actor: by.actor(), package: package.clone(), now: self.now() };
        query.decide(&self.inner().queries.ask(PublisherFactsOf(query.clone())).await?)
    }

    /// Swaps an ID token for a token that publishes one package, for 15 minutes. Where several packages
    /// trust the ID token, `package` says which.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] for an ID token that is not taken; the refusals of
    /// [`TokenExchange::decide`]; [`Error::Forbidden`] where this registry takes no ID tokens;
    /// [`Error::IssuerUnavailable`].
    pub async fn exchange_id_token(&self, id_token: &str, package: Option<PackageName>) -> Result<ExchangedToken> {
        let exchanged = self.exchange(id_token, package).await;
        let outcome = match &exchanged {
            Ok(_) => "accepted",
            Err(Error::Backend(_) | Error::IssuerUnavailable(_)) => "failed",
            Err(_) => "refused",
        };
        metrics::counter!("aam_id_tokens_total", "outcome" => outcome).increment(1);
        match &exchanged {
            Ok(ExchangedToken { publisher, .. }) => tracing::info!(
                event = "id_token_exchanged",
                package = %publisher.package,
                publisher = %publisher.id,
                "ID token swapped for a token that publishes the package",
            ),
            Err(error) => {
                tracing::info!(event = "id_token_refused", error = error as &dyn std::error::Error, "ID token refused",)
            }
        }
        exchanged
    }

    /// The issuers whose ID tokens are taken, and the audience that these have to be for; `None` where
    /// none are taken.
    pub fn trusted_issuers(&self) -> Option<(Vec<Issuer>, String)> {
        self.inner().id_tokens.as_ref().map(|verifier| (verifier.issuers(), verifier.audience()))
    }

    async fn exchange(&self, id_token: &str, package: Option<PackageName>) -> Result<ExchangedToken> {
        let now = self.now();
        let id_token = self.id_tokens()?.verify(id_token, now).await?;
        let (token, secret) = (PublisherTokenId::generate(), PublisherSecret::generate());
        let lifetime = SignedDuration::try_from(TOKEN_LIFETIME).map_err(Error::internal)?;
        let expires_at = now.checked_add(lifetime).map_err(Error::internal)?;
        let exchange = TokenExchange { id_token, package, token, secret: secret.digest(), expires_at };
        let publisher = self.inner().commands.execute(&exchange).await?;
        Ok(ExchangedToken { secret, publisher, lifetime: TOKEN_LIFETIME, expires_at })
    }

    async fn change_publisher_by(
        &self,
        by: &Principal,
        package: &PackageName,
        change: PublisherChange,
        audit: NewAuditEntry,
    ) -> Result<Option<TrustedPublisher>> {
        let (actor, package, now) = (by.actor(), package.clone(), audit.timestamp);
        let command = PublisherCommand { actor, package, change, now, audit };
        self.inner().commands.execute(&command).await
    }

    fn id_tokens(&self) -> Result<&dyn IdTokenVerifier> {
        self.inner().id_tokens.as_deref().ok_or_else(|| {
            Error::forbidden(
                "This registry takes no ID tokens, so it has no trusted publishers; its operator sets \
                 TRUSTED_PUBLISHING_ISSUERS",
            )
        })
    }
}

/// The request in the domain's words; else every fault.
fn check(request: &PublisherRequest, issuers: &[Issuer]) -> Result<(Issuer, PublisherPreset)> {
    let mut details = Vec::new();
    let issuer = issuers.iter().find(|issuer| issuer.as_str() == request.issuer);
    if issuer.is_none() {
        let known: Vec<_> = issuers.iter().map(Issuer::as_str).collect();
        let asked: String = request.issuer.chars().take(Issuer::MAX_LEN).collect();
        details
            .push(Detail::new("issuer", format!("`{asked}` is none that this registry trusts: {}", known.join(", "))));
    }
    let of_issuer = issuer.map_or(PublisherPreset::Claims, PublisherPreset::of);
    let preset = match request.preset.as_deref().map(PublisherPreset::parse) {
        None => of_issuer,
        Some(Some(preset)) if of_issuer == PublisherPreset::Claims || preset == of_issuer => preset,
        Some(Some(_)) => {
            details.push(Detail::new("preset", format!("must be `{}` for this issuer", of_issuer.as_str())));
            of_issuer
        }
        Some(None) => {
            let known = PublisherPreset::ALL.map(PublisherPreset::as_str);
            details.push(Detail::new("preset", format!("is none of {}", known.join(", "))));
            of_issuer
        }
    };
    check_claims(&request.claims, preset, &mut details);
    match issuer {
        Some(issuer) if details.is_empty() => Ok((issuer.clone(), preset)),
        _ => Err(Error::InvalidRequest {
            message: "The trusted publisher cannot be as asked; see the details".into(),
            details,
        }),
    }
}

fn check_claims(claims: &BTreeMap<String, String>, preset: PublisherPreset, details: &mut Vec<Detail>) {
    let mut fault = |field: &str, error: String| details.push(Detail::new(field, error));
    if claims.is_empty() && preset.required().is_empty() {
        fault("claims", "is empty; name a claim that no one else's tokens have, such as `sub`".to_owned());
    }
    if claims.len() > TrustedPublisher::MAX_CLAIMS {
        fault("claims", format!("has more than {} claims", TrustedPublisher::MAX_CLAIMS));
    }
    for required in preset.required() {
        if !claims.contains_key(*required) {
            fault("claims", format!("lacks `{required}`, which `{}` needs", preset.as_str()));
        }
    }
    for (name, value) in claims.iter().take(TrustedPublisher::MAX_CLAIMS) {
        let shown: String = name.chars().take(TrustedPublisher::MAX_CLAIM_NAME).collect();
        let field = format!("claims.{shown}");
        if name.is_empty()
            || name.chars().count() > TrustedPublisher::MAX_CLAIM_NAME
            || name.chars().any(char::is_control)
        {
            let most = TrustedPublisher::MAX_CLAIM_NAME;
            fault(&field, format!("has no name of 1 to {most} characters without control characters"));
        } else if CHECKED.contains(&name.as_str()) {
            fault(&field, "is checked for every ID token; leave it out".to_owned());
        }
        let most = TrustedPublisher::MAX_CLAIM_VALUE;
        if value.is_empty() || value.chars().count() > most || value.chars().any(char::is_control) {
            fault(&field, format!("is not 1 to {most} characters without control characters"));
        } else if let Some(wrong) = malformed(preset, name, value) {
            fault(&field, wrong.to_owned());
        }
    }
}

/// What is wrong with the value of a claim whose form is known.
fn malformed(preset: PublisherPreset, name: &str, value: &str) -> Option<&'static str> {
    let is_path = |parts: usize| value.split('/').filter(|part| !part.is_empty()).count() >= parts;
    let is_right = match (preset, name) {
        (PublisherPreset::GitHub, "repository") => value.split('/').count() == 2 && is_path(2),
        (PublisherPreset::GitHub, "job_workflow_ref") => value
            .split_once("/.github/workflows/")
            .is_some_and(|(repository, file)| repository.split('/').count() == 2 && file.contains(".y")),
        (PublisherPreset::GitLab, "project_path") => is_path(2) && !value.starts_with('/') && !value.ends_with('/'),
        _ => true,
    };
    let example = match name {
        "repository" => "must be a repository such as `acme/kit`",
        "job_workflow_ref" => {
            "must be a workflow such as `acme/kit/.github/workflows/publish.yml`, or that with `@refs/heads/main`"
        }
        _ => "must be a project such as `acme/tools/kit`",
    };
    (!is_right).then_some(example)
}
