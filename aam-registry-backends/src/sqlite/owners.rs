//! Owners of a package beside those of its scope.

use aam_registry_core::{
    Error,
    ports::OwnerChange,
    types::{Action, ScopeRole},
};
use rusqlite::Connection;

use super::{
    access, audit,
    failure::Tx,
    listing,
    packages::{self, PackageId},
    sql, users,
};
use crate::relational::refusals;

/// A package and a user, as an owner may change them.
struct Ownership {
    package: PackageId,
    user: String,
    /// Whether the user owns the package through its scope.
    through_scope: bool,
}

fn authorise(tx: &Connection, change: &OwnerChange) -> Tx<Ownership> {
    let name = &change.package;
    let caller = access::require_live(tx, &change.actor, change.now)?;
    let package = packages::require(tx, name)?;
    caller.package_rights(tx, Some(package), name)?.require(Action::Manage, name)?;
    let user = users::require_id(tx, &change.owner)?;
    let role = match name.scope() {
        Some(scope) => access::role(tx, scope.as_str(), &user)?,
        None => None,
    };
    Ok(Ownership { package, user, through_scope: role == Some(ScopeRole::Owner) })
}

pub(super) fn add(tx: &Connection, change: &OwnerChange) -> Tx<()> {
    let ownership = authorise(tx, change)?;
    if ownership.through_scope {
        return Ok(());
    }
    let insert = "INSERT INTO package_owners (package_id, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    if sql::run(tx, insert, (ownership.package, &ownership.user))? == 0 {
        return Ok(());
    }
    listing::touch(tx, ownership.package, change.now)?;
    audit::append(tx, &change.audit)
}

pub(super) fn remove(tx: &Connection, change: &OwnerChange) -> Tx<()> {
    let ownership = authorise(tx, change)?;
    let delete = "DELETE FROM package_owners WHERE package_id = ?1 AND user_id = ?2";
    if sql::run(tx, delete, (ownership.package, &ownership.user))? == 0 {
        return if ownership.through_scope { Err(refusals::owns_through_scope(change).into()) } else { Ok(()) };
    }
    if change.package.scope().is_none() && packages::owners(tx, ownership.package)?.is_empty() {
        return Err(Error::LastOwner(change.owner.clone()).into());
    }
    listing::touch(tx, ownership.package, change.now)?;
    audit::append(tx, &change.audit)
}
