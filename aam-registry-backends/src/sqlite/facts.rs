//! What commands are decided by, read in the transaction that applies them.

use aam_registry_core::{
    decide::{
        CallerAccount, CallerFacts, CallerToken, ExistingVersion, LatestFacts, OwnerState, PackageAccess, PackageFacts,
        PackageReads, PackageState, PublishFacts, PublishQuotas, Usage, VersionState, YankState,
    },
    types::{
        Actor, Credential, DistTag, LatestTag, PackageName, Reach, ScopeName, ScopeRole, UserId, Username, Version,
        Visibility,
    },
};
use rusqlite::Connection;

use super::{
    evals,
    failure::Tx,
    ids::{PackageId, VersionId},
    publisher_tokens, sql, users, versions,
};
use crate::relational::{
    columns,
    predicates::{account_is_enabled, has_open_version, package_is_in_reach, version_is_kept},
};

/// Who acts.
pub(super) fn caller(tx: &Connection, actor: &Actor) -> Tx<CallerFacts> {
    let user = actor.user.to_string();
    let query = concat!(
        "SELECT disabled, session_generation, kept_session, ",
        columns::role_columns!(""),
        ", otp_enabled FROM users WHERE id = ?1"
    );
    let account = sql::first(tx, query, [&user], |row| {
        Ok(CallerAccount {
            disabled: row.get(0)?,
            session_generation: sql::unsigned(row, 1)?,
            kept_session: row.get(2)?,
            roles: users::roles(row, 3)?,
            has_second_factor: row.get(7)?,
        })
    })?;
    let (mut session_revoked, mut token, mut publisher) = (false, None, None);
    match &actor.credential {
        Credential::Session { id, .. } => {
            let revoked = "SELECT 1 FROM revoked_sessions WHERE user_id = ?1 AND id = ?2";
            session_revoked = sql::exists(tx, revoked, (&user, id))?;
        }
        Credential::Token(id) => {
            let held = "SELECT expires_at FROM tokens WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL";
            token = sql::first(tx, held, (id.to_string(), &user), |row| {
                Ok(CallerToken { expires_at: sql::optional_instant(row, 0)? })
            })?;
        }
        Credential::Publisher { token, .. } => publisher = publisher_tokens::caller_publisher(tx, *token)?,
        Credential::Operator | Credential::Host => {}
    }
    Ok(CallerFacts { account, session_revoked, token, publisher })
}

/// The role of a user in a scope.
pub(super) fn role(tx: &Connection, scope: &str, user: UserId) -> Tx<Option<ScopeRole>> {
    let query = "SELECT role FROM scope_members WHERE scope = ?1 AND user_id = ?2";
    sql::first(tx, query, (scope, user.to_string()), |row| sql::coded(row, 0, columns::role))
}

/// The user of that name.
pub(super) fn user_id(tx: &Connection, username: &Username) -> Tx<Option<UserId>> {
    sql::first(tx, "SELECT id FROM users WHERE username = ?1", [username.as_str()], |row| sql::parsed(row, 0))
}

/// What an actor is to a package, and the id of the package, where there is one.
pub(super) fn access(tx: &Connection, actor: &Actor, name: &PackageName) -> Tx<(PackageAccess, Option<PackageId>)> {
    let caller = caller(tx, actor)?;
    let query = concat!(
        "SELECT p.id, p.updated_at, p.private, p.trusted_only, ",
        has_open_version!("p."),
        " FROM packages p WHERE p.name = ?1"
    );
    let found = sql::first(tx, query, [name.as_str()], |row| {
        let (updated_at, visibility) = (sql::instant(row, 1)?, Visibility::of(row.get(2)?));
        Ok((
            row.get(0)?,
            PackageState { updated_at, visibility, trusted_only: row.get(3)?, has_open_version: row.get(4)? },
        ))
    })?;
    let (id, package) = found.unzip();
    let package_owner = is_owner(tx, id, actor.user)?;
    let scope_role = role_at(tx, name, actor.user)?;
    let scope_requires_2fa = match name.scope() {
        Some(scope) => requires_2fa(tx, &scope)?.unwrap_or_default(),
        None => false,
    };
    Ok((PackageAccess { caller, package_owner, scope_role, scope_requires_2fa, package }, id))
}

