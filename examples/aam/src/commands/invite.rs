//! `aam invite`

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    api::Invitation,
    failure::Result,
    output::{instant, plain, table},
    session::Session,
};

/// Invite people to make an account, for administrators
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    long_about = "Invite people to make an account, for administrators. Prints a link that works once, for a week; with \
    --email it works only for that address, which gets it by mail if the registry sends mail.\n\n  \
    aam invite --email bob@example.com --scope my_org=member\n  \
    aam invite list\n  \
    aam invite revoke <ID>"
)]
pub(crate) struct Invite {
    #[command(subcommand)]
    command: Option<Command>,
    /// The e-mail address that the account has to have
    #[arg(long, short)]
    email: Option<String>,
    /// A role that the account gets, such as `admin`
    #[arg(long = "role", value_name = "ROLE", value_delimiter = ',')]
    roles: Vec<String>,
    /// A scope that the account becomes a member of, and its role: owner, member or contributor
    #[arg(long = "scope", value_name = "SCOPE=ROLE", value_delimiter = ',', value_parser = membership)]
    scopes: Vec<(String, String)>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the invitations that are open
    #[command(visible_alias = "ls")]
    List,
    /// Revoke an invitation
    Revoke {
        /// Its id, from `aam invite list`
        #[arg(value_parser = invitation_id)]
        id: String,
    },
}

fn membership(text: &str) -> Result<(String, String), String> {
    let (scope, role) = text.split_once('=').ok_or("write it as my_org=member")?;
    Ok((scope.trim_start_matches('@').to_owned(), role.to_owned()))
}

/// The id of an invitation: it becomes part of an address.
fn invitation_id(text: &str) -> Result<String, String> {
    text.parse::<aam_registry_core::types::InvitationId>().map(|id| id.to_string()).map_err(|error| error.to_string())
}

impl Invite {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        let client = session.authenticated(&registry)?;
        match self.command {
            None => {
                let scopes: serde_json::Map<_, _> =
                    self.scopes.into_iter().map(|(scope, role)| (scope, json!(role))).collect();
                let made = client.invite(&json!({"email": self.email, "roles": self.roles, "scopes": scopes})).await?;
                if made.mailed {
                    session.out.note("A mail with the link is on its way.");
                }
                let until = made.expires_at.as_ref().map_or_else(String::new, |at| format!(" until {}", instant(at.0)));
                session.out.note(&format!("The link works once{until}; it is shown this once:"));
                session.out.result(&made, || vec![plain(made.url.as_deref().unwrap_or_default())])
            }
            Some(Command::List) => {
                let open = client.invitations().await?;
                session.out.result(&open, || {
                    if open.is_empty() {
                        return vec!["No invitation is open".to_owned()];
                    }
                    let heads = ["id", "e-mail", "roles", "scopes", "by", "until"];
                    let mut rows = vec![heads.map(str::to_owned).to_vec()];
                    rows.extend(open.iter().map(row));
                    table(&rows)
                })
            }
            Some(Command::Revoke { id }) => {
                client.revoke_invitation(&id).await?;
                session.out.done(&json!({"revoked": id}), || vec![format!("Revoked {id}")])
            }
        }
    }
}

fn row(invitation: &Invitation) -> Vec<String> {
    let scopes: Vec<_> = invitation.scopes.iter().map(|(scope, role)| format!("{scope}={role}")).collect();
    vec![
        invitation.id.clone(),
        invitation.email.clone().unwrap_or_else(|| "any".to_owned()),
        invitation.roles.join(","),
        scopes.join(","),
        invitation.invited_by.clone().unwrap_or_default(),
        invitation.expires_at.as_ref().map(|at| instant(at.0)).unwrap_or_default(),
    ]
}
