//! `aam user`

use aam_registry_core::types::Username;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::token;
use crate::{
    failure::Result,
    output::{plain, table},
    prompt,
    session::Session,
};

/// Manage the accounts of a registry, for administrators
#[derive(Debug, Subcommand)]
#[command(long_about = "Manage the accounts of a registry, for administrators.\n\n  \
    aam user list --role admin\n  \
    aam user disable ada\n  \
    aam user tokens ada\n  \
    aam user roles ada approver,auditor\n  \
    aam user reset-password ada")]
pub(crate) enum User {
    List(List),
    /// Lock an account out: its sessions end, its API tokens are refused, its packages stay
    Disable {
        /// Whose account
        username: Username,
    },
    /// Let an account in again
    Enable {
        /// Whose account
        username: Username,
    },
    /// List the API tokens of an account, with when and from where each was last used
    Tokens {
        /// Whose account
        username: Username,
    },
    /// Give an account just these roles: admin, approver, moderator, auditor, or none
    Roles {
        /// Whose account
        username: Username,
        /// The roles, separated by commas; `none` takes all away
        #[arg(value_delimiter = ',', required = true)]
        roles: Vec<String>,
    },
    /// Make a link with which somebody sets a new password, once and within a day
    ResetPassword {
        /// Whose account
        username: Username,
    },
    /// Delete an account; its name stays reserved, its packages stay
    Delete {
        /// Whose account
        username: Username,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// List accounts
#[derive(Debug, Args)]
#[command(visible_alias = "ls")]
pub(crate) struct List {
    /// Part of the username or of the e-mail address
    text: Option<String>,
    /// Only accounts with this role
    #[arg(long)]
    role: Option<String>,
    /// Only accounts that are disabled
    #[arg(long)]
    disabled: bool,
}

impl User {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        let client = session.authenticated(&registry)?;
        match self {
            Self::List(list) => {
                let mut users = Vec::new();
                for page in 1.. {
                    let found = client.users(list.text.as_deref(), list.role.as_deref(), list.disabled, page).await?;
                    users.extend(found.users);
                    if page >= found.pages {
                        break;
                    }
                }
                session.out.result(&users, || {
                    if users.is_empty() {
                        return vec!["No such accounts".to_owned()];
                    }
                    let heads = ["username", "e-mail", "roles", "second factor", "state"];
                    let mut rows = vec![heads.map(str::to_owned).to_vec()];
                    rows.extend(users.iter().map(|user| {
                        vec![
                            user.username.clone(),
                            user.email.clone().unwrap_or_default(),
                            user.roles.join(","),
                            if user.otp_enabled { "yes" } else { "no" }.to_owned(),
                            if user.disabled { "disabled" } else { "" }.to_owned(),
                        ]
                    }));
                    table(&rows)
                })
            }
            Self::Tokens { username } => {
                let tokens = client.tokens_of(&username).await?;
                session.out.result(&tokens, || token::listed(&tokens))
            }
            Self::Disable { username } => {
                let user = client.change_user(&username, &json!({"disabled": true})).await?;
                session.out.done(&user, || vec![format!("{username} is locked out, on all replicas within a second")])
            }
            Self::Enable { username } => {
                let user = client.change_user(&username, &json!({"disabled": false})).await?;
                session.out.done(&user, || vec![format!("{username} may log in again")])
            }
            Self::Roles { username, roles } => {
                let roles: Vec<_> = roles.into_iter().filter(|role| role != "none").collect();
                let user = client.change_user(&username, &json!({"roles": roles})).await?;
                let has = if roles.is_empty() { "no roles".to_owned() } else { roles.join(", ") };
                session.out.done(&user, || vec![format!("{username} has {has} now")])
            }
            Self::ResetPassword { username } => {
                let link = client.make_reset_link(&username).await?;
                session.out.note(&format!("Give this link only to {username}; it works once, for a day:"));
                session.out.result(&link, || vec![plain(link.get("url").and_then(Value::as_str).unwrap_or_default())])
            }
            Self::Delete { username, yes } => {
                prompt::confirm_name(&format!("Delete the account {username} for good?"), username.as_str(), yes)?;
                client.delete_user(&username).await?;
                let value = json!({"username": username.as_str(), "deleted": true});
                session.out.done(&value, || vec![format!("Deleted {username}; the name stays reserved")])
            }
        }
    }
}
