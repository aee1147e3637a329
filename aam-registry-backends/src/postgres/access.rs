//! Who may do what, read under the locks that keep it true until the commit.

use aam_registry_core::{
    Error,
    types::{Action, Actor, Credential, PackageName, Rights, ScopeName, is_session_ended},
};
use futures_util::try_join;
use jiff::Timestamp;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    connection::{Prepared, Session},
    failure::{Failure, Tx},
    packages::PackageId,
    sql::{self, Text},
};
use crate::relational::columns;

/// What [`PackageAccess::of`] reads: what the user `$1` with the session `$2`
/// is to the package `p` and the scope `$3`.
macro_rules! rights_columns {
    () => {
        "EXISTS (SELECT 1 FROM revoked_sessions r WHERE r.user_id = $1 AND r.id = $2),
         EXISTS (SELECT 1 FROM package_owners o WHERE o.package_id = p.id AND o.user_id = $1),
         (SELECT m.role FROM scope_members m WHERE m.scope = $3 AND m.user_id = $1)"
    };
}
pub(super) use rights_columns;

/// What [`account`] reads of the user `u`.
macro_rules! account_columns {
    () => {
        "u.is_admin, u.disabled, u.session_generation, u.kept_session"
    };
}
pub(super) use account_columns;

const ACCOUNT: &str = concat!("SELECT ", account_columns!(), " FROM users u WHERE u.id = $1 FOR SHARE");
/// To revoke a session takes a lock that its user's, once taken, keeps out: what this reads afterwards holds.
const REVOKED_SESSION: &str = "SELECT 1 FROM revoked_sessions WHERE user_id = $1 AND id = $2";
const LIVE_TOKEN: &str = "SELECT 1 FROM tokens WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL
                          AND (expires_at IS NULL OR expires_at > $3) FOR SHARE";
