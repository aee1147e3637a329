//! New names that could be mistaken for popular ones.
//!
//! A name is protected when its package, or a package of its scope, has many downloads. Whoever wants
//! a name that is too similar asks an administrator, for whom this does not hold.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use super::Registry;
use crate::{
    error::{Error, Result},
    types::{PackageName, PageRequest, Principal, Reach, SearchQuery, SearchSort},
};

/// How many of the most downloaded packages are looked at.
const PROTECTED: u64 = 500;
/// How long the list is used before it is read again.
const FRESH_FOR: Duration = Duration::from_mins(10);
/// From how many letters on one typo makes a name similar: shorter words have too many neighbours.
const MIN_FOR_TYPO: usize = 6;

/// A protected name in the forms that are compared.
#[derive(Debug)]
struct Protected {
    name: String,
    skeleton: String,
}

impl Protected {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), skeleton: skeleton(name) }
    }

    /// Whether `name`, with this skeleton, can be mistaken for it.
    fn is_like(&self, name: &str, skeleton: &str) -> bool {
        if self.name == name {
            return false;
        }
        self.skeleton == skeleton || sorted(&self.name) == sorted(name) || self.is_a_typo_of(skeleton)
    }

    fn is_a_typo_of(&self, skeleton: &str) -> bool {
        let (one, other) = (self.skeleton.len(), skeleton.len());
        if one.min(other) < MIN_FOR_TYPO || one.abs_diff(other) > 1 {
            return false;
        }
        // `tool-1` and `tool-2` are a family.
        let without_digits = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        let is_family = one == other && without_digits(&self.skeleton) == without_digits(skeleton);
        !is_family && strsim::osa_distance(&self.skeleton, skeleton) == 1
    }
}

/// The name without separators, and with one character for those that look alike.
fn skeleton(name: &str) -> String {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.replace("rn", "m").replace("vv", "w");
    plain
        .chars()
        .map(|c| match c {
            '0' => 'o',
            '1' | 'i' => 'l',
            c => c,
        })
        .collect()
}

/// The parts of the name in alphabetical order, as `greet-kit` and `kit-greet` have the same.
fn sorted(name: &str) -> Vec<&str> {
    let mut parts: Vec<_> = name.split(['-', '_']).filter(|part| !part.is_empty()).collect();
    parts.sort_unstable();
    parts
}

/// The protected names as last read.
#[derive(Debug, Default)]
pub(super) struct ProtectedNames(Mutex<Option<(Timestamp, Arc<Names>)>>);

#[derive(Debug, Default)]
struct Names {
    packages: Vec<Protected>,
    scopes: Vec<Protected>,
}

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
        if self.inner().packages.package(name, Reach::Public).await?.is_some() {
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
        let kept = &self.inner().protected_names.0;
        if let Some((at, names)) = &*kept.lock().unwrap_or_else(PoisonError::into_inner)
            && now.duration_since(*at).unsigned_abs() < FRESH_FOR
        {
            return Ok(Arc::clone(names));
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
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&names)));
        Ok(names)
    }
}

/// The protected name that `name` can be mistaken for, unless it is one of them.
fn like(protected: &[Protected], name: &str) -> Option<String> {
    if protected.iter().any(|one| one.name == name) {
        return None;
    }
    let skeleton = skeleton(name);
    protected.iter().find(|one| one.is_like(name, &skeleton)).map(|one| one.name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_can_be_mistaken_are_alike() {
        let protected = [Protected::new("greet-kit"), Protected::new("log"), Protected::new("gpt4-tools")];
        for (name, expected) in [
            ("greet_kit", Some("greet-kit")),
            ("greetkit", Some("greet-kit")),
            ("gr-eet-kit", Some("greet-kit")),
            ("kit-greet", Some("greet-kit")),
            ("greet-klt", Some("greet-kit")),
            ("greet-k1t", Some("greet-kit")),
            ("gret-kit", Some("greet-kit")),
            ("greet-kits", Some("greet-kit")),
            ("rgeet-kit", Some("greet-kit")),
            ("greet-kit", None),
            ("greet-tool", None),
            ("greeting-kit", None),
            ("l0g", Some("log")),
            ("logs", None),
            ("dog", None),
            ("gpt5-tools", None),
            ("gpt4-tool", Some("gpt4-tools")),
        ] {
            assert_eq!(like(&protected, name).as_deref(), expected, "{name}");
        }
        assert_eq!(skeleton("vvarn-10"), "wamlo");
    }

    #[test]
    fn a_protected_name_is_not_like_another() {
        let protected = [Protected::new("greet-kit"), Protected::new("greet-kits")];
        assert_eq!(like(&protected, "greet-kits"), None);
    }
}
