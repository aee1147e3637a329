//! `aam sessions`

use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    failure::{Failure, Result},
    output::{instant, table},
    session::Session,
};

/// Show who is logged in to your account, and end sessions
#[derive(Debug, Args)]
#[command(long_about = "Show who is logged in to your account, and end sessions. `aam login` makes an API token and \
    ends its session at once: see `aam token list` for those.\n\n  \
    aam sessions\n  \
    aam sessions end <ID>\n  \
    aam sessions end --all")]
pub(crate) struct Sessions {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// End a session, or all of them
    End {
        /// Its id, from `aam sessions`
        #[arg(value_parser = session_id, required_unless_present = "all", conflicts_with = "all")]
        id: Option<String>,
        /// End every session
        #[arg(long)]
        all: bool,
    },
}

/// The id of a session: it becomes part of an address.
fn session_id(text: &str) -> Result<String, String> {
    let is_id = !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_id { Ok(text.to_owned()) } else { Err("use an id of `aam sessions`".to_owned()) }
}

impl Sessions {
    pub(crate) async fn run(self, session: &Session) -> Result<()> {
        let registry = session.registry()?;
        let client = session.authenticated(&registry)?;
        match self.command {
            None => {
                let sessions = client.sessions().await?.sessions;
                session.out.result(&sessions, || {
                    if sessions.is_empty() {
                        return vec![
                            "No login session is open; what `aam login` made is listed by `aam token list`".to_owned(),
                        ];
                    }
                    let heads = ["id", "address", "client", "since", "last seen", "until"];
                    let mut rows = vec![heads.map(str::to_owned).to_vec()];
                    rows.extend(sessions.iter().map(|one| {
                        let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
                        vec![
                            one.id.clone(),
                            or_unknown(&one.client_ip),
                            or_unknown(&one.client),
                            instant(one.created_at.0),
                            instant(one.last_seen_at.0),
                            instant(one.expires_at.0),
                        ]
                    }));
                    table(&rows)
                })
            }
            Some(Command::End { all: true, .. }) => {
                client.end_other_sessions().await?;
                session.out.done(&json!({"ended": "all"}), || vec!["Ended every session".to_owned()])
            }
            Some(Command::End { id, .. }) => {
                let id = id.ok_or_else(|| Failure::usage("Give the id of a session, or --all"))?;
                client.end_session_of(&id).await?;
                session.out.done(&json!({"ended": id}), || vec![format!("Ended {id}")])
            }
        }
    }
}
