//! Publishes and their checks.

use super::{ADMIN, NOW, actor, after, caller, commit, facts, user, v};
use crate::{
    decide::{
        ExistingVersion, PackageAccess, PackageState, PublishCheck, PublishCommit, PublishFacts, PublishQuotas, Write,
    },
    error::{Error, ErrorCode},
    types::{DistTag, Moderation, ScopeRole, Sha256Digest, VersionStatus, Visibility},
};

/// Facts of a name that nobody has yet.
pub(super) fn free() -> PublishFacts {
    PublishFacts {
        access: PackageAccess { caller: caller(0), ..PackageAccess::default() },
        upload_is_live: true,
        ..PublishFacts::default()
    }
}

/// Facts of a package that is there, in a scope in which the first user has a role.
fn standing(role: Option<ScopeRole>, versions: &[&str]) -> PublishFacts {
    let package = Some(PackageState {
        updated_at: after(10),
        visibility: Visibility::Public,
        trusted_only: false,
        has_open_version: true,
    });
    let access = PackageAccess { scope_role: role, package, ..free().access };
    PublishFacts { access, scope_exists: true, latest: facts(versions, "0.0.0").latest, ..free() }
}

/// What a commit comes to: the code of its refusal. What a check knows of it, the check tells too.
fn refusal(commit: &PublishCommit, facts: &PublishFacts) -> Option<ErrorCode> {
    let (actor, name, version) = (commit.actor.clone(), &commit.manifest.name, &commit.manifest.version);
    let check = PublishCheck {
        actor,
        package: name.clone(),
        version: version.clone(),
        quotas: PublishQuotas::default(),
        now: commit.now,
    };
    let checked = check.decide(facts).err().map(|error| error.code());
    let decided = commit.decide(facts).err().map(|error| error.code());
    let only_a_commit = decided == Some(ErrorCode::Timeout) || commit.tag.is_some();
    assert!(checked == decided || (only_a_commit && checked.is_none()), "{checked:?}, {decided:?}");
    decided
}

#[test]
fn a_new_name_is_anybodys_outside_of_scopes() {
    let first = commit("kit", "1.0.0");
    let decision = first.decide(&free()).expect("published");
    let [Write::Publish(new), Write::SettlePublishers { .. }] = &decision.changes.writes[..] else {
        panic!("{decision:?}")
    };
    assert!(new.is_new_package);
    assert_eq!((new.owner, new.published_at), (Some(user(0)), NOW));
    assert_eq!(decision.answer.dist_tags, [DistTag::latest()]);
    assert_eq!(refusal(&commit("acme--kit", "1.0.0"), &free()), Some(ErrorCode::InvalidManifest));
    let similar = PublishFacts { similar: Some("k-it".parse().expect("a name")), ..free() };
    assert_eq!(refusal(&commit("kit", "1.0.0"), &similar), Some(ErrorCode::NameTooSimilar));
}

#[test]
fn in_a_scope_a_role_is_needed_for_new_and_existing_alike() {
    let scoped = commit("@team/kit", "1.0.0");
    let nowhere = scoped.decide(&free()).expect_err("refused");
    assert!(nowhere.to_string().contains("does not exist; create it first"), "{nowhere}");
    for role in ScopeRole::ALL {
        let new = PublishFacts {
            access: PackageAccess { package: None, ..standing(Some(role), &[]).access },
            ..standing(Some(role), &[])
        };
        let decision = scoped.decide(&new).expect("published");
        let [Write::Publish(made), Write::SettlePublishers { .. }] = &decision.changes.writes[..] else {
            panic!("{decision:?}")
        };
        assert_eq!((made.is_new_package, made.owner), (true, None), "it is the scope's");
        assert_eq!(refusal(&scoped, &standing(Some(role), &["0.9.0"])), None, "{role:?}");
    }
    assert_eq!(refusal(&scoped, &standing(None, &["0.9.0"])), Some(ErrorCode::Forbidden));
    let mut collaborator = standing(None, &["0.9.0"]);
    collaborator.access.package_owner = true;
    assert_eq!(refusal(&scoped, &collaborator), None);
}

