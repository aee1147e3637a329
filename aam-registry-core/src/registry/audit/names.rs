//! The names in the audit log as they are shown.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    error::Result,
    ports::{ErasedUsernames, QueryHandlerExt},
    registry::Registry,
    types::{AuditEntry, NewAuditEntry, Page, Username},
};

/// The facts of an entry that are usernames.
const NAMES: [&str; 3] = ["user", "owner", "member"];
/// What is shown in place of the name of an account that was deleted.
const DELETED: &str = "(deleted user)";

/// An entry of the audit log as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownAuditEntry {
    /// The entry.
    pub entry: AuditEntry,
    /// Whether it names an account that was deleted, so that names in it are not those that its hash is of.
    pub hides_names: bool,
}

impl Registry {
    /// Entries without the names of accounts that were deleted. What is stored stays as it is, since each entry
    /// builds on the hash of the one before.
    pub(super) async fn with_names(&self, page: Page<AuditEntry>) -> Result<Page<AuditEntry>> {
        let items = self.shown(page.items).await?.into_iter().map(|shown| shown.entry).collect();
        Ok(Page { items, ..page })
    }

    /// The same, telling which entries name such an account.
    pub(super) async fn shown(&self, entries: Vec<AuditEntry>) -> Result<Vec<ShownAuditEntry>> {
        let names: BTreeSet<Username> = entries.iter().flat_map(|entry| names(&entry.entry)).collect();
        let erased = if names.is_empty() {
            Vec::new()
        } else {
            self.inner().queries.ask(ErasedUsernames(names.into_iter().collect())).await?
        };
        let erased: BTreeSet<&str> = erased.iter().map(Username::as_str).collect();
        let shown = entries.into_iter().map(|mut entry| {
            let hides_names = hide(&mut entry.entry, &erased);
            ShownAuditEntry { entry, hides_names }
        });
        Ok(shown.collect())
    }
}

/// The usernames in an entry.
fn names(entry: &NewAuditEntry) -> impl Iterator<Item = Username> {
    let facts = NAMES.into_iter().filter_map(|key| entry.metadata.get(key).and_then(Value::as_str));
    entry.actor.as_deref().into_iter().chain(facts).filter_map(|name| name.parse().ok())
}

/// Replaces the names of `erased` accounts; gives whether there was one.
fn hide(entry: &mut NewAuditEntry, erased: &BTreeSet<&str>) -> bool {
    let mut hides_names = false;
    if entry.actor.as_deref().is_some_and(|actor| erased.contains(actor)) {
        entry.actor = Some(DELETED.to_owned());
        hides_names = true;
    }
    for key in NAMES {
        if let Some(value) = entry.metadata.get_mut(key)
            && value.as_str().is_some_and(|name| erased.contains(name))
        {
            *value = DELETED.into();
            hides_names = true;
        }
    }
    hides_names
}
