//! Results of evals, and the gates of dist-tags that ask for them.

use serde_json::json;

use super::world::{
    actor, admin, audit_of, commit, dead_actors, entry, manifest, now, package_name, published, refused, tag, upload, v,
};
use crate::{
    decide::{PublishCommit, RecordEval, SetGates, TagChange},
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database, QueryHandlerExt, TagGates},
    types::{Actor, AuditEvent, EvalResult, EvalStatus, Gates, PackageName, Reach, TagRules, VersionDetail},
};

fn result(name: &str, status: EvalStatus) -> EvalResult {
    let metrics = json!({"accuracy": 0.93, "model": "a \"quoted\" \u{1f511}", "cached": false, "runs": 12});
    EvalResult {
        name: name.parse().expect("a name"),
        status,
        metrics: metrics.as_object().expect("an object").clone(),
        run_at: now(),
        runner: Some("ci".into()),
        environment: json!({"os": "linux"}).as_object().expect("an object").clone(),
        recorded_at: now(),
    }
}

async fn record(db: &dyn Database, by: &Actor, name: &PackageName, version: &str, result: EvalResult) -> Result<()> {
    let (actor, package, version) = (by.clone(), name.clone(), v(version));
    let audit = entry(AuditEvent::EvalRecord, by).with_package(name).with_version(&version);
    db.execute(&RecordEval { actor, package, version, result, audit }).await
}

async fn detail(db: &dyn Database, name: &PackageName, version: &str) -> VersionDetail {
    db.version(name, &v(version), Reach::Everything).await.expect("read").expect("a version")
}

fn gates(tags: &[(&str, &[&str])]) -> Gates {
    let evals = |names: &[&str]| names.iter().map(|name| name.parse().expect("a name")).collect();
    tags.iter().map(|(name, names)| (tag(name), evals(names))).collect()
}

async fn set_gates(db: &dyn Database, by: &Actor, name: &PackageName, gates: Gates) -> Result<()> {
    let audit = entry(AuditEvent::GateSet, by).with_package(name);
    db.execute(&SetGates { actor: by.clone(), package: name.clone(), gates, now: now(), audit }).await
}

async fn gates_of(db: &dyn Database, name: &PackageName, reach: Reach) -> Option<Gates> {
    db.ask(TagGates((name.clone(), reach))).await.expect("read")
}

async fn set_tag(db: &dyn Database, by: &Actor, name: &PackageName, to: &str, version: &str) -> Result<()> {
    let audit = entry(AuditEvent::TagSet, by).with_package(name);
    let (actor, package) = (by.clone(), name.clone());
    db.execute(&TagChange {
        actor,
        package,
        tag: tag(to),
        version: Some(v(version)),
        rules: TagRules::at_most(100),
        now: now(),
        audit,
    })
    .await
}

/// The last result of each eval of a version is kept, by name.
pub async fn the_last_result_of_an_eval_counts(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0+b1", "1.1.0"]).await;
    let before = db.package(&name, Reach::Everything).await.expect("read").expect("a package").updated_at;
    let (failed, passed) = (result("quality", EvalStatus::Failed), result("quality", EvalStatus::Passed));
    let safety =
        EvalResult { runner: None, metrics: serde_json::Map::default(), ..result("a-safety", EvalStatus::Error) };
    let safety = EvalResult { environment: serde_json::Map::default(), ..safety };
    record(db, &owner, &name, "1.0.0", failed.clone()).await.expect("recorded");
    assert_eq!(detail(db, &name, "1.0.0").await.eval_results, [failed]);
    record(db, &owner, &name, "1.0.0+other", safety.clone()).await.expect("recorded");
    record(db, &owner, &name, "1.0.0", passed.clone()).await.expect("recorded");
    assert_eq!(detail(db, &name, "1.0.0").await.eval_results, [safety, passed]);
    assert_eq!(detail(db, &name, "1.1.0").await.eval_results, [], "each version has its own");
    let after = db.package(&name, Reach::Everything).await.expect("read").expect("a package").updated_at;
    assert_eq!(before, after, "the package itself did not change");
    let recorded = audit_of(db, &name).await.iter().filter(|one| one.entry.event == AuditEvent::EvalRecord).count();
    assert_eq!(recorded, 3);
}

