//! Owners of a package beside those of its scope.

use aam_registry_core::{
    Error,
    ports::{Change, OwnerChange},
    types::{Action, ScopeRole},
};
use futures_util::try_join;
use uuid::Uuid;

use super::{
    access::PackageAccess, audit::Append, connection::Session, failure::Tx, listing::Listing, packages::PackageId, sql,
};
use crate::relational::{columns, refusals};

/// A user, and what it is to a scope.
const OWNER: &str = "SELECT u.id, (SELECT m.role FROM scope_members m WHERE m.scope = $2 AND m.user_id = u.id)
    FROM users u WHERE u.username = $1";
const ADD: &str = "INSERT INTO package_owners (package_id, user_id) VALUES ($1, $2) ON CONFLICT DO NOTHING";
const REMOVE: &str = "DELETE FROM package_owners WHERE package_id = $1 AND user_id = $2";
const ANY: &str = "SELECT 1 FROM package_owners WHERE package_id = $1 LIMIT 1";

/// A package and a user, as an owner may change them.
struct Ownership {
    package: PackageId,
    user: Uuid,
    /// Whether the user owns the package through its scope.
    through_scope: bool,
}

async fn authorise(tx: &Session, change: &OwnerChange) -> Tx<Ownership> {
    let name = &change.package;
    let access = PackageAccess::prepare(tx).await?;
    let [owner] = tx.prepare([OWNER]).await?;
    let (username, scope) = (change.owner.as_str(), name.scope_or_empty());
    let (access, owners) =
        try_join!(access.take(tx, &change.actor, name, change.now), tx.rows(&owner, [&username, &scope]),)?;
    let package = access.require_package(name)?.id;
    access.require(Action::Manage, name)?;
    let Some(owner) = owners.first() else { return Err(Error::UserNotFound(change.owner.clone()).into()) };
    let role: Option<&str> = owner.try_get(1)?;
    let through_scope = role.map(columns::role).transpose()? == Some(ScopeRole::Owner);
    Ok(Ownership { package, user: owner.try_get(0)?, through_scope })
}

pub(super) async fn add(tx: &Session, change: &OwnerChange) -> Tx<()> {
    let Ownership { package, user, through_scope } = authorise(tx, change).await?;
    if through_scope || sql::run(tx, ADD, [&package, &user]).await? == 0 {
        return Ok(());
    }
    note(tx, change).await
}

pub(super) async fn remove(tx: &Session, change: &OwnerChange) -> Tx<()> {
    let Ownership { package, user, through_scope } = authorise(tx, change).await?;
    if sql::run(tx, REMOVE, [&package, &user]).await? == 0 {
        return if through_scope { Err(refusals::owns_through_scope(change).into()) } else { Ok(()) };
    }
    if change.package.scope().is_none() && !sql::exists(tx, ANY, [&package]).await? {
        return Err(Error::LastOwner(change.owner.clone()).into());
    }
    note(tx, change).await
}

async fn note(tx: &Session, change: &OwnerChange) -> Tx<()> {
    let (listing, append) = (Listing::prepare(tx).await?, Append::prepare(tx).await?);
    let told = append.run(tx, &change.audit, Some(Change::Package(change.package.clone())));
    try_join!(listing.touch(tx, &change.package, change.now), told)?;
    Ok(())
}
