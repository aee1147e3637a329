use aam_registry_core::types::{AuditEvent, ChainHash, NewAuditEntry};
use jiff::Timestamp;

use super::{
    Rows, Source, Table,
    versions::{archive, count},
};
use crate::scale::{document, value::Value};

pub(super) const AUDIT_LOG: Table = Table {
    name: "audit_log",
    columns: &["id", "entry_id", "event", "actor", "package", "version", "timestamp", "metadata", "position", "hash"],
    rows: audit_log,
};

/// The table with the last hash of the chain.
pub(in super::super) const CHAIN: &str = "UPDATE audit_chain SET
    position = (SELECT max(position) FROM audit_log),
    hash = (SELECT hash FROM audit_log ORDER BY position DESC LIMIT 1)";

/// One entry for each publish, in order and chained.
fn audit_log<'a>(source: &'a Source<'a>) -> Rows<'a> {
    let mut previous = ChainHash::from([0; 32]);
    Box::new((1_u64..).zip(source.dataset.versions()).map(move |(position, (package, release))| {
        let (sha256, size) = archive(source, source.dataset.has_archive(package, release), release.id);
        let sha256: [u8; 32] = sha256.try_into().unwrap_or_default();
        let at = Timestamp::from_microsecond(release.published_at).unwrap_or_default();
        let entry = NewAuditEntry {
            id: document::uuid("audit entry", release),
            ..NewAuditEntry::new(AuditEvent::PackagePublish, at)
        };
        let entry = entry
            .with_actor(source.dataset.users[package.owner].as_str())
            .with_package(&package.name)
            .with_version(&release.version)
            .with("sha256", ChainHash::from(sha256).to_string())
            .with("archive_size", size);
        let hash = entry.chain_hash(&previous, position);
        previous = hash;
        vec![
            count(position).into(),
            entry.id.to_string().into(),
            entry.event.as_str().into(),
            entry.actor.into(),
            package.name.as_str().into(),
            entry.version.into(),
            release.published_at.into(),
            serde_json::Value::Object(entry.metadata).to_string().into(),
            count(position).into(),
            Value::Bytes(hash.as_bytes().to_vec()),
        ]
    }))
}