/// Only owners record results, of what is there, and of so many evals.
pub async fn a_result_of_an_eval_is_checked(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    let one = || result("quality", EvalStatus::Passed);
    for by in [&actor(db).await, &admin(db).await] {
        refused(record(db, by, &name, "1.0.0", one()).await, ErrorCode::Forbidden);
        refused(record(db, by, &name, "9.9.9", one()).await, ErrorCode::Forbidden);
    }
    refused(record(db, &owner, &name, "9.9.9", one()).await, ErrorCode::VersionNotFound);
    refused(record(db, &owner, &package_name(), "1.0.0", one()).await, ErrorCode::PackageNotFound);
    for (what, dead) in dead_actors(db, &owner).await {
        let recorded = record(db, &dead, &name, "1.0.0", one()).await;
        assert_eq!(recorded.map_err(|error| error.code()), Err(ErrorCode::Unauthorized), "{what}");
    }
    for number in 0..EvalResult::MAX_PER_VERSION {
        let plain =
            EvalResult { metrics: serde_json::Map::default(), ..result(&format!("e{number}"), EvalStatus::Passed) };
        record(db, &owner, &name, "1.0.0", plain).await.expect("recorded");
    }
    refused(record(db, &owner, &name, "1.0.0", one()).await, ErrorCode::QuotaExceeded);
    record(db, &owner, &name, "1.0.0", result("e0", EvalStatus::Failed)).await.expect("anew");
}

/// A dist-tag with a gate names only versions that passed, until the gate is gone.
pub async fn a_gate_holds_a_tag(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0", "1.1.0"]).await;
    assert_eq!(gates_of(db, &name, Reach::Everything).await, Some(Gates::new()));
    let wanted = gates(&[("stable", &["quality", "safety"]), ("open", &[])]);
    set_gates(db, &owner, &name, wanted.clone()).await.expect("set");
    set_gates(db, &owner, &name, wanted.clone()).await.expect("so already");
    assert_eq!(gates_of(db, &name, Reach::Public).await, Some(wanted));
    assert_eq!(gates_of(db, &package_name(), Reach::Everything).await, None);

    refused(set_tag(db, &owner, &name, "stable", "1.0.0").await, ErrorCode::GateFailed);
    record(db, &owner, &name, "1.0.0", result("quality", EvalStatus::Passed)).await.expect("recorded");
    record(db, &owner, &name, "1.0.0", result("safety", EvalStatus::Failed)).await.expect("recorded");
    refused(set_tag(db, &owner, &name, "stable", "1.0.0").await, ErrorCode::GateFailed);
    record(db, &owner, &name, "1.0.0", result("safety", EvalStatus::Passed)).await.expect("recorded");
    set_tag(db, &owner, &name, "stable", "1.0.0").await.expect("it passed");
    refused(set_tag(db, &owner, &name, "stable", "1.1.0").await, ErrorCode::GateFailed);
    set_tag(db, &owner, &name, "open", "1.1.0").await.expect("an empty gate");
    set_tag(db, &owner, &name, "beta", "1.1.0").await.expect("no gate");

    let next = commit(&owner, upload(db, &owner).await, manifest(&name, "1.2.0"));
    let gated = PublishCommit { tag: Some(tag("stable")), ..next.clone() };
    refused(db.commit_publish(&gated).await, ErrorCode::GateFailed);
    let open = PublishCommit { tag: Some(tag("open")), ..next };
    db.commit_publish(&open).await.expect("an empty gate");

    set_gates(db, &owner, &name, Gates::new()).await.expect("set");
    set_tag(db, &owner, &name, "stable", "1.1.0").await.expect("there is no gate any more");
    let set = audit_of(db, &name).await.iter().filter(|one| one.entry.event == AuditEvent::GateSet).count();
    assert_eq!(set, 2, "what is so already is no change");
}

/// Owners and administrators set gates, but not of `latest`.
pub async fn a_gate_is_checked(db: &dyn Database) {
    let (owner, name) = published(db, &["1.0.0"]).await;
    let wanted = || gates(&[("stable", &["quality"])]);
    refused(set_gates(db, &actor(db).await, &name, wanted()).await, ErrorCode::Forbidden);
    refused(set_gates(db, &owner, &package_name(), wanted()).await, ErrorCode::PackageNotFound);
    refused(set_gates(db, &owner, &name, gates(&[("latest", &["quality"])])).await, ErrorCode::InvalidRequest);
    set_gates(db, &admin(db).await, &name, wanted()).await.expect("administrators do");
}
