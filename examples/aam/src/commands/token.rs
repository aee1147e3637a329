//! `aam token`

use std::io::IsTerminal;

use aam_registry_core::types::{TokenPattern, TokenScope};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::login;
use crate::{
    api::{NewToken, TokenInfo},
    config::{Credentials, Secret},
    failure::{Failure, Result},
    output::{instant, plain, table},
    prompt,
    session::{Registry, Session},
    spec::Expiry,
};

/// Make, list and revoke API tokens
#[derive(Debug, Subcommand)]
#[command(long_about = "Make, list and revoke API tokens, for CI and other machines.\n\n  \
    aam token create ci --scope publish --package '@team/*' --expires 90d\n  \
    aam token list\n  \
    aam token revoke <ID>")]
pub(crate) enum Token {
    Create(Create),
    /// List your tokens, without their secrets
    #[command(visible_alias = "ls")]
    List,
    /// Revoke a token, at once
    Revoke {
        /// Its id, from `aam token list`
        #[arg(value_parser = token_id)]
        id: String,
    },
}

/// Make a token and print it, once
#[derive(Debug, Args)]
#[command(
    long_about = "Make a token and print it to stdout. It is shown this once; the registry keeps a digest only.\n\n  \
    aam token create ci --scope publish\n  \
    TOKEN=$(aam token create ci --scope publish --package '@team/*' --expires 90d --quiet)"
)]
pub(crate) struct Create {
    /// What you call it
    #[arg(default_value = "token")]
    name: String,
    /// When it stops working: `90d`, `12h`, `2027-01-31`, `never`
    #[arg(long, value_name = "TIME", default_value = "90d")]
    expires: Expiry,
    /// What it may do: read, publish, yank, tag, approve, moderate, admin
    #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', default_value = "publish", value_parser = scope)]
    scopes: Vec<String>,
    /// Restrict it to packages: a name, or a pattern such as `@team/*`
    #[arg(long = "package", value_name = "PATTERN", value_delimiter = ',', value_parser = pattern)]
    packages: Vec<String>,
    /// Use your password, from stdin, instead of the login: for a token that outlives the login
    #[arg(long)]
    password_stdin: bool,
    /// A code of your second factor, where your password is used; asked for where it is needed
    #[arg(long, value_name = "CODE")]
    otp: Option<String>,
}

fn scope(text: &str) -> Result<String, String> {
    let known = || TokenScope::ALL.map(TokenScope::as_str).join(", ");
    TokenScope::parse(text).map(|scope| scope.as_str().to_owned()).ok_or_else(|| format!("use one of {}", known()))
}

fn pattern(text: &str) -> Result<String, String> {
    TokenPattern::parse(text).map(|pattern| pattern.as_str().to_owned()).map_err(|error| error.to_string())
}

fn token_id(text: &str) -> Result<String, String> {
    text.parse::<aam_registry_core::types::TokenId>().map(|id| id.to_string()).map_err(|error| error.to_string())
}

impl Create {
    /// The user and password to make the token with, where the login is not
    /// enough: no token makes one that outlives it.
    fn password(
        &self,
        session: &Session,
        registry: &Registry,
        until: Option<Timestamp>,
    ) -> Result<Option<(String, Secret)>> {
        let credentials = Credentials::read(&session.home)?;
        let Some(login) = credentials.of(&registry.url) else {
            return if self.password_stdin { Err(Failure::usage("Log in first: `aam login`")) } else { Ok(None) };
        };
        let outlives = login.expires_at.is_some_and(|end| until.is_none_or(|until| until > *end));
        if self.password_stdin || (outlives && std::io::stdin().is_terminal()) {
            if outlives {
                session.out.note("The token outlives your login, so your password is needed");
            }
            return Ok(Some((login.username.clone(), prompt::password("Password", self.password_stdin)?)));
        }
        Ok(None)
    }
}

/// No token makes one that outlives it or can do more.
fn outlived(failure: Failure) -> Failure {
    if &*failure.code == "forbidden" {
        failure.hint("make it with your password instead: --password-stdin")
    } else {
        failure
    }
}

/// Tokens as a person reads them.
pub(super) fn listed(tokens: &[TokenInfo]) -> Vec<String> {
    if tokens.is_empty() {
        return vec!["There are no tokens".to_owned()];
    }
    let heads = ["id", "name", "scopes", "packages", "expires", "last used"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(tokens.iter().map(|token| {
        let packages = token.packages.as_deref().unwrap_or_default().join(",");
        vec![
            token.id.clone(),
            token.name.clone(),
            token.scopes.join(","),
            if packages.is_empty() { "all".to_owned() } else { packages },
            token.expires_at.map_or("never".to_owned(), |at| instant(at.0)),
            last_used(token),
        ]
    }));
    let mut lines = table(&rows);
    if tokens.iter().any(|token| token.stale) {
        lines.push("Stale tokens were not used for 90 days: revoke those that nobody needs".to_owned());
    }
    lines
}

/// When a token was last used.
fn last_used(token: &TokenInfo) -> String {
    let mut at = token.last_used_at.map_or("never".to_owned(), |at| instant(at.0));
    if let Some(from) = &token.last_used_from {
        at = format!("{at} from {}", plain(from));
    }
    if token.stale { format!("{at}, stale") } else { at }
}

impl Token {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        let client = session.authenticated(&registry)?;
        match self {
            Self::Create(create) => {
                let expires_at = create.expires.counted_from(Timestamp::now())?;
                let token =
                    NewToken { name: &create.name, scopes: &create.scopes, packages: &create.packages, expires_at };
                let token = match create.password(session, &registry, expires_at)? {
                    Some((user, password)) => {
                        let client =
                            login::open_session(session, &registry, &user, &password, create.otp.as_deref()).await?;
                        let token = client.create_token(&token).await;
                        // The session has served; that it ends a day later otherwise harms nobody.
                        let _ = client.end_session().await;
                        token?
                    }
                    None => client.create_token(&token).await.map_err(outlived)?,
                };
                let until =
                    token.expires_at.map_or("never expires".to_owned(), |at| format!("expires {}", instant(at.0)));
                session.out.note(&format!("Token {} ({}) {until}. It is shown this once:", token.name, token.id));
                session.out.result(&token, || vec![token.token.clone().unwrap_or_default()])
            }
            Self::List => {
                let tokens = client.tokens().await?;
                session.out.result(&tokens, || listed(&tokens))
            }
            Self::Revoke { id } => {
                client.revoke_token(&id).await?;
                session.out.done(&json!({"revoked": id}), || vec![format!("Revoked {id}")])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Args;

    use super::*;

    #[test]
    fn the_help_names_every_scope() {
        let help = Create::augment_args(clap::Command::new("create")).render_help().to_string();
        let all = TokenScope::ALL.map(TokenScope::as_str).join(", ");
        assert!(help.contains(&format!("What it may do: {all}")), "{help}");
    }
}
