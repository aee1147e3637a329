//! Names nobody may take, because they are or may become part of an address
//! of the registry, or because they speak in its name.

use crate::{
    error::{Error, Result},
    types::PackageName,
};

const SCOPES: &[&str] = &[
    "aam",
    "admin",
    "administrator",
    "all",
    "anonymous",
    "api",
    "audit-log",
    "badge",
    "false",
    "health",
    "login",
    "logout",
    "me",
    "metrics",
    "nobody",
    "null",
    "oidc",
    "packages",
    "password-reset",
    "register",
    "registry",
    "resolve",
    "root",
    "scopes",
    "search",
    "system",
    "token",
    "tokens",
    "true",
    "trusted-publisher",
    "undefined",
    "user",
    "users",
    "verify-email",
    "www",
];

const PACKAGES: &[&str] =
    &["aam", "aam-registry", "all", "api", "false", "latest", "me", "null", "registry", "root", "true", "undefined"];

/// Refuses a reserved scope or username: they are one namespace.
pub(super) fn check_scope(name: &str) -> Result<()> {
    if SCOPES.contains(&name) { Err(Error::NameReserved(name.to_owned())) } else { Ok(()) }
}

/// Refuses a reserved unscoped package name. Within a scope any name is fine.
pub(super) fn check_package(name: &PackageName) -> Result<()> {
    if name.scope_or_empty().is_empty() && PACKAGES.contains(&name.bare()) {
        return Err(Error::NameReserved(name.bare().to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unscoped_packages_are_reserved() {
        assert!(check_package(&"aam".parse().expect("name")).is_err());
        assert!(check_package(&"@acme/aam".parse().expect("name")).is_ok());
        assert!(check_package(&"aam-tools".parse().expect("name")).is_ok());
        assert!(check_scope("verify-email").is_err());
        assert!(check_scope("my_org").is_ok());
    }
}
