use aam_registry_core::{
    Result,
    decide::{CallerFacts, LogOut, NewUser, NewUserFacts},
    ports::{Login, UserStore},
    types::{LoginSession, ScopeRole, Sight, User, UserId, UserProfile, Username},
};
use async_trait::async_trait;
use futures_util::try_join;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    PostgresMetadata,
    connection::Session,
    facts,
    failure::Tx,
    publisher_tokens,
    sql::{self, Text},
    trusted_publishers,
};
use crate::relational::{
    columns,
    predicates::{account_is_enabled, administers, has_open_version, session_is_live},
    resources,
    sight::packages_in_sight,
};

/// What [`user`] reads.
macro_rules! user_columns {
    () => {
        concat!(
            "u.id, u.username, u.email, u.email_verified, u.otp_enabled, u.disabled, u.created_at, ",
            $crate::relational::columns::role_columns!("u.")
        )
    };
}
pub(super) use user_columns;

/// How many columns [`user`] reads.
pub(super) const COLUMNS: usize = 11;

const LOGIN_BY_EMAIL: &str =
    concat!("SELECT ", user_columns!(), ", u.password_hash, u.session_generation FROM users u WHERE u.email_key = $1");
const LOGIN_BY_NAME: &str =
    concat!("SELECT ", user_columns!(), ", u.password_hash, u.session_generation FROM users u WHERE u.username = $1");
const BY_ID: &str = concat!("SELECT ", user_columns!(), " FROM users u WHERE u.id = $1");
const BY_SESSION: &str = concat!(
    "SELECT ",
    user_columns!(),
    " FROM users u WHERE u.id = $1 AND ",
    account_is_enabled!("u."),
    " AND ",
    session_is_live!("$2", "$3")
);
const ANY_ADMIN: &str = concat!("SELECT 1 FROM users WHERE ", administers!(""), " LIMIT 1");
/// The packages that everybody sees, and those that not everybody sees: they are private, or have no open version.
const PROFILE: &str = concat!(
    "SELECT u.created_at, ARRAY(
        SELECT p.name FROM package_owners o JOIN packages p ON p.id = o.package_id
        WHERE o.user_id = u.id AND NOT p.private AND ",
    has_open_version!("p."),
    " UNION
        SELECT p.name FROM scope_members m JOIN packages p ON p.scope = m.scope
        WHERE m.user_id = u.id AND m.role = $2 AND NOT p.private AND ",
    has_open_version!("p."),
    " ORDER BY 1 LIMIT $4
    ), CASE WHEN $3 THEN ARRAY(
        SELECT p.name FROM package_owners o JOIN packages p ON p.id = o.package_id
        WHERE o.user_id = u.id AND (p.private OR NOT ",
    has_open_version!("p."),
    ") UNION
        SELECT p.name FROM scope_members m JOIN packages p ON p.scope = m.scope
        WHERE m.user_id = u.id AND m.role = $2 AND (p.private OR NOT ",
    has_open_version!("p."),
    ")
    ) END FROM users u WHERE u.username = $1"
);
/// Nothing that relies on a session of the user is under way once this is held.
pub(super) const LOCK_USER: &str = "SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE";
const FORGET_SESSIONS: &str = "DELETE FROM revoked_sessions r USING (
        SELECT user_id, id FROM revoked_sessions WHERE expires_at < $1 FOR UPDATE SKIP LOCKED
    ) old WHERE r.user_id = old.user_id AND r.id = old.id";
const NAME_TAKEN: &str = "SELECT 1 FROM users WHERE username = $1 UNION ALL SELECT 1 FROM scopes WHERE name = $1";
const FORGET_INVITATIONS: &str = "DELETE FROM invitations WHERE expires_at < $1";
const FORGET_ONE_TIME_TOKENS: &str = "DELETE FROM one_time_tokens WHERE expires_at < $1";
const FORGET_LOGINS: &str = "DELETE FROM sessions s USING (
        SELECT user_id, id FROM sessions WHERE expires_at < $1 FOR UPDATE SKIP LOCKED
    ) old WHERE s.user_id = old.user_id AND s.id = old.id";
/// How long sessions are remembered after their end, in microseconds.
const REMEMBERED: i64 = LoginSession::REMEMBERED.as_secs() * 1_000_000;
const EMAIL_TAKEN: &str = "SELECT 1 FROM users WHERE email_key = $1";

