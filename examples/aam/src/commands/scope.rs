//! `aam scope`

use aam_registry_core::types::{ScopeName, ScopeRole, Username};
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use crate::{api::ScopeInfo, failure::Result, output::table, session::Session};

/// Make scopes, and say who publishes there
#[derive(Debug, Subcommand)]
#[command(long_about = "Make scopes such as @my_org, and say who publishes there. The scope of your username is \
    yours from the start.\n\n  \
    aam scope create my_org\n  \
    aam scope add my_org bob --role member\n  \
    aam scope show my_org\n  \
    aam scope require-2fa my_org on\n\n\
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
    /// Demand a second factor of everybody who changes something in a scope, or no longer
    #[command(
        name = "require-2fa",
        long_about = "Demand a second factor of everybody who changes something in a scope or its packages, or no \
            longer. Members without one can then publish and change nothing there, with API tokens neither, until they \
            have enrolled one with `aam otp enrol`; they can still read, and leave. Trusted publishers need none. You \
            need one yourself to demand it.\n\n  \
            aam scope require-2fa my_org on\n  \
            aam scope show my_org"
    )]
    Require2fa {
        /// With or without `@`
        #[arg(value_parser = scope_name)]
        scope: ScopeName,
        /// Whether it is demanded
        #[arg(value_enum)]
        state: State,
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

/// Whether something is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum State {
    On,
    Off,
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
                    if shown.read.require_2fa == Some(true) {
                        lines.push("Whoever changes something here needs a second factor (`aam otp enrol`)".to_owned());
                    }
                    lines.extend(collaborators(&shown.read));
                    lines
                })
            }
            Self::Add { scope, user, role } => {
                session.authenticated(&registry)?.set_member(&scope, &user, role).await?;
                let value = json!({"scope": scope.as_str(), "username": user.as_str(), "role": role.as_str()});
                session.out.done(&value, || vec![format!("{user} is now {} of @{scope}", role.as_str())])
            }
            Self::Require2fa { scope, state } => {
                let require = state == State::On;
                let changed = session.authenticated(&registry)?.require_2fa(&scope, require).await?;
                session.out.done(&changed, || {
                    vec![match state {
                        State::On => format!("Whoever changes something in @{scope} needs a second factor now"),
                        State::Off => format!("Changes in @{scope} need no second factor"),
                    }]
                })
            }
            Self::Rm { scope, user } => {
                session.authenticated(&registry)?.remove_member(&scope, &user).await?;
                let value = json!({"scope": scope.as_str(), "removed": user.as_str()});
                session.out.done(&value, || vec![format!("{user} is no longer in @{scope}")])
            }
        }
    }
}
