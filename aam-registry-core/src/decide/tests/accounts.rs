//! New accounts and API tokens. What becomes of an account is tested beside its decision.

use super::{NOW, actor, after, caller, entry, user, written};
use crate::{
    decide::{
        CallerFacts, CallerToken, NewToken, NewTokenFacts, NewUser, NewUserFacts, RevokeToken, RevokeTokenFacts,
        RevokedTokens, TokenRevocation, TokenRevocationFacts, Write,
    },
    error::ErrorCode,
    types::{
        AccountRoles, Actor, Change, Credential, ScopeName, Sha256Digest, Token, TokenId, TokenScope, TokenScopes, User,
    },
};

#[test]
fn a_name_and_an_address_are_taken_once() {
    let account = User {
        id: user(0),
        username: super::username(0),
        email: "ada@example.com".into(),
        roles: AccountRoles::NONE,
        email_verified: false,
        otp_enabled: false,
        disabled: false,
        created_at: NOW,
    };
    let new = NewUser { user: account, password_hash: "hash".into(), audit: entry(), invitation: None };
    let changes = new.decide(&NewUserFacts::default()).expect("made").changes;
    assert_eq!(written(&changes).len(), 1);
    assert_eq!(changes.invalidates, Some(Change::Scope(ScopeName::from(&new.user.username))));
    let told = |name_taken, email_taken| {
        let refusal = new.decide(&NewUserFacts { name_taken, email_taken, invitation: None }).expect_err("refused");
        assert_eq!(refusal.code(), ErrorCode::UserExists);
        refusal.to_string()
    };
    assert!(told(true, true).contains("user-0 is taken"));
    assert!(told(false, true).contains("e-mail address"));
}

pub(super) fn token(scopes: &[TokenScope], seconds: Option<i64>) -> Token {
    Token {
        id: TokenId::generate(),
        user: user(0),
        name: "ci".into(),
        scopes: scopes.iter().copied().collect(),
        packages: Vec::new(),
        created_at: NOW,
        expires_at: seconds.map(after),
        last_used_at: None,
        last_used_from: None,
    }
}

#[test]
fn a_token_made_with_another_does_no_more_and_ends_no_later() {
    let holds = [TokenScope::Admin, TokenScope::Publish];
    let held = CallerFacts { token: Some(CallerToken { expires_at: Some(after(100)) }), ..caller(0) };
    let refusal = |scopes: &[TokenScope], seconds, caller: &CallerFacts| {
        let new = NewToken {
            actor: Actor { credential: Credential::Token(TokenId::generate()), ..actor(0) },
            scopes: holds.into_iter().collect::<TokenScopes>(),
            token: token(scopes, seconds),
            secret: Sha256Digest::of(b"secret"),
            max_tokens: None,
            audit: entry(),
        };
        new.decide(&NewTokenFacts { caller: caller.clone(), live_tokens: 0 }).err().map(|error| error.code())
    };
    assert_eq!(refusal(&holds, Some(100), &held), None);
    assert_eq!(refusal(&[TokenScope::Yank], Some(100), &held), Some(ErrorCode::Forbidden));
    assert_eq!(refusal(&holds, Some(101), &held), Some(ErrorCode::Forbidden));
    assert_eq!(refusal(&holds, None, &held), Some(ErrorCode::Forbidden));
    let endless = CallerFacts { token: Some(CallerToken { expires_at: None }), ..caller(0) };
    assert_eq!(refusal(&holds, None, &endless), None);
    let dead = CallerFacts { token: None, ..caller(0) };
    assert_eq!(refusal(&holds, Some(1), &dead), Some(ErrorCode::Unauthorized));
}

#[test]
fn a_user_revokes_the_own_tokens() {
    let revocation = RevokeToken { actor: actor(0), token: TokenId::generate(), audit: entry() };
    let facts = |owner| RevokeTokenFacts { caller: caller(0), owner };
    assert_eq!(written(&revocation.decide(&facts(Some(user(0)))).expect("revoked").changes).len(), 1);
    for owner in [None, Some(user(1))] {
        let refusal = revocation.decide(&facts(owner)).err().map(|error| error.code());
        assert_eq!(refusal, Some(ErrorCode::TokenNotFound));
    }
}

#[test]
fn the_operator_revokes_what_is_alive_and_the_record_says_how_many() {
    let revocation = |tokens| TokenRevocation { tokens, now: NOW, audit: entry() };
    let all = revocation(RevokedTokens::All);
    let live = vec![TokenId::generate(), TokenId::generate()];
    let decision = all.decide(&TokenRevocationFacts { exists: true, live: live.clone() }).expect("revoked");
    assert_eq!((decision.answer, &decision.changes.audit[0].metadata["count"]), (2, &2.into()));
    let [Write::RevokeTokens { tokens, .. }] = &decision.changes.writes[..] else { panic!("{decision:?}") };
    assert_eq!(*tokens, live);
    let none = all.decide(&TokenRevocationFacts { exists: true, live: Vec::new() }).expect("nothing to do");
    assert!(none.answer == 0 && written(&none.changes).is_empty());

    for (tokens, code) in [
        (RevokedTokens::Id(TokenId::generate()), ErrorCode::TokenNotFound),
        (RevokedTokens::Of(super::username(1)), ErrorCode::UserNotFound),
    ] {
        let refusal = revocation(tokens).decide(&TokenRevocationFacts::default()).err().map(|error| error.code());
        assert_eq!(refusal, Some(code));
    }
}
