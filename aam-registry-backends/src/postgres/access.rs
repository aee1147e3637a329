//! Who may do what, read under the locks that keep it true until the commit.

use aam_registry_core::{
    Error,
    types::{Action, Actor, Credential, PackageName, Rights, ScopeName},
};
use futures_util::try_join;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    connection::{Prepared, Session},
    failure::Tx,
    packages::PackageId,
    sql::{self, Text},
};
use crate::relational::columns;

const ACCOUNT: &str = "SELECT is_admin, disabled FROM users WHERE id = $1 FOR SHARE";
/// To revoke a session takes a lock that its user's, once taken, keeps out: what this reads afterwards holds.
const REVOKED_SESSION: &str = "SELECT 1 FROM revoked_sessions WHERE user_id = $1 AND id = $2";
const LIVE_TOKEN: &str = "SELECT 1 FROM tokens WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL
                          AND (expires_at IS NULL OR expires_at > $3) FOR SHARE";
const SCOPE: &str = "SELECT 1 FROM scopes WHERE name = $1 FOR SHARE";
const SCOPE_TO_CHANGE: &str = "SELECT 1 FROM scopes WHERE name = $1 FOR NO KEY UPDATE";
const PACKAGE: &str = "SELECT id, downloads FROM packages WHERE name = $1 FOR NO KEY UPDATE";
const OWNER: &str = "SELECT 1 FROM packages p JOIN package_owners o ON o.package_id = p.id
                     WHERE p.name = $1 AND o.user_id = $2";
const ROLE: &str = "SELECT role FROM scope_members WHERE scope = $1 AND user_id = $2";

/// An actor whose user and credential are alive.
pub(super) struct Caller {
    /// The user's id.
    pub(super) user: Uuid,
    admin: bool,
}

impl Caller {
    /// The actor, where its user is there and not disabled and its credential was found `alive`.
    pub(super) fn new(actor: &Actor, account: Option<Account>, alive: bool) -> Tx<Self> {
        match account {
            Some(Account { is_admin, disabled: false }) if alive => {
                Ok(Self { user: actor.user.into(), admin: actor.as_admin && is_admin })
            }
            _ => Err(Error::credential_ended().into()),
        }
    }

    /// What the caller is to a package or scope.
    pub(super) fn rights(
        &self,
        package_owner: bool,
        scope_role: Option<aam_registry_core::types::ScopeRole>,
    ) -> Rights {
        Rights { admin: self.admin, package_owner, scope_role }
    }
}

/// What is known of a user.
#[derive(Clone, Copy)]
pub(super) struct Account {
    is_admin: bool,
    disabled: bool,
}

impl Account {
    /// Whether the user may act as an administrator.
    pub(super) fn administers(self) -> bool {
        self.is_admin && !self.disabled
    }
}

/// An account from the two columns that start at `at`; `None` where they are null.
pub(super) fn account(row: &Row, at: usize) -> Tx<Option<Account>> {
    let columns: (Option<bool>, Option<bool>) = (row.try_get(at)?, row.try_get(at + 1)?);
    let (Some(is_admin), Some(disabled)) = columns else { return Ok(None) };
    Ok(Some(Account { is_admin, disabled }))
}

/// The statements that find out whether an actor is alive.
pub(super) struct Liveness([Prepared; 3]);

impl Liveness {
    pub(super) async fn prepare(tx: &Session) -> Tx<Self> {
        Ok(Self(tx.prepare([ACCOUNT, REVOKED_SESSION, LIVE_TOKEN]).await?))
    }

    /// Locks the user alone.
    pub(super) async fn lock_user(&self, tx: &Session, actor: &Actor) -> Tx<()> {
        let Self([account_of, ..]) = self;
        tx.rows(account_of, [&Uuid::from(actor.user)]).await.map(drop)
    }

    /// Locks user and token, and requires them to be there and alive. Sends all it asks at once.
    pub(super) async fn require(&self, tx: &Session, actor: &Actor, now: Timestamp) -> Tx<Caller> {
        let Self([account_of, revoked, live]) = self;
        let (user, moment) = (Uuid::from(actor.user), now.as_microsecond());
        let found = async { tx.rows(account_of, [&user]).await?.first().map(|row| account(row, 0)).transpose() };
        let alive = async {
            match &actor.credential {
                Credential::Session { id, expires_at } => {
                    Ok(tx.rows(revoked, [&user, &Text(id)]).await?.is_empty() && *expires_at > now)
                }
                Credential::Token(id) => Ok(!tx.rows(live, [&user, &Uuid::from(*id), &moment]).await?.is_empty()),
                Credential::Operator => Ok(true),
            }
        };
        let (account, alive) = try_join!(found, alive)?;
        Caller::new(actor, account.flatten(), alive)
    }
}