/// What a command about a package is decided by.
pub(super) fn package(tx: &Connection, reads: PackageReads<'_>) -> Tx<PackageFacts> {
    let (access, id) = access(tx, reads.actor, reads.package)?;
    let mut facts = PackageFacts { access, ..PackageFacts::default() };
    let Some(id) = id else { return Ok(facts) };
    if let Some(wanted) = reads.version {
        facts.version = version(tx, id, wanted)?;
    }
    if reads.latest {
        facts.latest = latest(tx, id)?;
    }
    if let Some(tag) = reads.tag {
        let named = "SELECT v.version FROM dist_tags t JOIN versions v ON v.id = t.version_id
                     WHERE t.package_id = ?1 AND t.tag = ?2";
        facts.tag = sql::first(tx, named, (id, tag.as_str()), |row| sql::parsed(row, 0))?;
        facts.tag_count = tag_count(tx, id)?;
    }
    if reads.counts_tags {
        facts.tag_count = tag_count(tx, id)?;
    }
    if reads.gates {
        facts.gates = evals::gates(tx, id)?;
    }
    if let Some(user) = reads.user.map(|name| user_id(tx, name)).transpose()?.flatten() {
        let package_owner = is_owner(tx, Some(id), user)?;
        facts.user = Some(OwnerState { user, package_owner, scope_role: role_at(tx, reads.package, user)? });
        let owners = concat!(
            "SELECT count(*) FROM package_owners o JOIN users u ON u.id = o.user_id
             WHERE o.package_id = ?1 AND o.user_id <> ?2 AND ",
            account_is_enabled!("u.")
        );
        facts.other_owners =
            sql::first(tx, owners, (id, user.to_string()), |row| sql::unsigned(row, 0))?.unwrap_or_default();
        let owners = "SELECT count(*) FROM package_owners WHERE package_id = ?1";
        facts.owner_count = sql::first(tx, owners, [id], |row| sql::unsigned(row, 0))?.unwrap_or_default();
    }
    Ok(facts)
}

/// What a publish is decided by, but for what only a commit asks; and the id of the package, where there is one.
pub(super) fn publish(
    tx: &Connection,
    actor: &Actor,
    name: &PackageName,
    version: &Version,
) -> Tx<(PublishFacts, Option<PackageId>)> {
    let (access, id) = access(tx, actor, name)?;
    let query = "SELECT version, sha256, status FROM versions WHERE package_id = ?1 AND version_key = ?2";
    let existing = sql::first(tx, query, (id, version.key()), |row| {
        let status = sql::coded(row, 2, columns::version_status)?;
        Ok(ExistingVersion { version: sql::parsed(row, 0)?, sha256: sql::digest(row, 1)?, status })
    })?;
    let query = "SELECT name FROM packages WHERE similarity_key = ?1";
    let similar = sql::first(tx, query, [name.similarity_key()], |row| sql::parsed(row, 0))?;
    let scope_exists = match name.scope() {
        Some(scope) => scope_exists(tx, &scope)?,
        None => false,
    };
    Ok((PublishFacts { access, scope_exists, existing, similar, ..PublishFacts::default() }, id))
}

/// How much there is of what a publish of that package adds to, where a quota asks for it.
pub(super) fn usage(
    tx: &Connection,
    quotas: PublishQuotas,
    name: &PackageName,
    package: Option<PackageId>,
) -> Tx<Usage> {
    let mut usage = Usage::default();
    let kept = version_is_kept!("v.");
    if let Some(package) = package.filter(|_| quotas.versions_per_package.is_some()) {
        let query = format!("SELECT count(*) FROM versions v WHERE v.package_id = ?1 AND {kept}");
        usage.versions = sql::first(tx, &query, [package], |row| sql::unsigned(row, 0))?.unwrap_or_default();
    }
    if quotas.count_scope_of(name) {
        let query = format!(
            "SELECT (SELECT count(*) FROM packages p WHERE p.scope = ?1), (
                 SELECT coalesce(sum(v.archive_size), 0) FROM packages p JOIN versions v ON v.package_id = p.id
                 WHERE p.scope = ?1 AND {kept})"
        );
        let counts = sql::first(tx, &query, [name.scope_or_empty()], |row| {
            Ok((sql::unsigned(row, 0)?, sql::unsigned(row, 1)?))
        })?;
        (usage.packages, usage.storage) = counts.unwrap_or_default();
    }
    Ok(usage)
}

/// How many tags a package has beside `latest`.
pub(super) fn tag_count(tx: &Connection, package: PackageId) -> Tx<u64> {
    let query = "SELECT count(*) FROM dist_tags WHERE package_id = ?1 AND tag <> ?2";
    Ok(sql::first(tx, query, (package, DistTag::LATEST), |row| sql::unsigned(row, 0))?.unwrap_or_default())
}

