use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::Time;
use crate::types::{AuditEntry, Page};

/// A page of the audit log, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditPage {
    entries: Vec<EntryRow>,
    /// Entries on all pages.
    total: u64,
    /// The page this is.
    page: u64,
    /// How many pages there are; 0 where there are no entries.
    pages: u64,
}

/// One entry.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
struct EntryRow {
    id: String,
    /// What happened, such as `package.publish`.
    event: &'static str,
    /// The username of the acting user, if it is known.
    actor: Option<String>,
    package: Option<String>,
    version: Option<String>,
    timestamp: Time,
    /// Other facts about the event.
    metadata: Map<String, Value>,
}

impl From<Page<AuditEntry>> for AuditPage {
    fn from(page: Page<AuditEntry>) -> Self {
        let (total, pages, number) = (page.total, page.pages(), page.request.page);
        let entries = page.items.into_iter().map(|AuditEntry { entry, .. }| EntryRow {
            id: entry.id.to_string(),
            event: entry.event.as_str(),
            actor: entry.actor,
            package: entry.package.map(|name| name.to_string()),
            version: entry.version,
            timestamp: entry.timestamp.into(),
            metadata: entry.metadata,
        });
        Self { entries: entries.collect(), total, page: number, pages }
    }
}
