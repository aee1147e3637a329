//! The deletion of accounts.

use super::world::{actor, entry, new_token, now, refused, scope, user};
use crate::{
    decide::{AccountActor, DeleteAccount, MemberChange},
    error::ErrorCode,
    ports::{CommandHandlerExt, Database, ErasedUsernames, QueryHandlerExt},
    types::{
        Actor, AuditEvent, NewAuditEntry, ScopeRole, Sight, Token, TokenId, TokenScope, TokenSecret, UserId, Username,
    },
};

fn deletion(username: &Username) -> DeleteAccount {
    DeleteAccount {
        by: AccountActor::Operator,
        username: username.clone(),
        password_hash: "nothing".into(),
        now: now(),
        audit: NewAuditEntry::new(AuditEvent::UserDelete, now()),
    }
}

fn own(actor: &Actor) -> DeleteAccount {
    DeleteAccount { by: AccountActor::Itself(actor.clone()), ..deletion(&actor.username) }
}

fn token(user: UserId) -> Token {
    Token {
        id: TokenId::generate(),
        user,
        name: "ci".into(),
        scopes: [TokenScope::Publish].into_iter().collect(),
        packages: Vec::new(),
        created_at: now(),
        expires_at: None,
        last_used_at: None,
        last_used_from: None,
    }
}

/// Name, address and credentials of a deleted account are gone; its name is known as erased, and nobody gets it.
pub async fn a_deleted_account_is_gone_but_for_its_name(db: &dyn Database) {
    let (actor, other) = (actor(db).await, actor(db).await);
    let account = db.user(actor.user).await.expect("read").expect("a user");
    let secret = TokenSecret::generate().digest();
    let token = token(actor.user);
    db.execute(&new_token(&actor, &token, secret, &entry(AuditEvent::TokenCreate, &actor))).await.expect("made");
    let names = vec![actor.username.clone(), other.username.clone()];
    assert_eq!(db.ask(ErasedUsernames(names.clone())).await.expect("read"), []);
    let strange = DeleteAccount { by: AccountActor::Itself(other.clone()), ..deletion(&actor.username) };
    refused(db.execute(&strange).await, ErrorCode::Unauthorized);
    let admin = DeleteAccount { by: AccountActor::Admin(other.clone()), ..deletion(&actor.username) };
    refused(db.execute(&admin).await, ErrorCode::Forbidden);

    assert_eq!(db.execute(&own(&actor)).await.expect("deleted"), actor.user);
    let erased = db.user(actor.user).await.expect("read").expect("what is left");
    assert!(erased.username.is_erased() && erased.disabled && !erased.email.contains(actor.username.as_str()));
    assert!(db.login(actor.username.as_str()).await.expect("read").is_none());
    assert!(db.login(&account.email).await.expect("read").is_none());
    assert_eq!(db.token_holder(&secret, now()).await.expect("read"), None);
    assert_eq!(db.profile(&actor.username, &Sight::default()).await.expect("read"), None);
    assert_eq!(db.scopes_of(actor.user, 10).await.expect("read"), []);
    assert_eq!(db.ask(ErasedUsernames(names)).await.expect("read"), std::slice::from_ref(&actor.username));
    refused(db.execute(&own(&actor)).await, ErrorCode::Unauthorized);
    refused(db.execute(&deletion(&actor.username)).await, ErrorCode::UserNotFound);
}

/// Whoever is the last owner of a scope with other members is not deleted before somebody else is one.
pub async fn the_last_owner_is_not_deleted(db: &dyn Database) {
    let owner = actor(db).await;
    let team = scope(db, &owner).await;
    let member = user(db).await;
    let set = |role| {
        let audit = entry(AuditEvent::ScopeMemberSet, &owner);
        let (actor, scope, member) = (owner.clone(), team.clone(), member.username.clone());
        MemberChange { actor, scope, member, role: Some(role), max_members: 100, now: audit.timestamp, audit }
    };
    db.execute(&set(ScopeRole::Contributor)).await.expect("set");
    refused(db.execute(&own(&owner)).await, ErrorCode::LastOwner);
    db.execute(&set(ScopeRole::Owner)).await.expect("set");
    db.execute(&own(&owner)).await.expect("deleted");
    let found = db.scope(&team, &Sight::default()).await.expect("read").expect("the scope stays");
    assert_eq!(found.members.iter().map(|member| &member.username).collect::<Vec<_>>(), [&member.username]);
}
