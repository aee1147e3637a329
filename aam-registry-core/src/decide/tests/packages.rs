//! Yanks, texts, tags and owners.

use super::{ADMIN, NOW, actor, after, caller, entry, facts, user, username, v, written};
use crate::{
    decide::{
        CallerFacts, Changes, OwnerChange, OwnerState, PackageAccess, PackageCommand, PackageFacts, TagChange,
        TextChange, Unyank, VersionState, Write, Yank, YankState,
    },
    error::{ErrorCode, Result},
    types::{Change, DistTag, LatestPolicy, ScopeRole, TagRules, VersionText},
};

pub(super) fn yank(version: &str) -> Yank {
    Yank {
        actor: actor(0),
        package: "kit".parse().expect("a name"),
        version: v(version),
        reason: Some("leaks".into()),
        latest_policy: LatestPolicy::Highest,
        now: NOW,
        audit: entry(),
    }
}

fn unyank(version: &str) -> Unyank {
    let Yank { actor, package, version, latest_policy, now, audit, .. } = yank(version);
    Unyank { actor, package, version, latest_policy, now, audit }
}

fn deprecation(value: Option<&str>) -> TextChange {
    let Yank { actor, package, version, now, audit, .. } = yank("1.0.0");
    let text = VersionText::Deprecation;
    TextChange { actor, package, version, text, value: value.map(str::to_owned), now, audit }
}

pub(super) fn tag_change(name: &str, version: Option<&str>) -> TagChange {
    let Yank { actor, package, now, audit, .. } = yank("1.0.0");
    TagChange { actor, package, tag: tag(name), version: version.map(v), rules: TagRules::at_most(2), now, audit }
}

pub(super) fn owner_change(package: &str, owns: bool) -> OwnerChange {
    let Yank { actor, now, audit, .. } = yank("1.0.0");
    let package = package.parse().expect("a name");
    OwnerChange { actor, package, owner: username(1), owns, max_owners: 2, now, audit }
}

fn tag(name: &str) -> DistTag {
    name.parse().expect("a tag")
}

fn with_version(mut facts: PackageFacts, change: impl FnOnce(&mut VersionState)) -> PackageFacts {
    change(facts.version.as_mut().expect("a version"));
    facts
}

fn code<T>(result: Result<T>) -> ErrorCode {
    result.err().expect("a refusal").code()
}

/// What is changed by a command that is not refused.
fn changes<C: PackageCommand>(command: &C, facts: &PackageFacts) -> Vec<String> {
    let Changes { writes, audit, invalidates } = command.decide(facts).expect("no refusal").changes;
    if !writes.is_empty() {
        let touched = matches!(writes.last(), Some(Write::Touch { at, .. }) if *at == after(10));
        assert!(touched, "no change is dated before the last one");
        assert_eq!(invalidates, Some(Change::Package(command.reads().package.clone())));
    }
    written(&Changes { writes, audit, invalidates })
}

/// Every command about a package, as one that does something.
fn refusals(facts: &PackageFacts) -> Vec<ErrorCode> {
    let facts = PackageFacts { user: Some(owner(false, None)), tag: Some(v("1.0.0")), ..facts.clone() };
    vec![
        code(yank("1.0.0").decide(&facts)),
        code(unyank("1.0.0").decide(&facts)),
        code(deprecation(Some("old")).decide(&facts)),
        code(tag_change("beta", Some("1.0.0")).decide(&facts)),
        code(tag_change("beta", None).decide(&facts)),
        code(owner_change("kit", true).decide(&facts)),
        code(owner_change("kit", false).decide(&facts)),
    ]
}

pub(super) fn owner(package_owner: bool, scope_role: Option<ScopeRole>) -> OwnerState {
    OwnerState { user: user(1), package_owner, scope_role }
}

