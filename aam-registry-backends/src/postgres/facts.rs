//! What commands are decided by, read under the locks that keep it true until the commit.

use aam_registry_core::{
    decide::{
        CallerAccount, CallerFacts, CallerPublisher, CallerToken, LatestFacts, OwnerState, PackageAccess, PackageFacts,
        PackageReads, PackageState, VersionState, YankState,
    },
    types::{
        Actor, Credential, DistTag, LatestTag, PackageName, PublishedVersion, ScopeRole, Username, Version, Visibility,
    },
};
use futures_util::try_join;
use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    connection::{Params, Prepared, Session},
    evals::{self, eval_status_columns},
    failure::{Failure, Tx},
    ids::VersionId,
    publisher_tokens::{CALLER_PUBLISHER, caller_publisher},
    sql::{self, Text},
    versions::{of_name_and_key, texts},
};
use crate::relational::{
    columns,
    predicates::{account_is_enabled, has_open_version},
};

/// What [`Held::access`] reads: what the user `$1` with the session `$2` is to
/// the package `p` and the scope `$3`.
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
        concat!(
            "u.disabled, u.session_generation, u.kept_session, ",
            $crate::relational::columns::role_columns!("u."),
            ", u.otp_enabled"
        )
    };
}
pub(super) use account_columns;

/// How many columns [`account`] reads.
pub(super) const ACCOUNT_COLUMNS: usize = 8;

/// What [`latest`] reads.
macro_rules! latest_columns {
    () => {
        "t.version_id, t.instead_of, c.ids, c.versions, c.yanked, c.statuses"
    };
}
pub(super) use latest_columns;

/// What has the columns of [`latest`] for a package `p`.
macro_rules! with_latest {
    () => {
        " LEFT JOIN dist_tags t ON t.package_id = p.id AND t.tag = 'latest'
          LEFT JOIN LATERAL (
              SELECT array_agg(v.id) ids, array_agg(v.version) versions, array_agg(v.yanked_at IS NOT NULL) yanked,
                  array_agg(v.status) statuses
              FROM (SELECT id, version, yanked_at, status FROM versions WHERE package_id = p.id ORDER BY id) v
          ) c ON TRUE"
    };
}
pub(super) use with_latest;

const ACCOUNT: &str = concat!("SELECT ", account_columns!(), " FROM users u WHERE u.id = $1 FOR SHARE");
const ACCOUNT_ALONE: &str = "SELECT 1 FROM users WHERE id = $1 FOR NO KEY UPDATE";
/// Revoking a session locks the user's row. We share that lock, so no revocation commits between this
/// read and our commit.
const REVOKED_SESSION: &str = "SELECT 1 FROM revoked_sessions WHERE user_id = $1 AND id = $2";
const TOKEN: &str = "SELECT expires_at FROM tokens WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL FOR SHARE";
const SCOPE: &str = "SELECT require_2fa FROM scopes WHERE name = $1 FOR SHARE";
/// Two publishes into a scope whose packages or bytes are counted wait for one another.
const SCOPE_TO_COUNT: &str = "SELECT require_2fa FROM scopes WHERE name = $1 FOR NO KEY UPDATE";
const PACKAGE: &str = concat!(
    "SELECT p.updated_at, p.private, p.trusted_only, ",
    has_open_version!("p."),
    " FROM packages p WHERE p.name = $1 FOR NO KEY UPDATE"
);
const RIGHTS: &str = concat!("SELECT ", rights_columns!(), " FROM (SELECT 1) one LEFT JOIN packages p ON p.name = $4");
const VERSION: &str = concat!(
    "SELECT v.version, v.yanked_at, v.yanked_reason,
        ARRAY(SELECT t.tag FROM dist_tags t WHERE t.version_id = v.id AND t.tag <> 'latest' ORDER BY t.tag),
        v.status, v.published_by, v.wanted_tag, v.archive,
        EXISTS (SELECT 1 FROM dist_tags t WHERE t.package_id = v.package_id AND t.tag = v.wanted_tag) AS wanted_tag_is_set,
        (SELECT a.status FROM approvals a WHERE a.version_id = v.id ORDER BY a.id DESC LIMIT 1) AS last_decision, ",
    columns::version_texts!("v"),
    ", ",
    eval_status_columns!(),
    of_name_and_key!()
);
const LATEST: &str =
    concat!("SELECT ", latest_columns!(), " FROM (SELECT 1) one LEFT JOIN packages p ON p.name = $1", with_latest!());