/// Requires the actor to exist, not to be disabled and to hold a live credential.
pub(super) async fn require_live(tx: &Session, actor: &Actor, now: Timestamp) -> Tx<Caller> {
    Liveness::prepare(tx).await?.require(tx, actor, now).await
}

/// What a caller and others are to a scope that is about to change.
pub(super) struct ScopeAccess {
    liveness: Liveness,
    scope: [Prepared; 2],
}

impl ScopeAccess {
    pub(super) async fn prepare(tx: &Session) -> Tx<Self> {
        Ok(Self { liveness: Liveness::prepare(tx).await?, scope: tx.prepare([SCOPE_TO_CHANGE, ROLE]).await? })
    }

    /// Locks the actor and the scope; gives the actor's rights, and whether the scope exists.
    pub(super) async fn take(
        &self,
        tx: &Session,
        actor: &Actor,
        scope: &ScopeName,
        now: Timestamp,
    ) -> Tx<(Rights, bool)> {
        let [lock, role_of] = &self.scope;
        let (user, name) = (Uuid::from(actor.user), scope.as_str());
        let (caller, locked, roles) = try_join!(
            self.liveness.require(tx, actor, now),
            tx.rows(lock, [&name]),
            tx.rows(role_of, [&name, &user]),
        )?;
        let role = roles.first().map(|row| sql::coded(row, 0, columns::role)).transpose()?;
        Ok((caller.rights(false, role), !locked.is_empty()))
    }
}

/// The statements that find out what an actor is to a package.
pub(super) struct PackageAccess {
    liveness: Liveness,
    package: [Prepared; 4],
}

/// What somebody is to a package that nobody else can change before the commit.
pub(super) struct Access {
    pub(super) rights: Rights,
    /// Whether the scope of the package's name exists, where it has one.
    pub(super) scope_exists: bool,
    /// The package, where there is one.
    pub(super) package: Option<Locked>,
}

/// A package whose row is locked.
#[derive(Clone, Copy)]
pub(super) struct Locked {
    pub(super) id: PackageId,
    pub(super) downloads: u64,
}

impl PackageAccess {
    pub(super) async fn prepare(tx: &Session) -> Tx<Self> {
        Ok(Self { liveness: Liveness::prepare(tx).await?, package: tx.prepare([SCOPE, PACKAGE, OWNER, ROLE]).await? })
    }

    /// Locks the actor, the scope and the package, in this order. Sends all it
    /// asks at once, so that what is joined behind it reads under the locks.
    pub(super) async fn take(&self, tx: &Session, actor: &Actor, name: &PackageName, now: Timestamp) -> Tx<Access> {
        let [scope_of, package_of, owner_of, role_of] = &self.package;
        let user = Uuid::from(actor.user);
        let (full, scope) = (name.as_str(), name.scope_or_empty());
        let scope_lock =
            async { if scope.is_empty() { Ok(true) } else { Ok(!tx.rows(scope_of, [&scope]).await?.is_empty()) } };
        let role = async {
            if scope.is_empty() {
                return Ok(None);
            }
            let rows = tx.rows(role_of, [&scope, &user]).await?;
            rows.first().map(|row| sql::coded(row, 0, columns::role)).transpose()
        };
        let (caller, scope_exists, packages, owners, scope_role) = try_join!(
            self.liveness.require(tx, actor, now),
            scope_lock,
            tx.rows(package_of, [&full]),
            tx.rows(owner_of, [&full, &user]),
            role,
        )?;
        let package = packages.first().map(|row| {
            Ok::<_, super::failure::Failure>(Locked { id: row.try_get(0)?, downloads: sql::unsigned(row, 1)? })
        });
        let rights = caller.rights(!owners.is_empty(), scope_role);
        Ok(Access { rights, scope_exists, package: package.transpose()? })
    }
}

impl Access {
    /// Requires the package to exist.
    pub(super) fn require_package(&self, name: &PackageName) -> Tx<Locked> {
        self.package.ok_or_else(|| Error::PackageNotFound(name.clone()).into())
    }

    /// Requires the right to `action` on the package.
    pub(super) fn require(&self, action: Action, name: &PackageName) -> Tx<()> {
        Ok(self.rights.require(action, name)?)
    }
}