#[test]
fn a_refusal_tells_first_of_the_credential_then_of_the_package_then_of_the_right() {
    let all = |code| vec![code; 7];
    let stranger = PackageAccess { package_owner: false, ..facts(&["1.0.0"], "1.0.0").access };
    let without = |access| PackageFacts { access, version: None, ..facts(&["1.0.0"], "1.0.0") };
    let nowhere = PackageAccess { package: None, ..stranger.clone() };
    let dead = PackageAccess { caller: CallerFacts::default(), ..nowhere.clone() };
    assert_eq!(refusals(&without(dead)), all(ErrorCode::Unauthorized));
    assert_eq!(refusals(&without(nowhere)), all(ErrorCode::PackageNotFound));
    assert_eq!(refusals(&without(stranger.clone())), all(ErrorCode::Forbidden));
    let contributor = PackageAccess { scope_role: Some(ScopeRole::Contributor), ..stranger };
    assert_eq!(refusals(&without(contributor)), all(ErrorCode::Forbidden));
}

#[test]
fn a_version_that_is_not_there_is_not_changed() {
    let facts = facts(&["1.0.0"], "1.1.0");
    for refusal in [
        yank("1.1.0").decide(&facts).map(drop),
        unyank("1.1.0").decide(&facts).map(drop),
        deprecation(Some("old")).decide(&facts).map(drop),
        tag_change("beta", Some("1.1.0")).decide(&facts).map(drop),
    ] {
        assert_eq!(code(refusal), ErrorCode::VersionNotFound);
    }
}

#[test]
fn a_yank_takes_the_tags_along_and_moves_latest() {
    let tagged = with_version(facts(&["1.0.0", "1.1.0"], "1.1.0"), |found| found.tags = vec![tag("beta"), tag("next")]);
    let command = yank("1.1.0");
    let answer = command.decide(&tagged).expect("yanked").answer;
    assert_eq!((answer.yanked_at, answer.reason.as_deref()), (after(10), Some("leaks")));
    assert_eq!(answer.moved_tags, [(DistTag::latest(), v("1.0.0"))].into());
    assert_eq!(answer.removed_tags, [tag("beta"), tag("next")]);
    assert_eq!(changes(&command, &tagged).len(), 4, "the yank, the tags, latest, and when");

    let last = with_version(facts(&["1.0.0"], "1.0.0"), |found| found.tags = vec![tag("zeta")]);
    let answer = yank("1.0.0").decide(&last).expect("yanked").answer;
    assert_eq!(answer.removed_tags, [DistTag::latest(), tag("zeta")], "nothing is left to name");
}

#[test]
fn what_is_so_already_is_no_change() {
    let at = YankState { at: after(5), reason: None };
    let yanked = with_version(facts(&["1.0.0"], "1.0.0"), |found| found.yanked = Some(at));
    let again = yank("1.0.0");
    let again = again.decide(&yanked).expect("it is yanked");
    assert_eq!((again.answer.yanked_at, again.answer.reason), (after(5), None));
    assert!(written(&again.changes).is_empty());

    let plain = PackageFacts { tag: Some(v("1.0.0")), ..facts(&["1.0.0"], "1.0.0") };
    assert!(changes(&unyank("1.0.0"), &plain).is_empty());
    assert!(changes(&deprecation(None), &plain).is_empty());
    assert!(changes(&tag_change("beta", Some("1.0.0")), &plain).is_empty());
    assert!(changes(&tag_change("latest", Some("1.0.0")), &plain).is_empty());
    for (user, owns) in [
        (owner(true, None), true),
        (owner(false, Some(ScopeRole::Owner)), true),
        (owner(false, None), false),
        (owner(false, Some(ScopeRole::Member)), false),
    ] {
        let facts = PackageFacts { user: Some(user), other_owners: 1, ..plain.clone() };
        assert!(changes(&owner_change("@team/kit", owns), &facts).is_empty(), "{user:?} {owns}");
    }
}

#[test]
fn a_deprecation_comes_and_changes_and_goes() {
    let deprecated =
        with_version(facts(&["1.0.0"], "1.0.0"), |found| found.texts.set(VersionText::Deprecation, Some("old".into())));
    for (message, facts) in
        [(Some("old"), facts(&["1.0.0"], "1.0.0")), (Some("older"), deprecated.clone()), (None, deprecated)]
    {
        assert_eq!(changes(&deprecation(message), &facts).len(), 2, "{message:?}");
    }
}

