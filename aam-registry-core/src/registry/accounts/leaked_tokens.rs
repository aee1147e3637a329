//! API tokens that were found where others can read them.

use std::{fmt, net::IpAddr};

use crate::{
    decide::{RevokePublisherToken, RevokedTokens, TokenRevocation},
    error::{Error, Result},
    ports::{CommandHandlerExt, PublisherBySecret, QueryHandlerExt, ScannerSignature, TokenOfSecret},
    registry::Registry,
    types::{AuditEvent, NewAuditEntry, PublisherSecret, TokenSecret},
};

/// The most tokens that one report may name.
pub const MAX_LEAKED_TOKENS: usize = 100;

/// The most characters of an address that are kept.
const MAX_URL: usize = 500;

/// An API token that somebody has found. Debug output hides it.
#[derive(Clone)]
pub struct LeakedToken {
    /// The secret.
    pub token: String,
    /// Where it was found.
    pub url: Option<String>,
}

impl fmt::Debug for LeakedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakedToken").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Registry {
    /// Revokes API tokens, and tokens of trusted publishers, that were found where others can read them, and tells their users by mail. Whoever has a
    /// token may report it: that proves that it leaked. Of more than [`MAX_LEAKED_TOKENS`] the first are read.
    ///
    /// What is no token of this registry, or was revoked before, is passed over, and the answer does not tell.
    ///
    /// # Errors
    /// Only those of the database.
    pub async fn report_leaked_tokens(&self, leaked: &[LeakedToken], client: Option<IpAddr>) -> Result<()> {
        for one in leaked.iter().take(MAX_LEAKED_TOKENS) {
            self.revoke_leaked(one, client).await?;
        }
        Ok(())
    }

    /// Requires that a secret scanner has signed `body`, where the host checks that.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a report without a signature, or with another one; [`Error::ScannerKeysUnavailable`].
    pub async fn require_signed_report(&self, body: &[u8], signature: Option<ScannerSignature<'_>>) -> Result<()> {
        let Some(signatures) = &self.inner().scanner_signatures else { return Ok(()) };
        let signature = signature.ok_or_else(|| {
            Error::forbidden(
                "This registry takes reports of leaked tokens only from secret scanners that sign them; whoever has an \
                 API token can revoke it with `aam token revoke`, or by the API operation `revokeToken`",
            )
        })?;
        signatures.check(body, signature, self.now()).await
    }

    async fn revoke_leaked(&self, leaked: &LeakedToken, client: Option<IpAddr>) -> Result<()> {
        let text = leaked.token.trim();
        if let Some(secret) = TokenSecret::parse(text) {
            return self.revoke_leaked_token(&secret, leaked, client).await;
        }
        match PublisherSecret::parse(text) {
            Some(secret) => self.revoke_leaked_publisher_token(&secret, leaked, client).await,
            None => Ok(()),
        }
    }

    async fn revoke_leaked_token(
        &self,
        secret: &TokenSecret,
        leaked: &LeakedToken,
        client: Option<IpAddr>,
    ) -> Result<()> {
        let Some(found) = self.inner().queries.ask(TokenOfSecret(secret.digest())).await? else { return Ok(()) };
        let (id, user) = (found.token.id, found.user.username);
        let audit = self.leak_entry(leaked, client, &id.to_string(), &found.token.name).with("user", user.as_str());
        let revocation = TokenRevocation { tokens: RevokedTokens::Id(id), now: audit.timestamp, audit };
        if self.inner().commands.execute(&revocation).await? > 0 {
            warn_of_leak(user.as_str(), &id.to_string(), client);
        }
        Ok(())
    }

    /// Told is who added the publisher.
    async fn revoke_leaked_publisher_token(
        &self,
        secret: &PublisherSecret,
        leaked: &LeakedToken,
        client: Option<IpAddr>,
    ) -> Result<()> {
        let Some(found) = self.inner().queries.ask(PublisherBySecret(secret.digest())).await? else { return Ok(()) };
        let (id, name) = (found.token.id, found.token.name);
        let mut audit = self.leak_entry(leaked, client, &id.to_string(), &name).with("package", found.package.as_str());
        if let Some(user) = &found.added_by {
            audit = audit.with("user", user.as_str());
        }
        let revocation = RevokePublisherToken { token: id, now: audit.timestamp, audit };
        if self.inner().commands.execute(&revocation).await? {
            warn_of_leak(&name, &id.to_string(), client);
        }
        Ok(())
    }

    fn leak_entry(&self, leaked: &LeakedToken, client: Option<IpAddr>, id: &str, name: &str) -> NewAuditEntry {
        let mut audit =
            NewAuditEntry::new(AuditEvent::TokenLeakReported, self.now()).with("token", id).with("name", name);
        let url = leaked.url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://"));
        if let Some(url) = url {
            audit = audit.with("url", url.chars().filter(|c| !c.is_control()).take(MAX_URL).collect::<String>());
        }
        match client {
            Some(client) => audit.with("client_ip", client.to_string()),
            None => audit,
        }
    }
}

fn warn_of_leak(user: &str, id: &str, client: Option<IpAddr>) {
    tracing::warn!(
        event = "token_leak_reported",
        user,
        token_id = id,
        client_ip = client.map(tracing::field::display),
        "a token was reported as leaked and is revoked",
    );
}
