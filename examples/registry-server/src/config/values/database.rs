//! Where the metadata is stored.

use std::{fmt, path::PathBuf};

use aam_registry_backends::postgres::PostgresConfig;
use secrecy::{ExposeSecret, SecretString};

use crate::config::{
    address::{self, MASK},
    setting::{Refusal, Value},
};

/// The database of the metadata.
#[derive(Clone, Debug)]
pub(crate) enum DatabaseUrl {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A database of a PostgreSQL server.
    Postgres(PostgresUrl),
}

impl DatabaseUrl {
    /// Whether several replicas can share it.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// Prints it without credentials.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl Value for DatabaseUrl {
    const PLACEHOLDER: &'static str = "URL";

    fn allowed() -> String {
        format!("`sqlite://<path>`, for example `sqlite:///var/lib/aam/registry.db`, or {}", PostgresUrl::allowed())
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let Some((scheme, rest)) = text.split_once(':') else { return Err(Refusal::NotAllowed) };
        if scheme != "sqlite" {
            return PostgresUrl::parse(text).map(Self::Postgres);
        }
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.contains(":memory:") {
            return Err(Refusal::Because("a database in memory is not built into this release".to_owned()));
        }
        if let Some((_, options)) = path.split_once('?') {
            let option = options.split(['=', '&']).next().unwrap_or_default();
            return Err(Refusal::Because(format!("its option `{option}` is not supported: a path takes none")));
        }
        if path.is_empty() || path.ends_with('/') {
            return Err(Refusal::NotAllowed);
        }
        Ok(Self::Sqlite(path.into()))
    }
}

/// The address of a PostgreSQL database, credentials included.
#[derive(Clone, Debug)]
pub(crate) struct PostgresUrl {
    url: SecretString,
    /// The same without the parts that must not be printed.
    shown: String,
}

impl PostgresUrl {
    /// The whole address.
    pub(crate) fn expose(&self) -> &str {
        self.url.expose_secret()
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Value for PostgresUrl {
    const PLACEHOLDER: &'static str = "URL";

    fn allowed() -> String {
        "`postgresql://<user>:<password>@<host>:5432/<database>`, with `%`-escapes where a password has `:`, `/`, `@`, \
         `#` or `?`"
            .to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let Some((scheme, _)) = text.split_once("://") else { return Err(Refusal::NotAllowed) };
        if !matches!(scheme, "postgres" | "postgresql" | "postgresql+asyncpg") {
            return Err(Refusal::NotAllowed);
        }
        // The error contains nothing of the address except the name of an option.
        PostgresConfig::new(text).map_err(|error| Refusal::Because(error.to_string()))?;
        let place = address::place(text).unwrap_or(MASK);
        if matches!(place, "" | "/") {
            return Err(Refusal::NotAllowed);
        }
        Ok(Self { url: text.into(), shown: format!("postgresql://{place}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_paths_are_relative_or_absolute() {
        for (url, expected) in [
            ("sqlite://./data/registry.db", "./data/registry.db"),
            ("sqlite:///var/lib/aam/registry.db", "/var/lib/aam/registry.db"),
            ("sqlite:registry.db", "registry.db"),
        ] {
            let parsed = DatabaseUrl::parse(url).expect("a database");
            assert!(matches!(&parsed, DatabaseUrl::Sqlite(path) if path.to_str() == Some(expected)), "{parsed:?}");
        }
        for bad in ["sqlite://", "mysql://x", "registry.db", "sqlite://data/"] {
            assert!(matches!(DatabaseUrl::parse(bad), Err(Refusal::NotAllowed)), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_said() {
        for (url, told) in [
            ("sqlite://x?mode=ro", "`mode`"),
            ("postgresql://", "names no host"),
            ("postgresql://u:hunter2@h/aam?pool_size=5", "`pool_size` is not supported: it takes `sslmode`, `ssl`"),
            ("postgresql://u:hunter2@h/aam?sslmode=always", "`sslmode` is none of"),
        ] {
            let Err(Refusal::Because(reason)) = DatabaseUrl::parse(url) else { panic!("{url} has no reason") };
            assert!(reason.contains(told) && !reason.contains("hunter2"), "{reason}");
        }
    }

    #[test]
    fn postgresql_is_shown_without_credentials() {
        for url in ["postgresql://u:hun@ter2@h:5432/aam?sslmode=require", "postgresql+asyncpg://u:hunter2@h:5432/aam"] {
            let parsed = DatabaseUrl::parse(url).expect("a database");
            assert!(parsed.is_shared());
            assert_eq!(parsed.to_string(), "postgresql://h:5432/aam");
            assert!(!format!("{parsed:?}").contains("ter2"), "{parsed:?}");
        }
        let parsed = DatabaseUrl::parse("postgresql://u@h/aam?password=hunt@er2").expect("a database");
        assert_eq!(parsed.to_string(), "postgresql://********");
    }
}
