//! Names nobody may take, because they are or may become part of an address
//! of the registry, or because they speak in its name.

use std::collections::BTreeSet;

use crate::{
    error::{Error, Result},
    types::PackageName,
};

const SCOPES: &[&str] = &[
    "aam",
    "aam-registry",
    "aam-support",
    "aam-team",
    "abuse",
    "admin",
    "administration",
    "administrator",
    "administrators",
    "all",
    "anonymous",
    "api",
    "audit-log",
    "auth",
    "badge",
    "billing",
    "contact",
    "download",
    "downloads",
    "false",
    "health",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "invitations",
    "llms",
    "login",
    "logout",
    "mail",
    "mailer-daemon",
    "mcp",
    "me",
    "metrics",
    "moderator",
    "moderators",
    "no-reply",
    "nobody",
    "noreply",
    "null",
    "official",
    "oidc",
    "operator",
    "operators",
    "owner",
    "packages",
    "password-reset",
    "postmaster",
    "register",
    "registry",
    "registry-admin",
    "registry-support",
    "reports",
    "resolve",
    "root",
    "scopes",
    "search",
    "security",
    "security-team",
    "session",
    "sessions",
    "settings",
    "staff",
    "status",
    "superuser",
    "support",
    "support-team",
    "sysadmin",
    "system",
    "token",
    "tokens",
    "true",
    "trust",
    "trusted-publisher",
    "undefined",
    "user",
    "users",
    "verified",
    "verify-email",
    "webmaster",
    "www",
];

const PACKAGES: &[&str] =
    &["aam", "aam-registry", "all", "api", "false", "latest", "me", "null", "registry", "root", "true", "undefined"];

/// Refuses a reserved scope or username: they are one namespace. The operator reserves `more`.
pub(super) fn check_scope(name: &str, more: &BTreeSet<String>) -> Result<()> {
    if SCOPES.contains(&name) || more.contains(name) { Err(Error::NameReserved(name.to_owned())) } else { Ok(()) }
}

/// Refuses a reserved unscoped package name. Within a scope any name is fine. The operator reserves
/// `more`, for administrators.
pub(super) fn check_package(name: &PackageName, more: &BTreeSet<String>, is_admin: bool) -> Result<()> {
    let bare = name.bare();
    let is_reserved = PACKAGES.contains(&bare) || (!is_admin && more.contains(bare));
    if name.scope_or_empty().is_empty() && is_reserved {
        return Err(Error::NameReserved(bare.to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_unscoped_packages_are_reserved() {
        let (none, more) = (BTreeSet::new(), BTreeSet::from(["acme".to_owned()]));
        assert!(check_package(&"aam".parse().expect("name"), &none, true).is_err());
        assert!(check_package(&"@acme/aam".parse().expect("name"), &none, false).is_ok());
        assert!(check_package(&"aam-tools".parse().expect("name"), &none, false).is_ok());
        for name in ["verify-email", "support", "security", "registry-admin"] {
            assert!(check_scope(name, &none).is_err(), "{name}");
        }
        assert!(check_scope("my_org", &none).is_ok());
        assert!(check_scope("acme", &none).is_ok() && check_scope("acme", &more).is_err());
        let acme = "acme".parse().expect("name");
        assert!(check_package(&acme, &more, false).is_err() && check_package(&acme, &more, true).is_ok());
    }
}
