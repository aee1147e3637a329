use std::net::IpAddr;

use aam_registry_core::{
    Result,
    decide::{BeginSession, BeginSessionFacts, EndSession, EndSessionFacts},
    ports::SessionStore,
    types::{LoginClient, LoginSession, UserId},
};
use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    connection::Session,
    facts,
    failure::Tx,
    sql::{self, Text},
    users::LOCK_USER,
};
use crate::relational::columns;

/// The sessions of a user that are valid.
macro_rules! live {
    () => {
        " FROM sessions s JOIN users u ON u.id = s.user_id
          WHERE s.user_id = $1 AND s.expires_at > $2 AND NOT u.disabled
          AND (s.generation = u.session_generation OR s.id = u.kept_session)
          AND NOT EXISTS (SELECT 1 FROM revoked_sessions r WHERE r.user_id = s.user_id AND r.id = s.id)"
    };
}

const LIST: &str = concat!(
    "SELECT s.id, s.user_id, s.generation, s.client_ip, s.client, s.created_at, s.last_seen_at, s.expires_at",
    live!(),
    " ORDER BY s.created_at DESC, s.id DESC"
);
const LIVE_ONE: &str = concat!("SELECT s.expires_at", live!(), " AND s.id = $3");
const PLACES: &str = "SELECT EXISTS (SELECT 1 FROM sessions WHERE user_id = $1),
    EXISTS (SELECT 1 FROM sessions WHERE user_id = $1 AND place = $2)";
const ADDRESSES_BY_NAME: &str = "SELECT DISTINCT s.client_ip FROM users u JOIN sessions s ON s.user_id = u.id
    WHERE u.username = $1 AND s.client_ip IS NOT NULL";
const ADDRESSES_BY_EMAIL: &str = "SELECT DISTINCT s.client_ip FROM users u JOIN sessions s ON s.user_id = u.id
    WHERE u.email_key = $1 AND s.client_ip IS NOT NULL";
/// A session that somebody changes at the moment is passed over, so that nobody's connection is waited on.
const TOUCH: &str = "WITH used AS (
        SELECT s.user_id, s.id, u.at FROM unnest($1::uuid[], $2::text[], $3::bigint[]) u (user_id, id, at)
        JOIN sessions s ON s.user_id = u.user_id AND s.id = u.id
        WHERE s.last_seen_at < u.at ORDER BY s.user_id, s.id FOR NO KEY UPDATE OF s SKIP LOCKED
    )
    UPDATE sessions s SET last_seen_at = used.at FROM used WHERE s.user_id = used.user_id AND s.id = used.id";

#[async_trait]
impl SessionStore for PostgresMetadata {
    async fn login_sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<LoginSession>> {
        let (user, now) = (Uuid::from(user), now.as_microsecond());
        self.read(|tx| async move { sql::all(&tx, LIST, [&user, &now], session).await }).await
    }

    async fn touch_sessions(&self, used: &[(UserId, String, Timestamp)]) -> Result<()> {
        if used.is_empty() {
            return Ok(());
        }
        let users: Vec<_> = used.iter().map(|(user, ..)| Uuid::from(*user)).collect();
        let ids: Vec<_> = used.iter().map(|(_, id, _)| Text(id)).collect();
        let instants: Vec<_> = used.iter().map(|(.., at)| at.as_microsecond()).collect();
        let (users, ids, instants) = (&users, &ids, &instants);
        self.write(|tx| async move {
            sql::run(&tx, TOUCH, [users, ids, instants]).await?;
            Ok(())
        })
        .await
    }
}

pub(super) async fn begin_session_facts(tx: &Session, begin: &BeginSession) -> Tx<BeginSessionFacts> {
    let caller = facts::caller(tx, &begin.actor()).await?;
    let (user, place) = (Uuid::from(begin.session.user), begin.session.client.place());
    let known = sql::first(tx, PLACES, [&user, &Text(&place)], |row| Ok((row.try_get(0)?, row.try_get(1)?))).await?;
    let (has_logged_in, knows_place) = known.unwrap_or_default();
    Ok(BeginSessionFacts { caller, has_logged_in, knows_place })
}

/// Waits for what the user has under way, which may rely on the session.
pub(super) async fn end_session_facts(tx: &Session, end: &EndSession) -> Tx<EndSessionFacts> {
    let user = Uuid::from(end.actor.user);
    sql::first(tx, LOCK_USER, [&user], |_| Ok(())).await?;
    let caller = facts::caller(tx, &end.actor).await?;
    let (now, session) = (end.audit.timestamp.as_microsecond(), Text(&end.session));
    let expires_at = sql::first(tx, LIVE_ONE, [&user, &now, &session], |row| sql::instant(row, 0)).await?;
    Ok(EndSessionFacts { caller, expires_at })
}

/// The addresses from which an account has logged in.
pub(super) async fn addresses_of_login(tx: &Session, login: &str) -> Tx<Vec<IpAddr>> {
    let (query, login) = if login.contains('@') {
        (ADDRESSES_BY_EMAIL, columns::email_key(login))
    } else {
        (ADDRESSES_BY_NAME, login.to_owned())
    };
    let texts: Vec<String> = sql::all(tx, query, [&Text(&login)], |row| Ok(row.try_get(0)?)).await?;
    Ok(texts.iter().filter_map(|text| text.parse().ok()).collect())
}

fn session(row: &Row) -> Tx<LoginSession> {
    let address: Option<&str> = row.try_get(3)?;
    Ok(LoginSession {
        id: sql::text(row, 0)?,
        user: sql::id(row, 1)?,
        generation: sql::unsigned(row, 2)?,
        client: LoginClient {
            address: address.and_then(|address| address.parse().ok()),
            agent: sql::optional_text(row, 4)?,
        },
        created_at: sql::instant(row, 5)?,
        last_seen_at: sql::instant(row, 6)?,
        expires_at: sql::instant(row, 7)?,
    })
}
