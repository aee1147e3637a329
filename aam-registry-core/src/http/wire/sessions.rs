use schemars::JsonSchema;
use serde::Serialize;

use super::Time;
use crate::types::{Credential, LoginSession, Principal};

/// The login sessions of the caller.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Sessions")]
pub(crate) struct SessionsAnswer {
    sessions: Vec<ListedSession>,
}

/// A login session, without its access token.
#[derive(Serialize, JsonSchema)]
struct ListedSession {
    id: String,
    /// Whether it is the one that this request was made with.
    current: bool,
    /// The address that the user logged in from, where it is known.
    client_ip: Option<String>,
    /// What the client called itself.
    client: Option<String>,
    created_at: Time,
    last_seen_at: Time,
    expires_at: Time,
}

impl SessionsAnswer {
    pub(crate) fn new(sessions: Vec<LoginSession>, by: &Principal) -> Self {
        let current = match &by.credential {
            Credential::Session { id, .. } => Some(id.as_str()),
            _ => None,
        };
        let listed = sessions.into_iter().map(|session| ListedSession {
            current: current == Some(session.id.as_str()),
            client_ip: session.client.address.map(|address| address.to_string()),
            client: session.client.agent,
            created_at: session.created_at.into(),
            last_seen_at: session.last_seen_at.into(),
            expires_at: session.expires_at.into(),
            id: session.id,
        });
        Self { sessions: listed.collect() }
    }
}
