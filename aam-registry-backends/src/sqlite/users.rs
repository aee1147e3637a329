use aam_registry_core::{
    Result,
    decide::{NewUser, NewUserFacts},
    ports::{Login, UserStore},
    types::{AccountRoles, LoginSession, ScopeRole, Sight, User, UserId, UserProfile, Username},
};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row};

use super::{
    SqliteMetadata,
    failure::Tx,
    sql::{self, at_once},
};
use crate::relational::{
    columns::{self, signed},
    predicates::{account_is_enabled, administers, has_open_version, session_is_live},
    resources,
    sight::packages_in_sight,
};

#[async_trait]
impl UserStore for SqliteMetadata {
    async fn login(&self, login: &str) -> Result<Option<Login>> {
        let (column, login) =
            if login.contains('@') { ("email_key", columns::email_key(login)) } else { ("username", login.to_owned()) };
        self.read(move |tx| {
            let query = format!(
                "SELECT {}, u.password_hash, u.session_generation FROM users u WHERE u.{column} = ?1",
                columns("u")
            );
            sql::first(tx, &query, [login], |row| {
                Ok(Login {
                    user: user(row, 0)?,
                    password_hash: row.get(COLUMN_COUNT)?,
                    session_generation: sql::unsigned(row, COLUMN_COUNT + 1)?,
                })
            })
        })
        .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.read(move |tx| {
            let query = format!("SELECT {} FROM users u WHERE u.id = ?1", columns("u"));
            sql::first(tx, &query, [id.to_string()], |row| user(row, 0))
        })
        .await
    }

    async fn profile(&self, username: &Username, sight: &Sight) -> Result<Option<UserProfile>> {
        let (username, sight) = (username.clone(), sight.clone());
        self.read_document(move |tx| profile(tx, username, &sight)).await
    }

    async fn has_admin(&self) -> Result<bool> {
        self.read(|tx| sql::exists(tx, concat!("SELECT 1 FROM users WHERE ", administers!("")), [])).await
    }

    async fn session_user(&self, id: UserId, session: &str, generation: u64) -> Result<Option<User>> {
        let session = session.to_owned();
        self.read(move |tx| {
            let query = format!(
                "SELECT {} FROM users u WHERE u.id = ?1 AND {} AND {}",
                columns("u"),
                account_is_enabled!("u."),
                session_is_live!("?2", "?3")
            );
            sql::first(tx, &query, (id.to_string(), session, signed(generation)), |row| user(row, 0))
        })
        .await
    }

    async fn forget_sessions(&self, now: Timestamp) -> Result<()> {
        self.write(move |tx| {
            for (table, before) in [
                ("revoked_sessions", now),
                ("one_time_tokens", now),
                ("publisher_tokens", now),
                ("used_id_tokens", now),
                ("invitations", now),
                ("sessions", now.saturating_sub(LoginSession::REMEMBERED).unwrap_or(Timestamp::MIN)),
            ] {
                sql::run(tx, &format!("DELETE FROM {table} WHERE expires_at < ?1"), [before.as_microsecond()])?;
            }
            Ok(())
        })
        .await
    }
}

/// How many columns [`user`] reads.
pub(super) const COLUMN_COUNT: usize = COLUMNS.len();
const COLUMNS: [&str; 11] = [
    "id",
    "username",
    "email",
    "email_verified",
    "otp_enabled",
    "disabled",
    "created_at",
    "is_admin",
    "is_approver",
    "is_moderator",
    "is_auditor",
];

/// The columns that [`user`] reads, of the table under that alias.
pub(super) fn columns(alias: &str) -> String {
    COLUMNS.map(|column| format!("{alias}.{column}")).join(", ")
}

/// Reads an account from the columns that start at `at`.
pub(super) fn user(row: &Row<'_>, at: usize) -> Tx<User> {
    Ok(User {
        id: sql::parsed(row, at)?,
        username: sql::parsed(row, at + 1)?,
        email: row.get(at + 2)?,
        email_verified: row.get(at + 3)?,
        otp_enabled: row.get(at + 4)?,
        disabled: row.get(at + 5)?,
        created_at: sql::instant(row, at + 6)?,
        roles: roles(row, at + 7)?,
    })
}

/// Reads the roles of an account from the columns of [`columns::role_columns!`] that start at `at`.
pub(super) fn roles(row: &Row<'_>, at: usize) -> Tx<AccountRoles> {
    Ok(columns::account_roles([row.get(at)?, row.get(at + 1)?, row.get(at + 2)?, row.get(at + 3)?]))
}

fn profile(tx: &Connection, username: Username, sight: &Sight) -> Tx<Option<UserProfile>> {
    let account = sql::first(tx, "SELECT id, created_at FROM users WHERE username = ?1", [username.as_str()], |row| {
        Ok((row.get::<_, String>(0)?, sql::instant(row, 1)?))
    })?;
    let Some((id, created_at)) = account else { return Ok(None) };
    // Not everybody sees a private package, and one that has no version that everybody sees.
    let packages = concat!(
        "SELECT p.name FROM package_owners o JOIN packages p ON p.id = o.package_id
         WHERE o.user_id = ?1 AND (p.private OR NOT ",
        has_open_version!("p."),
        ") = ?3
         UNION
         SELECT p.name FROM scope_members m JOIN packages p ON p.scope = m.scope
         WHERE m.user_id = ?1 AND m.role = ?2 AND (p.private OR NOT ",
        has_open_version!("p."),
        ") = ?3 ORDER BY 1 LIMIT ?4"
    );
    let of = |private: bool, most: usize| -> Tx<Vec<String>> {
        sql::all(tx, packages, (&id, ScopeRole::Owner.as_str(), private, columns::limit(most)), sql::value)
    };
    // Which of the private ones are in sight is known only after they are read.
    let private = if sight.is_public_only() { Vec::new() } else { of(true, usize::MAX)? };
    let public = of(false, UserProfile::MAX_PACKAGES + 1)?;
    let packages = packages_in_sight(public.iter().map(String::as_str), private.iter().map(String::as_str), sight)?;
    Ok(Some(UserProfile::new(username, created_at, packages)))
}

pub(super) fn new_user_facts(tx: &Connection, new: &NewUser) -> Tx<NewUserFacts> {
    let account = &new.user;
    let name = "SELECT 1 FROM users WHERE username = ?1 UNION ALL SELECT 1 FROM scopes WHERE name = ?1";
    let email = "SELECT 1 FROM users WHERE email_key = ?1";
    Ok(NewUserFacts {
        name_taken: sql::exists(tx, name, [account.username.as_str()])?,
        email_taken: sql::exists(tx, email, [columns::email_key(&account.email)])?,
        invitation: match &new.invitation {
            Some(used) => at_once(resources::invitations::to_use(tx, &used.digest))?,
            None => None,
        },
    })
}
