use std::net::IpAddr;

use aam_registry_core::{
    Result,
    decide::{BeginSession, BeginSessionFacts, EndSession, EndSessionFacts},
    ports::SessionStore,
    types::{LoginClient, LoginSession, UserId},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::{SqliteMetadata, facts, failure::Tx, sql};
use crate::relational::columns;
/// The sessions of a user that are valid.
const LIVE: &str = "FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.user_id = ?1 AND s.expires_at > ?2 AND NOT u.disabled
    AND (s.generation = u.session_generation OR s.id = u.kept_session)
    AND NOT EXISTS (SELECT 1 FROM revoked_sessions r WHERE r.user_id = s.user_id AND r.id = s.id)";

#[async_trait]
impl SessionStore for SqliteMetadata {
    async fn login_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<LoginSession>> {
        let query = format!(
            "SELECT s.id, s.user_id, s.generation, s.client_ip, s.client, s.created_at, s.last_seen_at, s.expires_at
             {LIVE} ORDER BY s.created_at DESC, s.id DESC"
        );
        self.read(move |tx| sql::all(tx, &query, (user.to_string(), now.as_microsecond()), session)).await
    }

    async fn touch_sessions(&self, used: &[(UserId, String, Timestamp)]) -> Result<()> {
        let used = used.to_vec();
        self.write(move |tx| {
            let touch = "UPDATE sessions SET last_seen_at = max(last_seen_at, ?3) WHERE user_id = ?1 AND id = ?2";
            used.iter().try_for_each(|(user, id, at)| {
                sql::run(tx, touch, (user.to_string(), id, at.as_microsecond())).map(drop)
            })
        })
        .await
    }
}

pub(super) fn begin_session_facts(tx: &Connection, begin: &BeginSession) -> Tx<BeginSessionFacts> {
    let (user, place) = (begin.session.user.to_string(), begin.session.client.place());
    Ok(BeginSessionFacts {
        caller: facts::caller(tx, &begin.actor())?,
        has_logged_in: sql::exists(tx, "SELECT 1 FROM sessions WHERE user_id = ?1", [&user])?,
        knows_place: sql::exists(tx, "SELECT 1 FROM sessions WHERE user_id = ?1 AND place = ?2", (&user, place))?,
    })
}

pub(super) fn end_session_facts(tx: &Connection, end: &EndSession) -> Tx<EndSessionFacts> {
    let query = format!("SELECT s.expires_at {LIVE} AND s.id = ?3");
    let of = (end.actor.user.to_string(), end.audit.timestamp.as_microsecond(), &end.session);
    let expires_at = sql::first(tx, &query, of, |row| sql::instant(row, 0))?;
    Ok(EndSessionFacts { caller: facts::caller(tx, &end.actor)?, expires_at })
}

/// The addresses from which an account has logged in.
pub(super) fn addresses_of_login(tx: &Connection, login: &str) -> Tx<Vec<IpAddr>> {
    let (column, login) =
        if login.contains('@') { ("email_key", columns::email_key(login)) } else { ("username", login.to_owned()) };
    let query = format!(
        "SELECT DISTINCT s.client_ip FROM users u JOIN sessions s ON s.user_id = u.id
         WHERE u.{column} = ?1 AND s.client_ip IS NOT NULL"
    );
    let texts: Vec<String> = sql::all(tx, &query, [login], sql::value)?;
    Ok(texts.iter().filter_map(|text| text.parse().ok()).collect())
}

fn session(row: &Row<'_>) -> Tx<LoginSession> {
    let address: Option<String> = row.get(3)?;
    Ok(LoginSession {
        id: row.get(0)?,
        user: sql::parsed(row, 1)?,
        generation: sql::unsigned(row, 2)?,
        client: LoginClient { address: address.and_then(|address| address.parse().ok()), agent: row.get(4)? },
        created_at: sql::instant(row, 5)?,
        last_seen_at: sql::instant(row, 6)?,
        expires_at: sql::instant(row, 7)?,
    })
}
