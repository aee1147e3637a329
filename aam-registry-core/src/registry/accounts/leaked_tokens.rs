//! API tokens that were found where others can read them.

use std::{fmt, net::IpAddr};

use crate::{
    decide::{RevokedTokens, TokenRevocation},
    error::{Error, Result},
    ports::{CommandHandlerExt, QueryHandlerExt, ScannerSignature, TokenOfSecret},
    registry::Registry,
    types::{AuditEvent, NewAuditEntry, TokenSecret},
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
    /// Revokes API tokens that were found where others can read them, and tells their users by mail. Whoever has a
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
                 API token can revoke it with `DELETE /api/v1/users/tokens/{id}` or `aam token revoke`",
            )
        })?;
        signatures.check(body, signature, self.now()).await
    }

    async fn revoke_leaked(&self, leaked: &LeakedToken, client: Option<IpAddr>) -> Result<()> {
        let Some(secret) = TokenSecret::parse(leaked.token.trim()) else { return Ok(()) };
        let Some(found) = self.inner().queries.ask(TokenOfSecret(secret.digest())).await? else { return Ok(()) };
        let (id, user) = (found.token.id, found.user.username);
        let mut audit = NewAuditEntry::new(AuditEvent::TokenLeakReported, self.now())
            .with("user", user.as_str())
            .with("token", id.to_string())
            .with("name", found.token.name.as_str());
        let url = leaked.url.as_deref().filter(|url| url.starts_with("https://") || url.starts_with("http://"));
        if let Some(url) = url {
            audit = audit.with("url", url.chars().filter(|c| !c.is_control()).take(MAX_URL).collect::<String>());
        }
        if let Some(client) = client {
            audit = audit.with("client_ip", client.to_string());
        }
        let revocation = TokenRevocation { tokens: RevokedTokens::Id(id), now: audit.timestamp, audit };
        if self.inner().commands.execute(&revocation).await? > 0 {
            tracing::warn!(
                event = "token_leak_reported",
                user = %user,
                token_id = %id,
                client_ip = client.map(tracing::field::display),
                "an API token was reported as leaked and is revoked",
            );
        }
        Ok(())
    }
}
