//! Names of packages, scopes and users.

use std::{fmt, str::FromStr};

use crate::error::InvalidName;

const MAX_LEN: usize = 64;

fn is_name(text: &str, min: usize, underscore: bool) -> bool {
    let bytes = text.as_bytes();
    (min..=MAX_LEN).contains(&bytes.len())
        && (bytes[0].is_ascii_lowercase() || bytes[0].is_ascii_digit())
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-' || (underscore && *b == b'_'))
}

/// The full name of a package: `name`, or `@scope/name`.
///
/// The name matches `^[a-z0-9][a-z0-9-]{0,63}$`; the scope is a [`ScopeName`].
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageName {
    full: Box<str>,
    /// Where the bare name starts: 0, or just past the slash.
    name_at: u8,
}

impl PackageName {
    /// Joins a scope and a bare name.
    ///
    /// # Errors
    /// [`InvalidName`] where `name` is not a bare package name.
    pub fn scoped(scope: &ScopeName, name: &str) -> Result<Self, InvalidName> {
        format!("@{scope}/{name}").parse()
    }

    /// The whole name, `name` or `@scope/name`.
    pub fn as_str(&self) -> &str {
        &self.full
    }

    /// The name without its scope.
    pub fn bare(&self) -> &str {
        &self.full[usize::from(self.name_at)..]
    }

    /// The scope without `@`; `None` for an unscoped package.
    pub fn scope(&self) -> Option<ScopeName> {
        self.scope_str().map(|scope| ScopeName(scope.into()))
    }

    /// The scope without `@`, empty for an unscoped package.
    pub fn scope_or_empty(&self) -> &str {
        self.scope_str().unwrap_or("")
    }

    fn scope_str(&self) -> Option<&str> {
        (self.name_at > 0).then(|| &self.full[1..usize::from(self.name_at) - 1])
    }

    /// The name as one file-system segment: `name` or `scope--name`.
    pub fn fs_name(&self) -> String {
        self.scope_str().map_or_else(|| self.bare().to_owned(), |scope| format!("{scope}--{}", self.bare()))
    }

    /// The name without hyphens. No two unscoped packages may have the same key.
    pub fn similarity_key(&self) -> String {
        self.full.replace('-', "")
    }
}

impl FromStr for PackageName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName::Package(text.chars().take(140).collect());
        let (name, name_at) = match text.strip_prefix('@') {
            None => (text, 0),
            Some(rest) => {
                let (scope, name) = rest.split_once('/').ok_or_else(invalid)?;
                if !is_name(scope, 1, true) {
                    return Err(invalid());
                }
                (name, u8::try_from(scope.len() + 2).map_err(|_| invalid())?)
            }
        };
        if !is_name(name, 1, false) {
            return Err(invalid());
        }
        Ok(Self { full: text.into(), name_at })
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.full)
    }
}

impl fmt::Debug for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.full, f)
    }
}

macro_rules! simple_name {
    ($(#[$doc:meta])* $type:ident, $variant:ident, $min:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $type(Box<str>);

        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                if is_name(text, $min, true) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidName::$variant(text.chars().take(140).collect()))
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

simple_name! {
    /// A scope, without `@`: `^[a-z0-9][a-z0-9_-]{0,63}$`.
    ScopeName, Scope, 1
}

simple_name! {
    /// The name of a user: `^[a-z0-9][a-z0-9_-]{2,63}$`. Usernames and scopes share one namespace.
    Username, User, 3
}

impl Username {
    /// What stands for a username where a trusted publisher acts, which is no user. The name is
    /// reserved, so no user has it.
    pub fn trusted_publisher() -> Self {
        Self("trusted-publisher".into())
    }
}

impl From<&Username> for ScopeName {
    fn from(user: &Username) -> Self {
        Self(user.0.clone())
    }
}

impl Username {
    const ERASED: &str = "deleted-";

    /// The name of an account that was deleted, which nobody can register.
    pub fn erased(id: crate::types::UserId) -> Self {
        Self(format!("{}{}", Self::ERASED, uuid::Uuid::from(id).simple()).into())
    }

    /// Whether it is the name of an account that was deleted.
    pub fn is_erased(&self) -> bool {
        let id = self.as_str().strip_prefix(Self::ERASED);
        id.is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names_split_into_scope_and_name() {
        let plain: PackageName = "greet-kit".parse().expect("valid");
        assert_eq!((plain.scope_or_empty(), plain.bare(), plain.fs_name().as_str()), ("", "greet-kit", "greet-kit"));
        let scoped: PackageName = "@my_org/style-guide".parse().expect("valid");
        assert_eq!((scoped.scope_or_empty(), scoped.bare()), ("my_org", "style-guide"));
        assert_eq!(scoped.fs_name(), "my_org--style-guide");
    }

    #[test]
    fn malformed_names_are_refused() {
        let long = "a".repeat(65);
        for bad in ["", "-a", "A", "a_b", "a b", "@a", "@/a", "@a/", "@a/b/c", "@A/b", "a/b", "@a/@b", "é", &long] {
            assert!(bad.parse::<PackageName>().is_err(), "{bad:?} passed");
        }
        let longest = format!("@{}/{}", "s".repeat(64), "n".repeat(64));
        assert!(longest.parse::<PackageName>().is_ok());
        assert!("ab".parse::<Username>().is_err());
        assert!("abc".parse::<Username>().is_ok());
        assert!("_a".parse::<ScopeName>().is_err());
        assert!("a".parse::<ScopeName>().is_ok());
    }
}
