//! Scopes and their members.

use super::{ADMIN, NOW, actor, caller, entry, user, username, written};
use crate::{
    decide::{Action, MemberChange, MemberFacts, MemberState, NewScope, NewScopeFacts},
    error::ErrorCode,
    types::{Change, ScopeRole},
};

fn change(by: usize, scope: &str, role: Option<ScopeRole>) -> MemberChange {
    let scope = scope.parse().expect("a scope");
    MemberChange { actor: actor(by), scope, member: username(1), role, max_members: 3, now: NOW, audit: entry() }
}

/// Facts where the actor and the member have these roles.
fn facts(by: usize, role: Option<ScopeRole>, member: Option<ScopeRole>, other_owners: u64) -> MemberFacts {
    let member = Some(MemberState { user: user(1), role: member });
    MemberFacts {
        caller: caller(by),
        scope_exists: true,
        scope_requires_2fa: false,
        role,
        member,
        other_owners,
        member_count: 2,
    }
}

fn refusal(change: &MemberChange, facts: &MemberFacts) -> Option<ErrorCode> {
    change.decide(facts).err().map(|error| error.code())
}

#[test]
fn a_scope_is_nobodys_before_it_is_made() {
    let new = NewScope {
        actor: actor(0),
        name: "team".parse().expect("a scope"),
        max_scopes: None,
        now: NOW,
        audit: entry(),
    };
    let facts = |scope_exists, user| NewScopeFacts { caller: caller(0), scope_exists, user, made: 0 };
    let changes = new.decide(&facts(false, None)).expect("made").changes;
    assert_eq!((written(&changes).len(), changes.invalidates), (1, Some(Change::Scope(new.name.clone()))));
    new.decide(&facts(false, Some(user(0)))).expect("the own name");
    for taken in [facts(true, None), facts(false, Some(user(1)))] {
        assert_eq!(new.decide(&taken).err().map(|error| error.code()), Some(ErrorCode::ScopeExists));
    }
    let dead = NewScopeFacts::default();
    assert_eq!(new.decide(&dead).err().map(|error| error.code()), Some(ErrorCode::Unauthorized));
}

#[test]
fn owners_and_administrators_change_members() {
    let join = |by| change(by, "team", Some(ScopeRole::Member));
    for role in ScopeRole::ALL {
        let refused = (role != ScopeRole::Owner).then_some(ErrorCode::Forbidden);
        assert_eq!(refusal(&join(0), &facts(0, Some(role), None, 0)), refused, "{role:?}");
    }
    assert_eq!(refusal(&join(0), &facts(0, None, None, 0)), Some(ErrorCode::Forbidden));
    assert_eq!(refusal(&join(ADMIN), &facts(ADMIN, None, None, 0)), None);
}

#[test]
fn a_member_leaves_and_nobody_else_for_it() {
    let leave = change(1, "team", None);
    assert_eq!(leave.action(), Action::LeaveScope);
    for role in [ScopeRole::Contributor, ScopeRole::Member] {
        let changes = leave.decide(&facts(1, Some(role), Some(role), 0)).expect("left").changes;
        assert_eq!(written(&changes).len(), 1);
    }
    assert_eq!(change(1, "team", Some(ScopeRole::Member)).action(), Action::ChangeMembers);
    let member = Some(ScopeRole::Member);
    assert_eq!(refusal(&change(0, "team", None), &facts(0, member, member, 0)), Some(ErrorCode::Forbidden));
}

#[test]
fn the_last_owner_stays_one() {
    let owner = Some(ScopeRole::Owner);
    for role in [None, Some(ScopeRole::Member), Some(ScopeRole::Contributor)] {
        let (by_itself, by_another) = (change(1, "team", role), change(0, "team", role));
        assert_eq!(refusal(&by_itself, &facts(1, owner, owner, 0)), Some(ErrorCode::LastOwner));
        assert_eq!(refusal(&by_another, &facts(0, owner, owner, 1)), None);
    }
    let stays = change(1, "team", owner);
    let stays = stays.decide(&facts(1, owner, owner, 0)).expect("it is so already").changes;
    assert!(written(&stays).is_empty());
}

#[test]
fn a_user_keeps_the_scope_of_the_own_name() {
    let owner = Some(ScopeRole::Owner);
    for role in [None, Some(ScopeRole::Member)] {
        assert_eq!(refusal(&change(0, "user-1", role), &facts(0, owner, owner, 1)), Some(ErrorCode::Forbidden));
    }
    assert_eq!(refusal(&change(0, "user-1", owner), &facts(0, owner, owner, 1)), None);
}

#[test]
fn a_refusal_tells_in_this_order_what_is_wanting() {
    let join = change(0, "team", Some(ScopeRole::Member));
    let nothing = MemberFacts::default();
    assert_eq!(refusal(&join, &nothing), Some(ErrorCode::Unauthorized));
    let no_scope = MemberFacts { caller: caller(0), ..nothing };
    assert_eq!(refusal(&join, &no_scope), Some(ErrorCode::ScopeNotFound));
    let no_right = MemberFacts { scope_exists: true, ..no_scope };
    assert_eq!(refusal(&join, &no_right), Some(ErrorCode::Forbidden));
    let nobody = MemberFacts { role: Some(ScopeRole::Owner), other_owners: 0, ..no_right };
    assert_eq!(refusal(&join, &nobody), Some(ErrorCode::UserNotFound));
}

#[test]
fn a_scope_that_is_full_takes_no_member_and_lets_roles_change() {
    let full = |member| MemberFacts { member_count: 3, ..facts(0, Some(ScopeRole::Owner), member, 1) };
    let join = change(0, "team", Some(ScopeRole::Member));
    let refused = join.decide(&full(None)).expect_err("full");
    assert_eq!(
        (refused.code(), refused.to_string().as_str()),
        (
            ErrorCode::QuotaExceeded,
            "This registry allows 3 members of a scope (MAX_MEMBERS_PER_SCOPE), and @team already has 3; remove one first"
        )
    );
    assert_eq!(refusal(&join, &full(Some(ScopeRole::Contributor))), None);
}