#[test]
fn an_administrator_publishes_nothing_in_anothers_name() {
    let mut facts = standing(None, &["0.9.0"]);
    facts.access.caller = caller(ADMIN);
    let by_admin = PublishCommit { actor: actor(ADMIN), ..commit("@team/kit", "1.0.0") };
    assert_eq!(refusal(&by_admin, &facts), Some(ErrorCode::Forbidden));
}

#[test]
fn a_version_is_published_once_and_its_digest_is_told() {
    let sha256 = Sha256Digest::of(b"first");
    let existing = ExistingVersion { version: v("1.0.0+first"), sha256, status: VersionStatus::OPEN };
    let facts = PublishFacts { existing: Some(existing), ..standing(Some(ScopeRole::Owner), &["1.0.0+first"]) };
    let again = commit("@team/kit", "1.0.0");
    assert_eq!(refusal(&again, &facts), Some(ErrorCode::VersionExists));
    let Err(Error::VersionExists { version, sha256, .. }) = again.decide(&facts) else { panic!("refused") };
    assert_eq!((version.to_string().as_str(), sha256), ("1.0.0+first", Sha256Digest::of(b"first")));
    // The bytes of a version that nobody can install are not taken for published.
    for (moderation, code) in
        [(Moderation::Removed, ErrorCode::VersionGone), (Moderation::Quarantined, ErrorCode::Forbidden)]
    {
        let mut facts = facts.clone();
        facts.existing.as_mut().expect("one").status.moderation = moderation;
        assert_eq!(refusal(&again, &facts), Some(code));
    }
    // Who may not publish is not told of it.
    let stranger = PublishFacts { access: standing(None, &[]).access, ..facts };
    assert_eq!(refusal(&again, &stranger), Some(ErrorCode::Forbidden));
}

#[test]
fn an_upload_has_to_be_alive() {
    let dead = PublishFacts { upload_is_live: false, ..free() };
    assert_eq!(refusal(&commit("kit", "1.0.0"), &dead), Some(ErrorCode::Timeout));
}

#[test]
fn a_tag_that_is_set_is_moved_only_by_who_may_tag() {
    let asks = |tag: &str| PublishCommit { tag: Some(tag.parse().expect("a tag")), ..commit("@team/kit", "0.5.0") };
    for (role, moves) in [(ScopeRole::Contributor, false), (ScopeRole::Member, true), (ScopeRole::Owner, true)] {
        let free = standing(Some(role), &["0.9.0"]);
        assert_eq!(refusal(&asks("beta"), &free), None, "{role:?} may set a new one");
        let set = PublishFacts { tag_is_set: true, ..free };
        for tag in ["beta", "latest"] {
            assert_eq!(refusal(&asks(tag), &set), (!moves).then_some(ErrorCode::Forbidden), "{role:?} {tag}");
        }
    }
    let facts = standing(Some(ScopeRole::Owner), &["0.9.0"]);
    assert_eq!(asks("beta").decide(&facts).expect("published").answer.dist_tags, ["beta".parse().expect("a tag")]);
    let by_hand = asks("latest");
    let decision = by_hand.decide(&facts).expect("published");
    assert_eq!(decision.answer.dist_tags, [DistTag::latest()]);
    let [Write::Publish(new)] = &decision.changes.writes[..] else { panic!("{decision:?}") };
    assert_eq!(new.latest.after.as_ref().and_then(|tag| tag.instead_of.clone()), Some(v("0.9.0")));
}

#[test]
fn nothing_is_dated_before_what_it_builds_on() {
    let answer =
        commit("@team/kit", "1.0.0").decide(&standing(Some(ScopeRole::Owner), &["0.9.0"])).expect("published").answer;
    assert_eq!(answer.published_at, after(10));
}
