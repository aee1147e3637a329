use jiff::{SignedDuration, Timestamp};

use crate::{
    decide::{Action, NewToken, RevokeToken, Rights},
    error::{Detail, Error, Result},
    ports::CommandHandlerExt,
    registry::Registry,
    types::{AuditEvent, Principal, Token, TokenId, TokenPattern, TokenScope, TokenScopes, TokenSecret, Username},
};

/// The longest name of a token, in characters.
pub(crate) const MAX_NAME: usize = 64;
/// How far the clock of a client may be ahead.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_hours(1);
/// The most patterns of packages a token may have.
pub(crate) const MAX_PATTERNS: usize = 50;

/// An API token somebody asks for, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct TokenRequest {
    /// What to call it: 1 to 64 characters.
    pub name: String,
    /// What it may be used for, such as `publish`; at least one.
    pub scopes: Vec<String>,
    /// The packages it is restricted to, as names or globs; empty for all.
    pub packages: Vec<String>,
    /// When it shall stop working; `None` for the longest that the policy allows.
    pub expires_at: Option<Timestamp>,
}

struct Checked {
    name: String,
    scopes: TokenScopes,
    packages: Vec<TokenPattern>,
    expires_at: Option<Timestamp>,
}

impl Registry {
    /// Makes an API token of the caller's. Its secret is told here and never again.
    ///
    /// A token made with a token cannot do more than that, or for longer; one
    /// that is restricted to packages makes none.
    ///
    /// # Errors
    /// [`Error::InvalidRequest`] with every fault; [`Error::Forbidden`]; [`Error::QuotaExceeded`].
    pub async fn create_token(&self, by: &Principal, request: TokenRequest) -> Result<(Token, TokenSecret)> {
        Action::CreateToken.require_credential(by, None)?;
        let checked = check(&request, self.now(), self.policy().max_token_days)?;
        let secret = TokenSecret::generate();
        let id = TokenId::generate();
        let scopes: Vec<_> = checked.scopes.iter().map(TokenScope::as_str).collect();
        let packages: Vec<_> = checked.packages.iter().map(TokenPattern::as_str).collect();
        let audit = self
            .entry_by(AuditEvent::TokenCreate, by)
            .with("token", id.to_string())
            .with("name", checked.name.as_str())
            .with("scopes", scopes)
            .with("packages", packages)
            .with("expires_at", checked.expires_at.map(|at| at.to_string()));
        let token = Token {
            id,
            user: by.user,
            name: checked.name,
            scopes: checked.scopes,
            packages: checked.packages,
            created_at: audit.timestamp,
            expires_at: checked.expires_at,
            last_used_at: None,
            last_used_from: None,
        };
        let new = NewToken {
            actor: by.actor(),
            scopes: by.scopes,
            token,
            secret: secret.digest(),
            max_tokens: self.policy().tokens_per_user,
            audit,
        };
        self.inner().commands.execute(&new).await?;
        let token = new.token;
        tracing::info!(event = "token_created", user = %by.username, token_id = %token.id, "API token created");
        Ok((token, secret))
    }

    /// The caller's live tokens, newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] with a token that lacks the scope `admin` or is
    /// restricted to packages.
    pub async fn tokens(&self, by: &Principal) -> Result<Vec<Token>> {
        Action::ListTokens.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_self(Action::ListTokens)?;
        self.inner().tokens.tokens(&by.actor(), self.now()).await
    }

    /// The live tokens of an account, newest first: for administrators and auditors.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::UserNotFound`].
    pub async fn tokens_of(&self, by: &Principal, username: &Username) -> Result<Vec<Token>> {
        Action::ListAccounts.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_everywhere(Action::ListAccounts)?;
        let user = self.find_user(username).await?.ok_or_else(|| Error::UserNotFound(username.clone()))?;
        self.inner().tokens.tokens(&Principal::of_host(&user).actor(), self.now()).await
    }

    /// Revokes a token of the caller's. A token may always revoke itself.
    ///
    /// # Errors
    /// [`Error::TokenNotFound`]; [`Error::Forbidden`].
    pub async fn revoke_token(&self, by: &Principal, id: TokenId) -> Result<()> {
        let audit = self.entry_by(AuditEvent::TokenRevoke, by).with("token", id.to_string());
        let revocation = RevokeToken { actor: by.actor(), token: id, audit };
        revocation.action().require_credential(by, None)?;
        self.inner().commands.execute(&revocation).await?;
        tracing::info!(event = "token_revoked", user = %by.username, token_id = %id, "API token revoked");
        Ok(())
    }
}

/// The request in the domain's words; else every fault.
fn check(request: &TokenRequest, now: Timestamp, max_days: Option<u32>) -> Result<Checked> {
    let mut details = Vec::new();
    let name = request.name.trim().to_owned();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        details.push(Detail::new("name", format!("is not 1 to {MAX_NAME} characters without control characters")));
    }
    let scopes = request.scopes.iter().filter_map(|text| {
        let scope = TokenScope::parse(text);
        if scope.is_none() {
            let known = TokenScope::ALL.map(TokenScope::as_str).join(", ");
            let text: String = text.chars().take(MAX_NAME).collect();
            details.push(Detail::new("scopes", format!("`{text}` is none of {known}")));
        }
        scope
    });
    let scopes = scopes.collect();
    if request.scopes.is_empty() {
        details.push(Detail::new("scopes", "is empty; name what the token is for, such as `publish`"));
    }
    if request.packages.len() > MAX_PATTERNS {
        details.push(Detail::new("packages", format!("has more than {MAX_PATTERNS} entries")));
    }
    let mut packages = Vec::new();
    for text in request.packages.iter().take(MAX_PATTERNS) {
        match TokenPattern::parse(text) {
            Ok(pattern) => packages.push(pattern),
            Err(error) => details.push(Detail::new("packages", error.to_string())),
        }
    }
    // Databases keep microseconds; what is told here is what is listed later.
    let stored = |at: Timestamp| Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at);
    let expires_at = request.expires_at.map(stored);
    if expires_at.is_some_and(|at| at <= now) {
        details.push(Detail::new("expires_at", "is not in the future"));
    }
    let longest = max_days.map(|days| (days, now + SignedDuration::from_hours(i64::from(days) * 24)));
    // The clock of the client may be ahead, and `365d` is meant to work where 365 days are allowed.
    if let Some((days, _)) = longest.filter(|(_, end)| expires_at.is_some_and(|at| at > *end + CLOCK_SKEW)) {
        details.push(Detail::new("expires_at", format!("is later than the {days} days that this registry allows")));
    }
    let expires_at = match (expires_at, longest) {
        (wanted, Some((_, end))) => Some(stored(wanted.map_or(end, |wanted| wanted.min(end)))),
        (wanted, None) => wanted,
    };
    if details.is_empty() {
        return Ok(Checked { name, scopes, packages, expires_at });
    }
    Err(Error::InvalidRequest { message: "The token cannot be made as asked; see the details".into(), details })
}
