//! `aam login`

use aam_registry_core::types::{TokenScope, Username};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use super::otp;
use crate::{
    api::{Client, NewToken},
    config::{Credential, Credentials, Secret},
    failure::Result,
    output::instant,
    prompt,
    session::{Registry, Session},
    spec::Expiry,
};

/// What a login's token may do: all that the commands of this client need.
const SCOPES: [TokenScope; 7] = TokenScope::ALL;

/// Log in to a registry
#[derive(Debug, Args)]
#[command(long_about = "Log in to a registry: makes an API token with your rights and stores it in \
    ~/.aam/credentials.yaml, readable by you alone. The password is not stored.\n\n  \
    aam login\n  \
    aam login --username alice --expires 30d\n  \
    echo \"$PASSWORD\" | aam login --username alice --password-stdin\n\n\
    In CI set AAM_TOKEN to a token of `aam token create` instead.")]
pub(crate) struct Login {
    /// Your username or e-mail address; asked for where not given
    #[arg(long, short)]
    username: Option<String>,
    /// Read the password from stdin
    #[arg(long)]
    password_stdin: bool,
    /// A code of your second factor; asked for where it is needed
    #[arg(long, value_name = "CODE")]
    otp: Option<String>,
    /// When the login ends: `90d`, `12h`, `2027-01-31`, `never`
    #[arg(long, value_name = "TIME", default_value = "365d")]
    expires: Expiry,
}

impl Login {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        warn_of_readers(session, &registry);
        let login = match self.username {
            Some(login) => login,
            None => prompt::line("Username", "--username")?,
        };
        let password = prompt::password("Password", self.password_stdin)?;
        let credential = open(session, &registry, &login, &password, self.otp.as_deref(), self.expires).await?;
        told(session, &registry, &credential)
    }
}

/// Says so where the password can be read on its way.
pub(super) fn warn_of_readers(session: &Session, registry: &Registry) {
    if registry.url.is_exposed() {
        session.out.warn(&format!("{} is not encrypted: others may read the password on its way", registry.url));
    }
}

/// Opens a session, to be ended with [`Client::end_session`].
pub(super) async fn open_session(
    session: &Session,
    registry: &Registry,
    login: &str,
    password: &Secret,
    otp: Option<&str>,
) -> Result<Client> {
    let anonymous = Client::new(registry.url.clone(), None, &session.patience)?;
    let token = match anonymous.login(login, password, otp).await {
        Err(failure) if otp.is_none() => anonymous.login(login, password, Some(&otp::asked(failure)?)).await?,
        token => token?,
    };
    Ok(anonymous.with_token(token))
}

/// Logs in: a session, an API token made with it, the session ended.
pub(super) async fn open(
    session: &Session,
    registry: &Registry,
    login: &str,
    password: &Secret,
    otp: Option<&str>,
    expires: Expiry,
) -> Result<Credential> {
    let client = open_session(session, registry, login, password, otp).await?;
    let account = client.account().await?;
    let scopes = SCOPES.map(|scope| scope.as_str().to_owned());
    let expires_at = expires.counted_from(Timestamp::now())?;
    let token = client.create_token(&NewToken { name: "aam login", scopes: &scopes, packages: &[], expires_at }).await;
    // The session has served; that it ends a day later otherwise harms nobody.
    let _ = client.end_session().await;
    let token = token?;
    let credential = Credential {
        username: account.username.parse::<Username>()?.to_string(),
        token: Secret::new(token.token.unwrap_or_default()),
        token_id: token.id,
        expires_at: token.expires_at,
    };
    let mut credentials = Credentials::read(&session.home)?;
    let before = credentials.of(&registry.url).cloned();
    credentials.set(&registry.url, credential.clone());
    credentials.write(&session.home)?;
    if let Some(before) = before {
        // A token replaced is a token nobody would revoke later; it may be dead already.
        let _ = client.with_token(credential.token.clone()).revoke_token(&before.token_id).await;
    }
    Ok(credential)
}

/// Tells that a login worked, and until when.
pub(super) fn told(session: &Session, registry: &Registry, credential: &Credential) -> Result<()> {
    let value = json!({
        "registry": registry.url.as_str(),
        "username": credential.username,
        "expires_at": credential.expires_at,
    });
    session.out.done(&value, || {
        let until =
            credential.expires_at.map_or("it does not expire".to_owned(), |at| format!("it expires {}", instant(at.0)));
        vec![format!("Logged in to {} as {}; {until}", registry.url, credential.username)]
    })
}
