use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;
use crate::types::{Token, TokenPattern, TokenScope, TokenSecret};

/// An API token to create.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(extend("not" = {
    "required": ["expires_at", "expires_in_days"],
    "properties": {"expires_at": {"type": "string"}, "expires_in_days": {"type": "integer"}}
}))]
pub(crate) struct TokenRequest {
    /// A name for it.
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[!-~]+( [!-~]+)*$"))]
    pub(crate) name: String,
    /// What it may be used for; `read` is implied.
    #[schemars(extend("minItems" = 1, "items" = {"enum": ["read", "publish", "yank", "tag", "admin"]}))]
    pub(crate) scopes: Vec<String>,
    /// The packages it is restricted to, by full name or a pattern such as `@team/*`; all packages if
    /// absent or empty.
    #[schemars(length(max = 50), inner(regex(pattern = r"^[a-z0-9@/*?_-]{1,140}$")))]
    pub(crate) packages: Option<Vec<String>>,
    /// When it expires; if neither this nor `expires_in_days` is given, after the longest time that the
    /// registry allows (`max_token_days` of `GET /api/v1/limits`).
    #[schemars(extend("format" = "date-time"), regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"))]
    pub(crate) expires_at: Option<String>,
    /// In how many days it expires; not together with `expires_at`.
    #[schemars(range(min = 1, max = 3650))]
    pub(crate) expires_in_days: Option<u32>,
}

/// An API token that was found where others can read it.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ReportedToken {
    /// The token.
    pub(crate) token: String,
    /// Where it was found.
    pub(crate) url: Option<String>,
}

/// A new API token.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewToken")]
pub(crate) struct NewTokenAnswer {
    id: String,
    name: String,
    /// The secret; it is never shown again.
    token: String,
    scopes: Vec<&'static str>,
    packages: Vec<String>,
    created_at: Time,
    expires_at: Option<Time>,
}

impl NewTokenAnswer {
    pub(crate) fn new(token: Token, secret: &TokenSecret) -> Self {
        Self {
            id: token.id.to_string(),
            scopes: token.scopes.iter().map(TokenScope::as_str).collect(),
            packages: patterns(&token.packages),
            created_at: token.created_at.into(),
            expires_at: token.expires_at.map(Time),
            name: token.name,
            token: secret.expose().to_owned(),
        }
    }
}

/// The caller's API tokens.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Tokens")]
pub(crate) struct TokensAnswer {
    /// Newest first.
    tokens: Vec<TokenRow>,
}

/// One API token, without its secret.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Token")]
struct TokenRow {
    id: String,
    name: String,
    scopes: Vec<&'static str>,
    packages: Vec<String>,
    created_at: Time,
    expires_at: Option<Time>,
    /// May be up to a minute old.
    last_used_at: Option<Time>,
    /// The address of the client that used it then. Shown to the user of the token and to those who oversee the registry.
    last_used_from: Option<String>,
    /// Whether it was not used for 90 days, so that it is probably not needed any more.
    stale: bool,
}

impl TokensAnswer {
    pub(crate) fn new(tokens: Vec<Token>, now: Timestamp) -> Self {
        let rows = tokens.into_iter().map(|token| TokenRow {
            id: token.id.to_string(),
            scopes: token.scopes.iter().map(TokenScope::as_str).collect(),
            packages: patterns(&token.packages),
            created_at: token.created_at.into(),
            expires_at: token.expires_at.map(Time),
            last_used_at: token.last_used_at.map(Time),
            last_used_from: token.last_used_from.map(|from| from.to_string()),
            stale: token.is_stale(now),
            name: token.name,
        });
        Self { tokens: rows.collect() }
    }
}

fn patterns(patterns: &[TokenPattern]) -> Vec<String> {
    patterns.iter().map(|pattern| pattern.as_str().to_owned()).collect()
}
