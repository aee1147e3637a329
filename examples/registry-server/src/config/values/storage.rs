//! Where the metadata is kept.

use std::path::PathBuf;

use crate::config::setting::{Refusal, Value};

/// The database of the metadata: a file of SQLite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseUrl {
    /// The file.
    pub(crate) path: PathBuf,
}

impl Value for DatabaseUrl {
    const PLACEHOLDER: &'static str = "URL";

    fn allowed() -> String {
        "`sqlite://<path>`, for example `sqlite://./data/registry.db` or `sqlite:///var/lib/aam/registry.db`".to_owned()
    }

    fn parse(text: &str) -> Result<Self, Refusal> {
        let Some((scheme, rest)) = text.split_once(':') else { return Err(Refusal::NotAllowed) };
        match scheme {
            "sqlite" => {}
            "postgres" | "postgresql" | "postgresql+asyncpg" => {
                return Err(Refusal::NotBuilt("PostgreSQL is not built into this release"));
            }
            _ => return Err(Refusal::NotAllowed),
        }
        let path = rest.strip_prefix("//").unwrap_or(rest);
        if path.contains(":memory:") {
            return Err(Refusal::Because("a database in memory is not built into this release".to_owned()));
        }
        if path.is_empty() || path.ends_with('/') || path.contains('?') {
            return Err(Refusal::NotAllowed);
        }
        Ok(Self { path: path.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_paths_are_relative_or_absolute() {
        for (url, path) in [
            ("sqlite://./data/registry.db", "./data/registry.db"),
            ("sqlite:///var/lib/aam/registry.db", "/var/lib/aam/registry.db"),
            ("sqlite:registry.db", "registry.db"),
        ] {
            assert_eq!(DatabaseUrl::parse(url), Ok(DatabaseUrl { path: path.into() }));
        }
        for bad in ["sqlite://", "sqlite://x?mode=ro", "mysql://x", "registry.db", "sqlite://data/"] {
            assert_eq!(DatabaseUrl::parse(bad), Err(Refusal::NotAllowed), "{bad}");
        }
    }

    #[test]
    fn postgresql_is_refused_in_plain_words() {
        for url in ["postgresql://u:p@h/aam", "postgres://h/aam", "postgresql+asyncpg://h/aam"] {
            assert_eq!(DatabaseUrl::parse(url), Err(Refusal::NotBuilt("PostgreSQL is not built into this release")));
        }
    }
}
