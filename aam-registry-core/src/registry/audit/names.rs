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

impl Registry {
    /// Entries without the names of accounts that were deleted. What is stored stays as it is, since each entry
    /// builds on the hash of the one before.
    pub(super) async fn with_names(&self, mut page: Page<AuditEntry>) -> Result<Page<AuditEntry>> {
        let names: BTreeSet<Username> = page.items.iter().flat_map(|entry| names(&entry.entry)).collect();
        if names.is_empty() {
            return Ok(page);
        }
        let erased = self.inner().queries.ask(ErasedUsernames(names.into_iter().collect())).await?;
        if !erased.is_empty() {
            let erased: BTreeSet<&str> = erased.iter().map(Username::as_str).collect();
            for entry in &mut page.items {
                hide(&mut entry.entry, &erased);
            }
        }
        Ok(page)
    }
}

/// The usernames in an entry.
fn names(entry: &NewAuditEntry) -> impl Iterator<Item = Username> {
    let facts = NAMES.into_iter().filter_map(|key| entry.metadata.get(key).and_then(Value::as_str));
    entry.actor.as_deref().into_iter().chain(facts).filter_map(|name| name.parse().ok())
}

fn hide(entry: &mut NewAuditEntry, erased: &BTreeSet<&str>) {
    if entry.actor.as_deref().is_some_and(|actor| erased.contains(actor)) {
        entry.actor = Some(DELETED.to_owned());
    }
    for key in NAMES {
        if let Some(value) = entry.metadata.get_mut(key)
            && value.as_str().is_some_and(|name| erased.contains(name))
        {
            *value = DELETED.into();
        }
    }
}
