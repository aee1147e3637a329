//! `aam scope`

use aam_registry_core::types::{ScopeName, ScopeRole, Username};
use clap::Subcommand;
use serde_json::json;

use crate::{api::ScopeInfo, failure::Result, output::table, session::Session};

/// Make scopes, and say who publishes there
#[derive(Debug, Subcommand)]
#[command(long_about = "Make scopes such as @my_org, and say who publishes there. The scope of your username is \
    yours from the start.\n\n  \
    aam scope create my_org\n  \
    aam scope add my_org bob --role member\n  \
    aam scope show my_org\n\n\
    Roles: owner (everything), member (publish, yank, tags), contributor (publish).")]
pub(crate) enum Scope {
    /// Make a scope; you become its owner
    Create {
        /// With or without `@`
        #[arg(value_parser = scope_name)]
        scope: ScopeName,
    },
    /// Show a scope, its members, and who owns single packages in it
    Show {
        /// With or without `@`
        #[arg(value_parser = scope_name)]
        scope: ScopeName,
    },
    /// Add somebody to a scope, or change their role
    Add {
        /// With or without `@`
        #[arg(value_parser = scope_name)]
        scope: ScopeName,
        /// Their username
        user: Username,
        /// owner, member or contributor
        #[arg(long, default_value = "member", value_parser = role)]
        role: ScopeRole,
    },
    /// Take somebody out of a scope
    #[command(alias = "remove")]
    Rm {
        /// With or without `@`
        #[arg(value_parser = scope_name)]
        scope: ScopeName,
        /// Their username
        user: Username,
    },
}

/// Reads a scope, with or without its `@`.
pub(super) fn scope_name(text: &str) -> Result<ScopeName, String> {
    text.strip_prefix('@')
        .unwrap_or(text)
        .parse()
        .map_err(|error: aam_registry_core::error::InvalidName| error.to_string())
}

/// Who goes on publishing single packages, whoever is a member.
fn collaborators(shown: &ScopeInfo) -> Vec<String> {
    let rows: Vec<_> = shown.collaborators.iter().map(|one| vec![one.package.clone(), one.username.clone()]).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let mut lines = vec!["Owners of single packages (`aam owner rm PACKAGE USER` takes one away):".to_owned()];
    lines.extend(table(&rows));
    if shown.collaborators_truncated {
        lines.push("… and more".to_owned());
    }
    lines
}

fn role(text: &str) -> Result<ScopeRole, String> {
    ScopeRole::parse(text).ok_or_else(|| "use owner, member or contributor".to_owned())
}

impl Scope {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        match self {
            Self::Create { scope } => {
                let made = session.authenticated(&registry)?.create_scope(&scope).await?;
                session.out.done(&made, || vec![format!("Made @{scope}; you can publish @{scope}/<name> now")])
            }
            Self::Show { scope } => {
                let shown = session.client(&registry)?.scope(&scope).await?;
                session.out.result(&shown, || {
                    let members = shown.read.members.iter();
                    let rows: Vec<_> =
                        members.map(|member| vec![member.username.clone(), member.role.clone()]).collect();
                    let mut lines = vec![format!("@{scope}")];
                    lines.extend(table(&rows));
                    lines.extend(collaborators(&shown.read));
                    lines
                })
            }
            Self::Add { scope, user, role } => {
                session.authenticated(&registry)?.set_member(&scope, &user, role).await?;
                let value = json!({"scope": scope.as_str(), "username": user.as_str(), "role": role.as_str()});
                session.out.done(&value, || vec![format!("{user} is now {} of @{scope}", role.as_str())])
            }
            Self::Rm { scope, user } => {
                session.authenticated(&registry)?.remove_member(&scope, &user).await?;
                let value = json!({"scope": scope.as_str(), "removed": user.as_str()});
                session.out.done(&value, || vec![format!("{user} is no longer in @{scope}")])
            }
        }
    }
}
