//! What a check of the audit log says after somebody changed the database by hand.

use aam_registry_core::{
    memory,
    ports::Database,
    registry::{AuditFault, OPERATOR, Registry},
    types::{AuditEvent, NewAuditEntry},
};
use jiff::{SignedDuration, Timestamp};

/// How many entries the log has.
const ENTRIES: i64 = 2_500;

/// A registry on `database` whose log has entries of one a second, the last of them from now.
async fn registry(database: impl Database) -> Registry {
    let start = Timestamp::now() - SignedDuration::from_secs(ENTRIES);
    for at in 1..=ENTRIES {
        let entry = NewAuditEntry::new(AuditEvent::TagSet, start + SignedDuration::from_secs(at)).with("at", at);
        database.append(&entry).await.expect("append");
    }
    let registry = memory::registry().database(database).build().expect("a registry");
    registry.sequence_audit().await.expect("sequence");
    registry
}

async fn faults(registry: &Registry) -> Vec<AuditFault> {
    registry.verify_audit(&[], |_| ()).await.expect("read").faults
}

fn position(fault: &AuditFault) -> u64 {
    match fault {
        AuditFault::Misfit { position, .. }
        | AuditFault::Unreadable { position }
        | AuditFault::Added { position, .. }
        | AuditFault::End { position } => *position,
        other => panic!("{other:?}"),
    }
}

/// Tampers with a log by statements that both databases know, and looks what the check finds.
pub(crate) async fn every_fault_is_found(database: impl Database, run: impl AsyncFn(&str)) {
    let registry = registry(database).await;
    let whole = registry.verify_audit(&[], |_| ()).await.expect("read");
    assert!(whole.is_good(), "{whole:?}");
    assert_eq!((whole.checked, whole.end.position), (2_500, 2_500));

    for column in ["actor = 'mallory'", "version = '9.9.9'", "timestamp = timestamp + 1", "event = 'tag.remove'"] {
        run("CREATE TABLE saved AS SELECT * FROM audit_log WHERE position = 1007").await;
        run(&format!("UPDATE audit_log SET {column} WHERE position = 1007")).await;
        let found = faults(&registry).await;
        assert!(matches!(*found, [AuditFault::Misfit { position: 1007, .. }]), "{column}: {found:?}");
        run("DELETE FROM audit_log WHERE position = 1007").await;
        assert_eq!(faults(&registry).await, [AuditFault::Missing { first: 1007, last: 1007 }]);
        run("INSERT INTO audit_log SELECT * FROM saved").await;
        run("DROP TABLE saved").await;
        assert_eq!(faults(&registry).await, []);
    }

    for column in ["event = 'no.such'", "metadata = 'x'", "hash = NULL", "package = 'No Name'"] {
        run("CREATE TABLE saved AS SELECT * FROM audit_log WHERE position IN (41, 42)").await;
        run(&format!("UPDATE audit_log SET {column} WHERE position IN (41, 42)")).await;
        let found = faults(&registry).await;
        assert_eq!(found, [41, 42].map(|position| AuditFault::Unreadable { position }), "{column}");
        run("DELETE FROM audit_log WHERE position IN (41, 42)").await;
        run("INSERT INTO audit_log SELECT * FROM saved").await;
        run("DROP TABLE saved").await;
    }

    // Two entries change places; the third is the one whose predecessor is another now.
    run("UPDATE audit_log SET position = 9999 WHERE position = 7").await;
    run("UPDATE audit_log SET position = 7 WHERE position = 8").await;
    run("UPDATE audit_log SET position = 8 WHERE position = 9999").await;
    assert_eq!(faults(&registry).await.iter().map(position).collect::<Vec<_>>(), [7, 8, 9]);
    run("UPDATE audit_log SET position = 9999 WHERE position = 7").await;
    run("UPDATE audit_log SET position = 7 WHERE position = 8").await;
    run("UPDATE audit_log SET position = 8 WHERE position = 9999").await;
    assert_eq!(faults(&registry).await, []);

    run("UPDATE audit_chain SET position = 2499").await;
    let found = faults(&registry).await;
    assert!(found.contains(&AuditFault::End { position: 2499 }), "{found:?}");
    assert!(matches!(found.last(), Some(AuditFault::Added { position: 2500, .. })), "{found:?}");
    run("UPDATE audit_chain SET position = 2502").await;
    assert_eq!(faults(&registry).await, [AuditFault::Missing { first: 2501, last: 2502 }]);
    run("UPDATE audit_chain SET position = 2500").await;
    assert_eq!(faults(&registry).await, []);
}

/// A log is pruned by its age, verified, interrupted and pruned again.
pub(crate) async fn a_pruned_log_stays_provable(database: impl Database, run: impl AsyncFn(&str)) {
    let registry = registry(database).await;
    let ago = |seconds| Timestamp::now() - SignedDuration::from_secs(seconds);
    let known = registry.verify_audit(&[], |_| ()).await.expect("read").end;
    let would = registry.prune_audit(ago(1_000), OPERATOR, true, false).await.expect("prune");
    assert_eq!(registry.verify_audit(&[], |_| ()).await.expect("read").checked, 2_500, "nothing was deleted");

    run("UPDATE audit_log SET actor = 'mallory' WHERE position = 100").await;
    let refused = registry.prune_audit(ago(1_000), OPERATOR, false, false).await.expect_err("evidence");
    assert!(refused.to_string().contains("aam-registry audit verify"), "{refused}");
    run("UPDATE audit_log SET actor = NULL WHERE position = 100").await;

    let pruned = registry.prune_audit(ago(1_000), OPERATOR, false, false).await.expect("prune");
    assert!(pruned.entries >= would.entries && would.entries >= 1_490, "{would:?} {pruned:?}");
    let unsequenced = registry.verify_audit(&[known], |_| ()).await.expect("read");
    assert!(unsequenced.is_good(), "{unsequenced:?}");
    registry.sequence_audit().await.expect("sequence");
    let verdict = registry.verify_audit(&[known], |_| ()).await.expect("read");
    assert!(verdict.is_good(), "{verdict:?}");
    assert_eq!((verdict.pruned, verdict.end.position), (pruned.through, 2_501));
    assert_eq!(verdict.checked, 2_501 - pruned.entries);

    run("CREATE TABLE saved AS SELECT * FROM audit_log WHERE event = 'admin.audit_prune'").await;
    run("UPDATE audit_log SET event = 'admin.create' WHERE event = 'admin.audit_prune'").await;
    let found = faults(&registry).await;
    assert_eq!(found[0], AuditFault::Missing { first: 1, last: pruned.through.position }, "{found:?}");
    run("DELETE FROM audit_log WHERE position = 2501").await;
    run("INSERT INTO audit_log SELECT * FROM saved").await;
    run("DROP TABLE saved").await;
    assert_eq!(faults(&registry).await, []);

    // As after a kill in the middle: an entry that was to be deleted is still there.
    run(&format!("UPDATE audit_log SET position = {} WHERE position = 2501", pruned.through.position)).await;
    run("UPDATE audit_chain SET position = 2500").await;
    run("UPDATE audit_chain SET hash = (SELECT hash FROM audit_log WHERE position = 2500)").await;
    assert_eq!(faults(&registry).await, [], "what was to be deleted is not looked at");
    registry.prune_audit(ago(900), OPERATOR, false, false).await.expect("prune");
    registry.sequence_audit().await.expect("sequence");
    assert_eq!(faults(&registry).await, []);
}