#[async_trait]
impl UserStore for PostgresMetadata {
    async fn login(&self, login: &str) -> Result<Option<Login>> {
        let (query, login) = if login.contains('@') {
            (LOGIN_BY_EMAIL, columns::email_key(login))
        } else {
            (LOGIN_BY_NAME, login.to_owned())
        };
        let login = &login;
        self.read(|tx| async move {
            sql::first(&tx, query, [&Text(login)], |row| {
                Ok(Login {
                    user: user(row, 0)?,
                    password_hash: row.try_get(COLUMNS)?,
                    session_generation: sql::unsigned(row, COLUMNS + 1)?,
                })
            })
            .await
        })
        .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.read(|tx| async move { sql::first(&tx, BY_ID, [&Uuid::from(id)], |row| user(row, 0)).await }).await
    }

    async fn profile(&self, username: &Username, sight: &Sight) -> Result<Option<UserProfile>> {
        self.read(|tx| async move {
            let private = sight.reach().includes_private();
            let most = columns::limit(UserProfile::MAX_PACKAGES + 1);
            sql::first(&tx, PROFILE, [&username.as_str(), &ScopeRole::Owner.as_str(), &private, &most], |row| {
                let public = row.try_get::<_, Vec<&str>>(1)?;
                let private = row.try_get::<_, Option<Vec<&str>>>(2)?.unwrap_or_default();
                let packages = packages_in_sight(public, private, sight)?;
                Ok(UserProfile::new(username.clone(), sql::instant(row, 0)?, packages))
            })
            .await
        })
        .await
    }

    async fn has_admin(&self) -> Result<bool> {
        self.read(|tx| async move { sql::exists(&tx, ANY_ADMIN, []).await }).await
    }

    async fn session_user(&self, id: UserId, session: &str, generation: u64) -> Result<Option<User>> {
        let generation = columns::signed(generation);
        self.read(|tx| async move {
            sql::first(&tx, BY_SESSION, [&Uuid::from(id), &Text(session), &generation], |row| user(row, 0)).await
        })
        .await
    }

    async fn forget_sessions(&self, now: Timestamp) -> Result<()> {
        self.repeatable(|tx| async move {
            sql::run(&tx, FORGET_SESSIONS, [&now.as_microsecond()]).await?;
            sql::run(&tx, FORGET_ONE_TIME_TOKENS, [&now.as_microsecond()]).await?;
            sql::run(&tx, publisher_tokens::FORGET_TOKENS, [&now.as_microsecond()]).await?;
            sql::run(&tx, trusted_publishers::FORGET_USED, [&now.as_microsecond()]).await?;
            sql::run(&tx, FORGET_INVITATIONS, [&now.as_microsecond()]).await?;
            let remembered = now.as_microsecond().saturating_sub(REMEMBERED);
            sql::run(&tx, FORGET_LOGINS, [&remembered]).await?;
            Ok(())
        })
        .await
    }
}

/// Reads an account from the columns that start at `at`.
pub(super) fn user(row: &Row, at: usize) -> Tx<User> {
    Ok(User {
        id: sql::id(row, at)?,
        username: sql::parsed(row, at + 1)?,
        email: sql::text(row, at + 2)?,
        email_verified: row.try_get(at + 3)?,
        otp_enabled: row.try_get(at + 4)?,
        disabled: row.try_get(at + 5)?,
        created_at: sql::instant(row, at + 6)?,
        roles: sql::roles(row, at + 7)?,
    })
}

pub(super) async fn log_out_facts(tx: &Session, log_out: &LogOut) -> Tx<CallerFacts> {
    // Waits for what the user has under way, which relies on the session.
    sql::first(tx, LOCK_USER, [&Uuid::from(log_out.actor.user)], |_| Ok(())).await?;
    facts::caller(tx, &log_out.actor).await
}

pub(super) async fn new_user_facts(tx: &Session, new: &NewUser) -> Tx<NewUserFacts> {
    let [name_taken, email_taken] = tx.prepare([NAME_TAKEN, EMAIL_TAKEN]).await?;
    let (username, email_key) = (new.user.username.as_str(), columns::email_key(&new.user.email));
    let email_key = Text(&email_key);
    let (names, emails) = try_join!(tx.rows(&name_taken, [&username]), tx.rows(&email_taken, [&email_key]))?;
    let invitation = match &new.invitation {
        Some(used) => resources::invitations::to_use(tx, &used.digest).await?,
        None => None,
    };
    Ok(NewUserFacts { name_taken: !names.is_empty(), email_taken: !emails.is_empty(), invitation })
}
