//! New names that could be mistaken for popular ones.
//!
//! A name is protected when its package, or a package of its scope, has many downloads. Whoever wants
//! a name that is too similar asks an administrator, for whom this does not hold.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    Registry,
    protected_names::{Names, Protected, like},
};
use crate::{
    error::{Error, Result},
    types::{PackageName, PageRequest, Principal, Reach, SearchQuery, SearchSort},
};

/// How many of the most downloaded packages are looked at.
const PROTECTED: u64 = 500;

impl Registry {
    /// Refuses the name of a new unscoped package that could be mistaken for a popular one.
    ///
    /// # Errors
    /// [`Error::NameTooSimilar`].
    pub(super) async fn require_unlike(&self, by: &Principal, name: &PackageName) -> Result<()> {
        if name.scope().is_some() || by.acts_as_admin() {
            return Ok(());
        }
        let names = self.protected_names().await?;
        let Some(existing) = like(&names.packages, name.bare()) else { return Ok(()) };
        if self.inner().packages.package(name, Reach::Everything).await?.is_some() {
            return Ok(());
        }
        Err(Error::NameTooSimilar { name: name.to_string(), existing })
    }

    /// Refuses the name of a new scope or user that could be mistaken for a popular scope.
    ///
    /// # Errors
    /// [`Error::NameTooSimilar`].
    pub(super) async fn require_unlike_scopes(&self, name: &str) -> Result<()> {
        match like(&self.protected_names().await?.scopes, name) {
            Some(existing) => Err(Error::NameTooSimilar { name: format!("@{name}"), existing: format!("@{existing}") }),
            None => Ok(()),
        }
    }

    async fn protected_names(&self) -> Result<Arc<Names>> {
        let Some(from) = self.policy().protected_from else { return Ok(Arc::default()) };
        let now = self.now();
        let kept = &self.inner().protected_names;
        if let Some(names) = kept.fresh(now) {
            return Ok(names);
        }
        let query = SearchQuery::everything(SearchSort::Downloads, PageRequest { page: 1, limit: PROTECTED });
        let found = self.inner().packages.search(&query).await?;
        let popular =
            || found.items.iter().take_while(|package| package.downloads >= from).map(|package| &package.name);
        let scopes: BTreeSet<_> = popular().filter_map(PackageName::scope).collect();
        let names = Arc::new(Names {
            packages: popular().filter(|name| name.scope().is_none()).map(|name| Protected::new(name.bare())).collect(),
            scopes: scopes.into_iter().map(|scope| Protected::new(scope.as_str())).collect(),
        });
        kept.keep(now, &names);
        Ok(names)
    }
}
