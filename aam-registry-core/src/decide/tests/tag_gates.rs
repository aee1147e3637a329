//! The gates of dist-tags.

use super::{NOW, actor, commit, entry, facts, publishing::free, v};
use crate::{
    decide::{PackageCommand, PackageFacts, PublishFacts, SetGates, TagChange},
    error::ErrorCode,
    types::{EvalStatus, Gates, TagRules},
};

fn gate(tag: &str, evals: &[&str]) -> Gates {
    let evals = evals.iter().map(|name| name.parse().expect("a name")).collect();
    [(tag.parse().expect("a tag"), evals)].into()
}

/// A tag with a gate names only versions that have passed all of it; other tags name any.
#[test]
fn a_gate_lets_through_what_passed_all_of_it() {
    let set = |tag: &str, evals: &[(&str, EvalStatus)]| {
        let mut facts = facts(&["1.0.0"], "1.0.0");
        facts.gates = gate("stable", &["quality", "safety"]);
        if let Some(version) = &mut facts.version {
            version.evals = evals.iter().map(|(name, status)| (name.parse().expect("a name"), *status)).collect();
        }
        let tag = tag.parse().expect("a tag");
        let (package, version) = ("kit".parse().expect("a name"), Some(v("1.0.0")));
        TagChange { actor: actor(0), package, tag, version, rules: TagRules::at_most(100), now: NOW, audit: entry() }
            .decide(&facts)
            .map(drop)
    };
    let passed = EvalStatus::Passed;
    set("stable", &[("quality", passed), ("safety", passed), ("other", EvalStatus::Failed)]).expect("all of it");
    set("beta", &[]).expect("no gate");
    for (evals, told) in [
        (vec![], "quality: has no result yet, safety: has no result yet"),
        (vec![("quality", passed)], "safety: has no result yet"),
        (
            vec![("quality", EvalStatus::Failed), ("safety", EvalStatus::Error)],
            "quality: failed, safety: did not run to its end",
        ),
    ] {
        let refused = set("stable", &evals).expect_err("wanting");
        assert_eq!(refused.code(), ErrorCode::GateFailed);
        let details: Vec<_> = refused.details().iter().map(|one| format!("{}: {}", one.field, one.error)).collect();
        assert_eq!(details.join(", "), told);
    }
}

/// A version that is being published has passed nothing yet.
#[test]
fn a_publish_does_not_pass_a_gate() {
    let publish = |tag: &str, evals: &[&str]| {
        let mut commit = commit("kit", "1.1.0");
        commit.tag = Some(tag.parse().expect("a tag"));
        let access = facts(&["1.0.0"], "1.0.0").access;
        commit.decide(&PublishFacts { access, gates: gate("stable", evals), ..free() }).map(drop)
    };
    assert_eq!(publish("stable", &["quality"]).expect_err("wanting").code(), ErrorCode::GateFailed);
    publish("beta", &["quality"]).expect("no gate");
    publish("stable", &[]).expect("an empty gate");
}

#[test]
fn latest_has_no_gate() {
    let set = |gates: Gates, before: Gates| {
        let facts = PackageFacts { gates: before, ..facts(&["1.0.0"], "1.0.0") };
        let package = "kit".parse().expect("a name");
        let set = SetGates { actor: actor(0), package, gates, now: NOW, audit: entry() };
        set.decide(&facts).map(|decision| decision.changes.writes.len())
    };
    let refused = set(gate("latest", &["quality"]), Gates::new()).expect_err("the registry moves it");
    assert_eq!(refused.code(), ErrorCode::InvalidRequest);
    assert_eq!(set(gate("stable", &["quality"]), Gates::new()).expect("set"), 2);
    assert_eq!(set(gate("stable", &["quality"]), gate("stable", &["quality"])).expect("so already"), 0);
}
