//! The switch of read-only mode.

use super::world::{actor, admin, entry, now, refused};
use crate::{
    decide::SetReadOnly,
    error::ErrorCode,
    ports::{CommandHandlerExt, Database, QueryHandlerExt, ReadOnlySwitch},
    types::{Actor, AuditEvent, NewAuditEntry, ReadOnlyMode},
};

fn switch(by: Option<&Actor>, mode: Option<ReadOnlyMode>) -> SetReadOnly {
    let audit = match by {
        Some(by) => entry(AuditEvent::AdminReadOnly, by),
        None => NewAuditEntry::new(AuditEvent::AdminReadOnly, now()),
    };
    SetReadOnly { actor: by.cloned(), mode, audit }
}

/// The switch is read as it was set, by the operator or by administrators alone. What a store does is left to whoever
/// asks it: a store that is switched takes changes as before.
pub async fn read_only_mode_comes_and_goes(db: &dyn Database) {
    let (user, admin) = (actor(db).await, admin(db).await);
    let mode = |reason: Option<&str>| ReadOnlyMode {
        since: now(),
        by: "somebody".to_owned(),
        reason: reason.map(str::to_owned),
    };
    refused(db.execute(&switch(Some(&user), Some(mode(None)))).await, ErrorCode::Forbidden);
    let first = mode(None);
    assert_eq!(db.execute(&switch(None, Some(first.clone()))).await.expect("switched"), Some(first.clone()));
    assert_eq!(db.ask(ReadOnlySwitch(())).await.expect("read"), Some(first.clone()));
    let told = db.execute(&switch(Some(&admin), Some(mode(Some("moving"))))).await.expect("switched");
    assert_eq!(told, Some(ReadOnlyMode { since: first.since, ..mode(Some("moving")) }));
    assert_eq!(db.ask(ReadOnlySwitch(())).await.expect("read"), told);
    refused(db.execute(&switch(Some(&user), None)).await, ErrorCode::Forbidden);
    assert_eq!(db.execute(&switch(Some(&admin), None)).await.expect("switched"), None);
    assert_eq!(db.ask(ReadOnlySwitch(())).await.expect("read"), None);
}
