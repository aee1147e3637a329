use std::fmt::Write as _;

use super::*;
use crate::error::ErrorCode;
use crate::types::{Credential, TokenId, TokenPattern, TokenScopes, UserId};

/// Every kind of user: what the column is called, and the rights.
fn users() -> Vec<(&'static str, Rights)> {
    let of = |role| Rights { scope_role: Some(role), ..Rights::default() };
    let mut users =
        vec![("stranger", Rights::default()), ("package owner", Rights { package_owner: true, ..Rights::default() })];
    users.extend(ScopeRole::ALL.map(|role| (role.as_str(), of(role))));
    users.extend(AccountRole::ALL.map(|role| (role.as_str(), Rights::of_account(role.into()))));
    users.push(("trusted publisher", Rights { publisher: Some(PublisherOf::Package), ..Rights::default() }));
    users
}

/// A caller with a token of those scopes, restricted to packages where a pattern is given.
fn caller(scopes: &[TokenScope], pattern: Option<&str>) -> Principal {
    let pattern = pattern.map(|text| TokenPattern::parse(text).expect("a pattern"));
    Principal {
        user: UserId::generate(),
        username: "ada".parse().expect("a name"),
        roles: AccountRoles::all(),
        needs_second_factor: false,
        is_outside_admin_networks: false,
        credential: Credential::Token(TokenId::generate()),
        scopes: scopes.iter().copied().collect::<TokenScopes>(),
        packages: pattern.into_iter().collect(),
    }
}

/// The table as it is printed: a line for each action, with what every
/// kind of token and of user may.
fn table() -> String {
    let kit = "@team/kit".parse().expect("a name");
    let mut table = String::new();
    for action in Action::ALL {
        let carries =
            |scopes: &[TokenScope], pattern| action.require_credential(&caller(scopes, pattern), Some(&kit)).is_ok();
        let tokens: Vec<_> =
            TokenScope::ALL.into_iter().filter(|scope| carries(&[*scope], None)).map(TokenScope::as_str).collect();
        let restricted = match (carries(&TokenScope::ALL, Some("@team/*")), carries(&TokenScope::ALL, Some("other"))) {
            (true, true) => "any",
            (true, false) => "covering",
            _ => "none",
        };
        let holders: Vec<_> =
            users().into_iter().filter(|(_, rights)| rights.permit(*action)).map(|(name, _)| name).collect();
        let (action, tokens, holders) = (format!("{action:?}"), tokens.join(" "), holders.join(", "));
        writeln!(table, "{action:<16} | {tokens:<36} | {restricted:<10} | {holders}").expect("a string");
    }
    table
}

#[test]
fn the_table_says_what_every_caller_may() {
    let table = table();
    println!("{table}");
    insta::assert_snapshot!(table);
}

/// What the table must never say, whatever rows it gets.
#[test]
fn the_table_keeps_what_is_promised() {
    for action in Action::ALL {
        let rule = action.rule();
        assert!(!rule.roles.is_empty(), "nobody may {action:?}");
        assert!(!rule.tokens.contains(&TokenScope::Read), "reading is implied, so {action:?} needs more than that");
        let by_anyone = rule.roles.contains(&Role::Anyone);
        assert_eq!(Rights::default().permit(*action), by_anyone, "a stranger may {action:?}");
        // Every credential reads; what it is restricted to says what.
        let reads = matches!(
            action,
            Action::SeePrivate | Action::SeeUnapproved | Action::SeeQuarantined | Action::FetchQuarantined
        );
        if rule.tokens.is_empty() && !reads {
            assert!(by_anyone, "{action:?} needs a role, and so a token made for it");
        }
        if let Restricted::Covered = rule.restricted {
            let is_open = matches!(action, Action::Report | Action::ReserveForPublisher);
            assert!(!by_anyone || is_open, "{action:?} is about a package, and so about its roles");
        }
        let contributor = Rights { scope_role: Some(ScopeRole::Contributor), ..Rights::default() };
        assert!(!contributor.permit(*action) || by_anyone || reads || *action == Action::Publish, "{action:?}");
    }
    let in_every_role = Rights::of_account(AccountRoles::all());
    for action in [Action::Publish, Action::RecordEval] {
        assert!(!in_every_role.permit(action), "in another's name");
    }
    // Each row of a role is carried by a token of that role.
    for action in Action::ALL {
        let Rule { tokens, roles, .. } = action.rule();
        for role in roles {
            let Role::Account(role) = role else { continue };
            let carried = tokens.is_empty() || tokens.contains(&role.token_scope()) || *role == AccountRole::Admin;
            assert!(carried, "{action:?} by {role:?}");
        }
    }
    let auditor = Rights::of_account(AccountRole::Auditor.into());
    for action in Action::ALL {
        let reads = matches!(
            action,
            Action::SeePrivate
                | Action::SeeUnapproved
                | Action::SeeQuarantined
                | Action::ListWaiting
                | Action::ReadLog
                | Action::ReadPackageLog
                | Action::ReadWebhooks
                | Action::ReadPublishers
                | Action::ReadReports
                | Action::ListAccounts
        );
        let as_anyone = Rights::default().permit(*action);
        assert_eq!(auditor.permit(*action), reads || as_anyone, "an auditor changes nothing: {action:?}");
    }
}

/// What whoever is part of a scope may do, and an auditor, who changes nothing, may not.
#[test]
fn a_second_factor_is_demanded_for_every_change_by_those_in_a_scope() {
    let auditor = Rights::of_account(AccountRole::Auditor.into());
    let in_scope = ScopeRole::ALL.map(|role| Rights { scope_role: Some(role), ..Rights::default() });
    for action in Action::ALL {
        let is_by_role = !Rights::default().permit(*action) && in_scope.iter().any(|rights| rights.permit(*action));
        assert_eq!(action.changes_a_scope(), is_by_role && !auditor.permit(*action), "{action:?}");
        let package = "@team/kit".parse().expect("a name");
        let lacking = Rights { lacks_second_factor: true, scope_role: Some(ScopeRole::Owner), ..Rights::default() };
        if action.changes_a_scope() {
            assert_eq!(
                lacking.require(*action, &package).map_err(|error| error.code()),
                Err(ErrorCode::TwoFactorRequired)
            );
        } else if lacking.permit(*action) {
            assert!(lacking.require(*action, &package).is_ok(), "{action:?}");
        }
    }
}

#[test]
fn a_refusal_says_what_to_do() {
    let (plain, scoped) = ("kit".parse().expect("a name"), "@team/kit".parse().expect("a name"));
    let told = |result: Result<()>| result.expect_err("refused").to_string();
    let publisher = caller(&[TokenScope::Publish], Some("@team/*"));
    insta::assert_debug_snapshot!([
        told(Rights::default().require(Action::Yank, &plain)),
        told(Rights::default().require(Action::Publish, &scoped)),
        told(Rights::default().require_in_scope(Action::ChangeMembers, &"team".parse().expect("a scope"))),
        told(Rights::default().require_everywhere(Action::ReadLog)),
        told(Action::Yank.require_credential(&publisher, Some(&scoped))),
        told(Action::Publish.require_credential(&publisher, Some(&plain))),
        told(Action::CreateScope.require_credential(&caller(&[TokenScope::Admin], Some("kit")), None)),
    ]);
}