/// What `latest` of a package names, and what it is chosen from.
pub(super) fn latest(tx: &Connection, package: PackageId) -> Tx<LatestFacts> {
    let query = "SELECT v.version, t.instead_of FROM dist_tags t JOIN versions v ON v.id = t.version_id
                 WHERE t.package_id = ?1 AND t.tag = ?2";
    let tag = sql::first(tx, query, (package, DistTag::LATEST), |row| {
        let instead_of: Option<String> = row.get(1)?;
        let instead_of = instead_of.map(|version| version.parse()).transpose()?;
        Ok(LatestTag { version: sql::parsed(row, 0)?, instead_of })
    })?;
    let mut published = versions::numbers(tx, package, Reach::Everything)?;
    published.reverse();
    Ok(LatestFacts { tag, published })
}

fn version(tx: &Connection, package: PackageId, wanted: &Version) -> Tx<Option<VersionState>> {
    let query = concat!(
        "SELECT v.id, v.version, v.yanked_at, v.yanked_reason, v.status, v.published_by, v.wanted_tag, v.archive,
            EXISTS (SELECT 1 FROM dist_tags t WHERE t.package_id = v.package_id AND t.tag = v.wanted_tag) wanted_tag_is_set,
            (SELECT a.status FROM approvals a WHERE a.version_id = v.id ORDER BY a.id DESC LIMIT 1) last_decision, ",
        columns::version_texts!("v"),
        " FROM versions v WHERE v.package_id = ?1 AND v.version_key = ?2"
    );
    sql::first(tx, query, (package, wanted.key()), |row| {
        let tags = "SELECT tag FROM dist_tags WHERE version_id = ?1 AND tag <> ?2 ORDER BY tag";
        let id: VersionId = row.get(0)?;
        let reason = row.get(3)?;
        Ok(VersionState {
            version: sql::parsed(row, 1)?,
            yanked: sql::optional_instant(row, 2)?.map(|at| YankState { at, reason }),
            texts: versions::texts(row)?,
            tags: sql::all(tx, tags, (id, DistTag::LATEST), |row| sql::parsed(row, 0))?,
            status: sql::coded(row, 4, columns::version_status)?,
            published_by: sql::parsed(row, 5)?,
            wanted_tag: row.get::<_, Option<String>>(6)?.map(|tag| tag.parse()).transpose()?,
            archive: sql::parsed(row, 7)?,
            wanted_tag_is_set: row.get("wanted_tag_is_set")?,
            last_decision: row
                .get::<_, Option<String>>("last_decision")?
                .map(|status| columns::approval_status(&status))
                .transpose()?,
            evals: evals::statuses(tx, id)?,
        })
    })
}

fn is_owner(tx: &Connection, package: Option<PackageId>, user: UserId) -> Tx<bool> {
    let owner = "SELECT 1 FROM package_owners WHERE package_id = ?1 AND user_id = ?2";
    sql::exists(tx, owner, (package, user.to_string()))
}

/// The role of a user in the scope of a name.
fn role_at(tx: &Connection, name: &PackageName, user: UserId) -> Tx<Option<ScopeRole>> {
    match name.scope() {
        Some(scope) => role(tx, scope.as_str(), user),
        None => Ok(None),
    }
}

/// Whether a scope exists.
pub(super) fn scope_exists(tx: &Connection, name: &ScopeName) -> Tx<bool> {
    sql::exists(tx, "SELECT 1 FROM scopes WHERE name = ?1", [name.as_str()])
}

/// Whether a scope demands a second factor of those who change something in it; `None` if there is no such scope.
pub(super) fn requires_2fa(tx: &Connection, name: &ScopeName) -> Tx<Option<bool>> {
    sql::first(tx, "SELECT require_2fa FROM scopes WHERE name = ?1", [name.as_str()], sql::value)
}

/// The package of that name within reach.
pub(super) fn package_in_reach(tx: &Connection, name: &PackageName, reach: Reach) -> Tx<Option<PackageId>> {
    let query = concat!("SELECT p.id FROM packages p WHERE p.name = ?1 AND ", package_is_in_reach!("p.", "?2", "?3"));
    sql::first(tx, query, (name.as_str(), reach.includes_private(), reach.includes_every_status()), sql::value)
}

/// The package of that name.
pub(super) fn package_id(tx: &Connection, name: &PackageName) -> Tx<Option<PackageId>> {
    sql::first(tx, "SELECT id FROM packages WHERE name = ?1", [name.as_str()], sql::value)
}
