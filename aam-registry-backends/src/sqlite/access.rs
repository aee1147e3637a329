//! Who may do what, read in the transaction that relies on it.

use aam_registry_core::{
    Error,
    types::{Actor, Credential, PackageName, Rights, ScopeName, ScopeRole, is_session_ended},
};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{failure::Tx, sql};
use crate::relational::columns;

/// An actor whose user and credential are alive.
pub(super) struct Caller {
    /// The user's id.
    pub(super) user: String,
    admin: bool,
}

/// Requires the actor to exist, not to be disabled and to hold a live credential.
pub(super) fn require_live(tx: &Connection, actor: &Actor, now: Timestamp) -> Tx<Caller> {
    let user = actor.user.to_string();
    let query = "SELECT is_admin, disabled, session_generation, kept_session FROM users WHERE id = ?1";
    let account = sql::first(tx, query, [&user], |row| {
        let kept: Option<String> = row.get(3)?;
        Ok((row.get::<_, bool>(0)?, row.get::<_, bool>(1)?, sql::unsigned(row, 2)?, kept))
    })?;
    let Some((is_admin, false, current, kept)) = account else { return Err(Error::credential_ended().into()) };
    let alive = match &actor.credential {
        Credential::Session { id, generation, expires_at } => {
            *expires_at > now
                && !is_session_ended(id, *generation, current, kept.as_deref())
                && !sql::exists(tx, "SELECT 1 FROM revoked_sessions WHERE user_id = ?1 AND id = ?2", (&user, id))?
        }
        Credential::Token(id) => sql::exists(
            tx,
            "SELECT 1 FROM tokens WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL
             AND (expires_at IS NULL OR expires_at > ?3)",
            (id.to_string(), &user, now.as_microsecond()),
        )?,
        Credential::Operator | Credential::Host => true,
    };
    if !alive {
        return Err(Error::credential_ended().into());
    }
    Ok(Caller { user, admin: actor.as_admin && is_admin })
}

impl Caller {
    /// The actor, whether or not its credential is alive.
    pub(super) fn of(tx: &Connection, actor: &Actor) -> Tx<Self> {
        let user = actor.user.to_string();
        let is_admin = sql::exists(tx, "SELECT 1 FROM users WHERE id = ?1 AND is_admin AND NOT disabled", [&user])?;
        Ok(Self { user, admin: actor.as_admin && is_admin })
    }

    /// What the caller is to a scope.
    pub(super) fn scope_rights(&self, tx: &Connection, scope: &ScopeName) -> Tx<Rights> {
        Ok(Rights { admin: self.admin, package_owner: false, scope_role: role(tx, scope.as_str(), &self.user)? })
    }

    /// What the caller is to a package; `id` where it exists.
    pub(super) fn package_rights(&self, tx: &Connection, id: Option<i64>, name: &PackageName) -> Tx<Rights> {
        let owner = "SELECT 1 FROM package_owners WHERE package_id = ?1 AND user_id = ?2";
        Ok(Rights {
            admin: self.admin,
            package_owner: sql::exists(tx, owner, (id, &self.user))?,
            scope_role: match name.scope() {
                Some(scope) => role(tx, scope.as_str(), &self.user)?,
                None => None,
            },
        })
    }
}

/// The role of a user in a scope.
pub(super) fn role(tx: &Connection, scope: &str, user: &str) -> Tx<Option<ScopeRole>> {
    let query = "SELECT role FROM scope_members WHERE scope = ?1 AND user_id = ?2";
    sql::first(tx, query, (scope, user), |row| sql::coded(row, 0, columns::role))
}