const SCOPE: &str = "SELECT 1 FROM scopes WHERE name = $1 FOR SHARE";
const SCOPE_TO_CHANGE: &str = "SELECT 1 FROM scopes WHERE name = $1 FOR NO KEY UPDATE";
const PACKAGE: &str = "SELECT id, downloads, updated_at FROM packages WHERE name = $1 FOR NO KEY UPDATE";
const ROLE: &str = "SELECT role FROM scope_members WHERE scope = $1 AND user_id = $2";
const RIGHTS: &str = concat!("SELECT ", rights_columns!(), " FROM (SELECT 1) one LEFT JOIN packages p ON p.name = $4");

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
            Some(Account { is_admin, disabled: false, session_ended: false }) if alive => {
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

/// What is known of a user who acts.
#[derive(Clone, Copy)]
pub(super) struct Account {
    is_admin: bool,
    disabled: bool,
    /// Whether the session that the user acts with was ended together with the others.
    session_ended: bool,
}

impl Account {
    /// Whether the user may act as an administrator.
    pub(super) fn administers(self) -> bool {
        self.is_admin && !self.disabled
    }
}

/// The account of an actor from the columns of [`account_columns`] that start
/// at `at`; `None` where they are null.
pub(super) fn account(row: &Row, at: usize, actor: &Actor) -> Tx<Option<Account>> {
    let columns: (Option<bool>, Option<bool>) = (row.try_get(at)?, row.try_get(at + 1)?);
    let (Some(is_admin), Some(disabled)) = columns else { return Ok(None) };
    let session_ended = match &actor.credential {
        Credential::Session { id, generation, .. } => {
            let kept = sql::optional_text(row, at + 3)?;
            is_session_ended(id, *generation, sql::unsigned(row, at + 2)?, kept.as_deref())
        }
        _ => false,
    };
    Ok(Some(Account { is_admin, disabled, session_ended }))
}

/// The session or token of an actor, as parameters.
pub(super) fn credential(actor: &Actor) -> (Option<Text<'_>>, Option<Uuid>) {
    match &actor.credential {
        Credential::Session { id, .. } => (Some(Text(id)), None),
        Credential::Token(id) => (None, Some(Uuid::from(*id))),
        Credential::Operator | Credential::Host => (None, None),
    }
}

/// Whether a credential is alive, of which was found whether its session was
/// revoked and whether its token is live.
pub(super) fn is_alive(actor: &Actor, revoked_session: bool, live_token: bool, now: Timestamp) -> bool {
    match &actor.credential {
        Credential::Session { expires_at, .. } => !revoked_session && *expires_at > now,
        Credential::Token(_) => live_token,
        Credential::Operator | Credential::Host => true,
    }
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
        let found = async { tx.rows(account_of, [&user]).await?.first().map(|row| account(row, 0, actor)).transpose() };
        let (session, token) = credential(actor);
        let revoked = async {
            match session {
                Some(session) => Ok(!tx.rows(revoked, [&user, &session]).await?.is_empty()),
                None => Ok(false),
            }
        };
        let live = async {
            match token {
                Some(token) => Ok(!tx.rows(live, [&token, &user, &moment]).await?.is_empty()),
                None => Ok(false),
            }
        };
        let (account, revoked, live) = try_join!(found, revoked, live)?;
        Caller::new(actor, account.flatten(), is_alive(actor, revoked, live, now))
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
    locks: [Prepared; 4],
    rights: Prepared,
}

/// What was found under the locks on an actor, a scope and a package.
pub(super) struct Held {
    account: Option<Account>,
    live_token: bool,
    scope_exists: bool,
    /// The package, where there is one.
    pub(super) package: Option<Locked>,
}

/// What somebody is to a package that nobody else can change before the commit.
pub(super) struct Access {
    pub(super) rights: Rights,
    /// Whether there is a scope of the package's name.
    pub(super) scope_exists: bool,
    /// The package, where there is one.
    pub(super) package: Option<Locked>,
}

/// A package whose row is locked.
#[derive(Clone, Copy)]
pub(super) struct Locked {
    pub(super) id: PackageId,
    pub(super) downloads: u64,
    pub(super) updated_at: Timestamp,
}

impl PackageAccess {
    pub(super) async fn prepare(tx: &Session) -> Tx<Self> {
        let [rights] = tx.prepare([RIGHTS]).await?;
        Ok(Self { locks: tx.prepare([ACCOUNT, LIVE_TOKEN, SCOPE, PACKAGE]).await?, rights })
    }

    /// Locks the actor, the scope and the package, in this order. Sends all it
    /// asks at once, so that what is joined behind it reads under the locks.
    pub(super) async fn lock(&self, tx: &Session, actor: &Actor, name: &PackageName, now: Timestamp) -> Tx<Held> {
        let [account_of, token_of, scope_of, package_of] = &self.locks;
        let (user, moment) = (Uuid::from(actor.user), now.as_microsecond());
        let (full, scope) = (name.as_str(), name.scope_or_empty());
        let live_token = async {
            let (_, Some(token)) = credential(actor) else { return Ok(false) };
            Ok(!tx.rows(token_of, [&token, &user, &moment]).await?.is_empty())
        };
        let scope_exists = async { Ok(!scope.is_empty() && !tx.rows(scope_of, [&scope]).await?.is_empty()) };
        let (accounts, live_token, scope_exists, packages) =
            try_join!(tx.rows(account_of, [&user]), live_token, scope_exists, tx.rows(package_of, [&full]),)?;
        let package = packages.first().map(|row| {
            let (downloads, updated_at) = (sql::unsigned(row, 1)?, sql::instant(row, 2)?);
            Ok::<_, Failure>(Locked { id: row.try_get(0)?, downloads, updated_at })
        });
        let account = accounts.first().map(|row| account(row, 0, actor)).transpose()?.flatten();
        Ok(Held { account, live_token, scope_exists, package: package.transpose()? })
    }

    /// As [`lock`](Self::lock), and reads the rights.
    pub(super) async fn take(&self, tx: &Session, actor: &Actor, name: &PackageName, now: Timestamp) -> Tx<Access> {
        let (session, _) = credential(actor);
        let (user, full, scope) = (Uuid::from(actor.user), name.as_str(), name.scope_or_empty());
        let (held, rights) =
            try_join!(self.lock(tx, actor, name, now), tx.rows(&self.rights, [&user, &session, &scope, &full]),)?;
        let rights = rights.first().ok_or_else(|| Failure::Corrupt("rights without a row".into()))?;
        Self::of(actor, &held, rights, now)
    }

    /// What an actor is by what is `held` and by the columns of
    /// [`rights_columns`] that `row`, read after it, begins with.
    pub(super) fn of(actor: &Actor, held: &Held, row: &Row, now: Timestamp) -> Tx<Access> {
        let alive = is_alive(actor, row.try_get(0)?, held.live_token, now);
        let caller = Caller::new(actor, held.account, alive)?;
        let role: Option<&str> = row.try_get(2)?;
        let rights = caller.rights(row.try_get(1)?, role.map(columns::role).transpose()?);
        Ok(Access { rights, scope_exists: held.scope_exists, package: held.package })
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