#[test]
fn a_tag_names_what_is_there_and_not_yanked() {
    let fresh = facts(&["1.0.0", "1.1.0"], "1.0.0");
    assert_eq!(changes(&tag_change("beta", Some("1.0.0")), &fresh).len(), 2);
    assert_eq!(changes(&tag_change("latest", Some("1.0.0")), &fresh).len(), 2);
    let at = YankState { at: NOW, reason: None };
    let yanked = with_version(fresh.clone(), |found| found.yanked = Some(at));
    for name in ["beta", "latest"] {
        assert_eq!(code(tag_change(name, Some("1.0.0")).decide(&yanked)), ErrorCode::InvalidTag);
    }
    assert_eq!(code(tag_change("latest", None).decide(&fresh)), ErrorCode::InvalidTag);
    assert_eq!(code(tag_change("beta", None).decide(&fresh)), ErrorCode::TagNotFound);
    let tagged = PackageFacts { tag: Some(v("1.0.0")), ..fresh };
    assert_eq!(changes(&tag_change("beta", None), &tagged).len(), 2);
}

#[test]
fn owners_come_and_go_but_for_the_last_one() {
    let of = |user, other_owners| PackageFacts { user: Some(user), other_owners, ..facts(&["1.0.0"], "1.0.0") };
    assert_eq!(changes(&owner_change("kit", true), &of(owner(false, None), 0)).len(), 2);
    assert_eq!(changes(&owner_change("kit", false), &of(owner(true, None), 1)).len(), 2);
    let nobody = PackageFacts { user: None, ..of(owner(true, None), 1) };
    assert_eq!(code(owner_change("kit", true).decide(&nobody)), ErrorCode::UserNotFound);
    assert_eq!(code(owner_change("kit", false).decide(&of(owner(true, None), 0))), ErrorCode::LastOwner);
    // The owners of the scope go on to own it.
    assert_eq!(changes(&owner_change("@team/kit", false), &of(owner(true, None), 0)).len(), 2);
    let through_scope = of(owner(false, Some(ScopeRole::Owner)), 0);
    let refusal = owner_change("@team/kit", false).decide(&through_scope).expect_err("refused");
    assert!(refusal.to_string().contains("through the scope @team"), "{refusal}");
}

#[test]
fn an_administrator_moderates() {
    let of_admin = PackageAccess { caller: caller(ADMIN), package_owner: false, ..facts(&["1.0.0"], "1.0.0").access };
    let facts = PackageFacts { access: of_admin, ..facts(&["1.0.0"], "1.0.0") };
    assert_eq!(changes(&Yank { actor: actor(ADMIN), ..yank("1.0.0") }, &facts).len(), 3);
    let modest = crate::types::Actor { roles: crate::types::AccountRoles::NONE, ..actor(ADMIN) };
    assert_eq!(code(Yank { actor: modest, ..yank("1.0.0") }.decide(&facts)), ErrorCode::Forbidden);
}

#[test]
fn a_package_that_has_all_its_tags_takes_no_other_and_lets_them_move() {
    let full =
        |named: Option<&str>| PackageFacts { tag: named.map(v), tag_count: 2, ..facts(&["1.0.0", "2.0.0"], "1.0.0") };
    let refused = tag_change("beta", Some("1.0.0")).decide(&full(None)).expect_err("full");
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
    assert!(
        refused.to_string().contains("allows 2 dist-tags of a package beside `latest` (MAX_TAGS_PER_PACKAGE)"),
        "{refused}"
    );
    tag_change("beta", Some("1.0.0")).decide(&full(Some("2.0.0"))).expect("moved");
    tag_change("latest", Some("1.0.0")).decide(&full(None)).expect("`latest` does not count");
}

#[test]
fn a_package_that_has_all_its_owners_takes_no_other() {
    let user = OwnerState { user: user(1), package_owner: false, scope_role: None };
    let full = PackageFacts { user: Some(user), owner_count: 2, ..facts(&["1.0.0"], "1.0.0") };
    let refused = owner_change("kit", true).decide(&full).expect_err("full");
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
    assert!(refused.to_string().contains("allows 2 owners of a package (MAX_OWNERS_PER_PACKAGE)"), "{refused}");
    let owner = PackageFacts { user: Some(OwnerState { package_owner: true, ..user }), other_owners: 1, ..full };
    owner_change("kit", false).decide(&owner).expect("removed");
}