/// The version that a tag names, and how many tags the package has beside `latest`.
const TAG: &str = "SELECT (SELECT v.version FROM dist_tags t JOIN versions v ON v.id = t.version_id
        WHERE t.package_id = p.id AND t.tag = $2),
    (SELECT count(*) FROM dist_tags t WHERE t.package_id = p.id AND t.tag <> 'latest')
    FROM packages p WHERE p.name = $1";
/// A user, what it is to the package and to the scope, and how many other owners are listed with the
/// package, without disabled ones; and how many owners it lists in all.
const OWNER: &str = concat!(
    "SELECT u.id, EXISTS (SELECT 1 FROM package_owners o WHERE o.package_id = p.id AND o.user_id = u.id),
        (SELECT m.role FROM scope_members m WHERE m.scope = $2 AND m.user_id = u.id),
        (SELECT count(*) FROM package_owners o JOIN users other ON other.id = o.user_id
            WHERE o.package_id = p.id AND o.user_id <> u.id AND ",
    account_is_enabled!("other."),
    "),
        (SELECT count(*) FROM package_owners o WHERE o.package_id = p.id)
    FROM users u LEFT JOIN packages p ON p.name = $3 WHERE u.username = $1"
);

/// The account of an actor from the columns of [`account_columns`] that start
/// at `at`; `None` where they are null.
pub(super) fn account(row: &Row, at: usize) -> Tx<Option<CallerAccount>> {
    let Some(disabled) = row.try_get(at)? else { return Ok(None) };
    let (session_generation, kept_session) = (sql::unsigned(row, at + 1)?, sql::optional_text(row, at + 2)?);
    let (roles, has_second_factor) = (sql::roles(row, at + 3)?, row.try_get(at + 7)?);
    Ok(Some(CallerAccount { roles, disabled, session_generation, kept_session, has_second_factor }))
}

/// The session or token of an actor, as parameters.
pub(super) fn credential(actor: &Actor) -> (Option<Text<'_>>, Option<Uuid>) {
    match &actor.credential {
        Credential::Session { id, .. } => (Some(Text(id)), None),
        Credential::Token(id) => (None, Some(Uuid::from(*id))),
        Credential::Publisher { .. } | Credential::Operator | Credential::Host => (None, None),
    }
}

/// The token of a trusted publisher, as a parameter.
pub(super) fn publisher_token(actor: &Actor) -> Option<Uuid> {
    match &actor.credential {
        Credential::Publisher { token, .. } => Some(Uuid::from(*token)),
        _ => None,
    }
}

/// What is known of a package, out of `updated_at`, `private`, `trusted_only` and whether it has an open version, from column
/// `at` on.
pub(super) fn package_state(row: &Row, at: usize) -> Tx<PackageState> {
    Ok(PackageState {
        updated_at: sql::instant(row, at)?,
        visibility: Visibility::of(row.try_get(at + 1)?),
        trusted_only: row.try_get(at + 2)?,
        has_open_version: row.try_get(at + 3)?,
    })
}

/// What an actor is to a package, and whether the scope of its name exists. Locks all of them.
pub(super) async fn locked_access(tx: &Session, actor: &Actor, name: &PackageName) -> Tx<(PackageAccess, bool)> {
    let locks = PackageLocks::prepare(tx).await?;
    let [rights] = tx.prepare([RIGHTS]).await?;
    let (user, (session, _)) = (Uuid::from(actor.user), credential(actor));
    let (name_text, scope) = (name.as_str(), name.scope_or_empty());
    let (held, rights) =
        try_join!(locks.take(tx, actor, name), tx.rows(&rights, [&user, &session, &scope, &name_text]))?;
    let rights = rights.first().ok_or_else(|| Failure::Corrupt("rights without a row".into()))?;
    let scope_exists = held.scope_exists;
    Ok((held.access(rights)?, scope_exists))
}

/// Whether the scope, if it was found, demands a second factor of those who change something in it.
pub(super) fn requires_2fa(scopes: &[Row]) -> Tx<Option<bool>> {
    Ok(scopes.first().map(|row| row.try_get(0)).transpose()?)
}

/// A role in the column `at`, where there is one.
pub(super) fn role(row: &Row, at: usize) -> Tx<Option<ScopeRole>> {
    Ok(row.try_get::<_, Option<&str>>(at)?.map(columns::role).transpose()?)
}

/// What `latest` names, and what it is chosen from, out of the columns of
/// [`latest_columns`] that start at `at`.
pub(super) fn latest(row: &Row, at: usize) -> Tx<LatestFacts> {
    let ids: Vec<VersionId> = row.try_get::<_, Option<_>>(at + 2)?.unwrap_or_default();
    let versions: Vec<&str> = row.try_get::<_, Option<_>>(at + 3)?.unwrap_or_default();
    let yanked: Vec<bool> = row.try_get::<_, Option<_>>(at + 4)?.unwrap_or_default();
    let statuses: Vec<&str> = row.try_get::<_, Option<_>>(at + 5)?.unwrap_or_default();
    let published = versions.into_iter().zip(yanked).zip(statuses).map(|((version, yanked), status)| {
        Ok(PublishedVersion::new(version.parse()?, yanked, columns::version_status(status)?))
    });
    let published = published.collect::<Tx<Vec<_>>>()?;
    let (latest, instead_of): (Option<VersionId>, Option<&str>) = (row.try_get(at)?, row.try_get(at + 1)?);
    let tag = match latest {
        Some(latest) => {
            let place = ids.binary_search(&latest).ok().and_then(|place| published.get(place));
            let version = place.ok_or_else(|| Failure::Corrupt("a tag that names no version".into()))?;
            let instead_of = instead_of.map(str::parse).transpose()?;
            Some(LatestTag { version: version.version.clone(), instead_of })
        }
        None => None,
    };
    Ok(LatestFacts { tag, published })
}

/// The statements that find out who acts.
pub(super) struct CallerQueries([Prepared; 5]);

impl CallerQueries {
    pub(super) async fn prepare(tx: &Session) -> Tx<Self> {
        Ok(Self(tx.prepare([ACCOUNT, REVOKED_SESSION, TOKEN, CALLER_PUBLISHER, ACCOUNT_ALONE]).await?))
    }

    /// Locks the user alone.
    pub(super) async fn lock_user(&self, tx: &Session, actor: &Actor) -> Tx<()> {
        let Self([account_of, ..]) = self;
        tx.rows(account_of, [&Uuid::from(actor.user)]).await.map(drop)
    }

    /// Locks the user against all others who lock it, so that what is counted of the user next stays so.
    pub(super) async fn lock_user_alone(&self, tx: &Session, actor: &Actor) -> Tx<()> {
        let Self([.., account_alone]) = self;
        tx.rows(account_alone, [&Uuid::from(actor.user)]).await.map(drop)
    }

    /// Locks user and token, and reads what is known of them. Sends all it asks at once.
    pub(super) async fn load(&self, tx: &Session, actor: &Actor) -> Tx<CallerFacts> {
        let Self([account_of, revoked, token_of, publisher_of, _]) = self;
        let user = Uuid::from(actor.user);
        let (session, token) = credential(actor);
        let publisher = publisher_token(actor);
        let (account, revoked, tokens, publishers) = try_join!(
            tx.rows(account_of, [&user]),
            rows_where(tx, revoked, session.as_ref().map(|session| [&user as _, session as _])),
            rows_where(tx, token_of, token.as_ref().map(|token| [token as _, &user as _])),
            rows_where(tx, publisher_of, publisher.as_ref().map(|token| [token as _])),
        )?;
        Ok(CallerFacts {
            account: account.first().map(|row| self::account(row, 0)).transpose()?.flatten(),
            session_revoked: !revoked.is_empty(),
            token: tokens.first().map(held_token).transpose()?,
            publisher: publishers.first().map(caller_publisher).transpose()?,
        })
    }
}

/// Who acts.
pub(super) async fn caller(tx: &Session, actor: &Actor) -> Tx<CallerFacts> {
    CallerQueries::prepare(tx).await?.load(tx, actor).await
}

/// The rows of a prepared query, where there is something to ask it for.
pub(super) async fn rows_where<const N: usize>(
    tx: &Session,
    query: &Prepared,
    params: Option<Params<'_, N>>,
) -> Tx<Vec<Row>> {
    match params {
        Some(params) => tx.rows(query, params).await,
        None => Ok(Vec::new()),
    }
}

fn held_token(row: &Row) -> Tx<CallerToken> {
    Ok(CallerToken { expires_at: sql::optional_instant(row, 0)? })
}

/// The statements that lock what a change of a package relies on.
pub(super) struct PackageLocks([Prepared; 5]);

/// What was found under the locks on an actor, a scope and a package.
pub(super) struct Held {
    account: Option<CallerAccount>,
    token: Option<CallerToken>,
    publisher: Option<CallerPublisher>,
    /// Whether there is a scope of the package's name.
    pub(super) scope_exists: bool,
    scope_requires_2fa: bool,
    /// The package, where there is one.
    pub(super) package: Option<PackageState>,
}

impl PackageLocks {
    pub(super) async fn prepare(tx: &Session) -> Tx<Self> {
        Ok(Self(tx.prepare([ACCOUNT, TOKEN, SCOPE, PACKAGE, CALLER_PUBLISHER]).await?))
    }

    /// The same for a publish that counts what is in the scope.
    pub(super) async fn prepare_to_count(tx: &Session) -> Tx<Self> {
        Ok(Self(tx.prepare([ACCOUNT, TOKEN, SCOPE_TO_COUNT, PACKAGE, CALLER_PUBLISHER]).await?))
    }

    /// Locks the actor, the scope and the package, in this order. Sends all it
    /// asks at once, so that what is joined behind it reads under the locks.
    pub(super) async fn take(&self, tx: &Session, actor: &Actor, name: &PackageName) -> Tx<Held> {
        let Self([account_of, token_of, scope_of, package_of, publisher_of]) = self;
        let (user, full) = (Uuid::from(actor.user), name.as_str());
        let scope = Some(name.scope_or_empty()).filter(|scope| !scope.is_empty());
        let ((_, token), publisher) = (credential(actor), publisher_token(actor));
        let (accounts, tokens, scopes, packages, publishers) = try_join!(
            tx.rows(account_of, [&user]),
            rows_where(tx, token_of, token.as_ref().map(|token| [token as _, &user as _])),
            rows_where(tx, scope_of, scope.as_ref().map(|scope| [scope as _])),
            tx.rows(package_of, [&full]),
            // After the package, as whoever removes the publisher does.
            rows_where(tx, publisher_of, publisher.as_ref().map(|token| [token as _])),
        )?;
        let package = packages.first().map(|row| package_state(row, 0)).transpose()?;
        Ok(Held {
            account: accounts.first().map(|row| account(row, 0)).transpose()?.flatten(),
            token: tokens.first().map(held_token).transpose()?,
            publisher: publishers.first().map(caller_publisher).transpose()?,
            scope_exists: !scopes.is_empty(),
            scope_requires_2fa: requires_2fa(&scopes)?.unwrap_or_default(),
            package,
        })
    }
}

impl Held {
    /// What an actor is to a package, by this and by the columns of
    /// [`rights_columns`] that `row`, read under the locks, begins with.
    pub(super) fn access(self, row: &Row) -> Tx<PackageAccess> {
        let Self { account, token, publisher, scope_requires_2fa, package, .. } = self;
        let caller = CallerFacts { account, session_revoked: row.try_get(0)?, token, publisher };
        let (package_owner, scope_role) = (row.try_get(1)?, role(row, 2)?);
        Ok(PackageAccess { caller, package_owner, scope_role, scope_requires_2fa, package })
    }
}

/// What a command about a package is decided by. Sends all it asks at once.
pub(super) async fn package(tx: &Session, reads: PackageReads<'_>) -> Tx<PackageFacts> {
    let locks = PackageLocks::prepare(tx).await?;
    let [rights, version_of, latest_of, tag_of, owner_of, gates_of] =
        tx.prepare([RIGHTS, VERSION, LATEST, TAG, OWNER, evals::GATES]).await?;
    let (user, (session, _)) = (Uuid::from(reads.actor.user), credential(reads.actor));
    let (name, scope) = (reads.package.as_str(), reads.package.scope_or_empty());
    let key = reads.version.map(Version::key);
    let owner = reads.user.map(Username::as_str);
    // No tag has an empty name.
    let tag = reads.tag.map(DistTag::as_str).or(reads.counts_tags.then_some(""));
    let (held, rights, versions, latest_rows, tags, owners, gates) = try_join!(
        locks.take(tx, reads.actor, reads.package),
        tx.rows(&rights, [&user, &session, &scope, &name]),
        rows_where(tx, &version_of, key.as_ref().map(|key| [&name as _, key as _])),
        rows_where(tx, &latest_of, reads.latest.then_some([&name as _])),
        rows_where(tx, &tag_of, tag.as_ref().map(|tag| [&name as _, tag as _])),
        rows_where(tx, &owner_of, owner.as_ref().map(|owner| [owner as _, &scope as _, &name as _])),
        rows_where(tx, &gates_of, reads.gates.then_some([&name as _, &true as _, &true as _])),
    )?;
    let rights = rights.first().ok_or_else(|| Failure::Corrupt("rights without a row".into()))?;
    let owner = owners.first();
    Ok(PackageFacts {
        access: held.access(rights)?,
        version: versions.first().map(version_state).transpose()?,
        latest: latest_rows.first().map(|row| latest(row, 0)).transpose()?.unwrap_or_default(),
        tag: tags.first().map(named_version).transpose()?.flatten(),
        tag_count: tags.first().map(|row| sql::unsigned(row, 1)).transpose()?.unwrap_or_default(),
        user: owner.map(owner_state).transpose()?,
        gates: evals::gates(&gates)?,
        other_owners: owner.map(|row| sql::unsigned(row, 3)).transpose()?.unwrap_or_default(),
        owner_count: owner.map(|row| sql::unsigned(row, 4)).transpose()?.unwrap_or_default(),
    })
}

fn named_version(row: &Row) -> Tx<Option<Version>> {
    Ok(row.try_get::<_, Option<&str>>(0)?.map(str::parse).transpose()?)
}

fn version_state(row: &Row) -> Tx<VersionState> {
    let (yanked_at, reason) = (sql::optional_instant(row, 1)?, sql::optional_text(row, 2)?);
    Ok(VersionState {
        version: sql::parsed(row, 0)?,
        yanked: yanked_at.map(|at| YankState { at, reason }),
        texts: texts(row)?,
        tags: row.try_get::<_, Vec<&str>>(3)?.into_iter().map(str::parse).collect::<Result<_, _>>()?,
        status: sql::coded(row, 4, columns::version_status)?,
        published_by: sql::id(row, 5)?,
        wanted_tag: row.try_get::<_, Option<&str>>(6)?.map(str::parse).transpose()?,
        archive: sql::parsed(row, 7)?,
        wanted_tag_is_set: row.try_get("wanted_tag_is_set")?,
        last_decision: row.try_get::<_, Option<&str>>("last_decision")?.map(columns::approval_status).transpose()?,
        evals: evals::statuses(row)?,
    })
}

fn owner_state(row: &Row) -> Tx<OwnerState> {
    Ok(OwnerState { user: sql::id(row, 0)?, package_owner: row.try_get(1)?, scope_role: role(row, 2)? })
}
