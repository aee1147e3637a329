//! What a scope demands of those who change something in it.

use super::{
    second_factors::{enrol, enrolled},
    world::{
        actor, audit_by, dead_actors, entry, manifest, new_token, now, publish, refused, scope, scope_name,
        scoped_name, try_publish, v, with_roles, word,
    },
};
use crate::{
    decide::{
        MemberChange, PublishCheck, PublishQuotas, PublisherChange, PublisherCommand, ScopePolicyChange,
        VisibilityChange,
    },
    error::{ErrorCode, Result},
    ports::{CommandHandlerExt, Database},
    types::{
        AccountRoles, Actor, AuditEvent, Credential, PackageName, PublisherId, ScopeName, ScopeRole, Sha256Digest,
        Sight, Token, TokenId, TokenScopes, Visibility,
    },
};

async fn set(db: &dyn Database, by: &Actor, scope: &ScopeName, require_2fa: bool) -> Result<()> {
    let audit = entry(AuditEvent::PolicySet, by);
    let (actor, scope) = (by.clone(), scope.clone());
    db.execute(&ScopePolicyChange { actor, scope, require_2fa, now: audit.timestamp, audit }).await
}

async fn requires_2fa(db: &dyn Database, scope: &ScopeName) -> bool {
    db.scope(scope, &Sight::default()).await.expect("read").expect("a scope").require_2fa
}

async fn set_member(db: &dyn Database, by: &Actor, scope: &ScopeName, member: &Actor, role: ScopeRole) -> Result<()> {
    let (actor, scope, member) = (by.clone(), scope.clone(), member.username.clone());
    let audit = entry(AuditEvent::ScopeMemberSet, by);
    db.execute(&MemberChange { actor, scope, member, role: Some(role), max_members: 100, now: now(), audit }).await
}

async fn leave(db: &dyn Database, by: &Actor, scope: &ScopeName) -> Result<()> {
    let (actor, scope, member) = (by.clone(), scope.clone(), by.username.clone());
    let audit = entry(AuditEvent::ScopeMemberRemove, by);
    db.execute(&MemberChange { actor, scope, member, role: None, max_members: 100, now: now(), audit }).await
}

async fn make_private(db: &dyn Database, by: &Actor, package: &PackageName) -> Result<()> {
    let (actor, package, audit) = (by.clone(), package.clone(), entry(AuditEvent::VisibilityChange, by));
    db.execute(&VisibilityChange { actor, package, visibility: Visibility::Private, now: now(), audit }).await
}

async fn remove_publisher(db: &dyn Database, by: &Actor, package: &PackageName) -> Result<()> {
    let (actor, package, audit) = (by.clone(), package.clone(), entry(AuditEvent::PublisherRemove, by));
    let change = PublisherChange::Remove(PublisherId::generate());
    db.execute(&PublisherCommand { actor, package, change, now: now(), audit }).await.map(drop)
}

async fn check(db: &dyn Database, by: &Actor, package: &PackageName) -> Result<()> {
    db.check_publish(&PublishCheck {
        actor: by.clone(),
        package: package.clone(),
        version: v("9.0.0"),
        quotas: PublishQuotas::default(),
        now: now(),
    })
    .await
}

/// The same user with an API token.
async fn with_token(db: &dyn Database, by: &Actor) -> Actor {
    let token = Token {
        id: TokenId::generate(),
        user: by.user,
        name: "ci".to_owned(),
        scopes: TokenScopes::all(),
        packages: Vec::new(),
        created_at: now(),
        expires_at: None,
        last_used_at: None,
        last_used_from: None,
    };
    let secret = Sha256Digest::of(word().as_bytes());
    db.execute(&new_token(by, &token, secret, &entry(AuditEvent::TokenCreate, by))).await.expect("a token");
    Actor { credential: Credential::Token(token.id), ..by.clone() }
}

/// Where a scope demands a second factor, members without one change nothing in it, with a session or a token, until
/// they have enrolled one. They may leave.
pub async fn a_scope_demands_a_second_factor(db: &dyn Database) {
    let (owner, member, second) = (enrolled(db).await, actor(db).await, actor(db).await);
    let scope = scope(db, &owner).await;
    let name = scoped_name(&scope);
    publish(db, &owner, &name, &["1.0.0"]).await;
    for one in [&member, &second] {
        set_member(db, &owner, &scope, one, ScopeRole::Owner).await.expect("a member");
    }
    let token = with_token(db, &member).await;
    assert!(!requires_2fa(db, &scope).await);
    try_publish(db, &token, manifest(&name, "1.1.0")).await.expect("nothing is demanded yet");

    set(db, &owner, &scope, true).await.expect("set");
    assert!(requires_2fa(db, &scope).await);
    for by in [&member, &token] {
        refused(check(db, by, &name).await, ErrorCode::TwoFactorRequired);
        refused(try_publish(db, by, manifest(&name, "1.2.0")).await, ErrorCode::TwoFactorRequired);
        let new = scoped_name(&scope);
        refused(try_publish(db, by, manifest(&new, "1.0.0")).await, ErrorCode::TwoFactorRequired);
        refused(make_private(db, by, &name).await, ErrorCode::TwoFactorRequired);
        refused(remove_publisher(db, by, &name).await, ErrorCode::TwoFactorRequired);
        refused(set_member(db, by, &scope, &owner, ScopeRole::Member).await, ErrorCode::TwoFactorRequired);
        refused(set(db, by, &scope, false).await, ErrorCode::TwoFactorRequired);
    }
    try_publish(db, &owner, manifest(&name, "1.2.0")).await.expect("one who has a second factor publishes");
    let other = scoped_name(&ScopeName::from(&member.username));
    try_publish(db, &member, manifest(&other, "1.0.0")).await.expect("other scopes demand nothing");
    leave(db, &second, &scope).await.expect("whoever lacks one may leave");

    enrol(db, &member).await;
    for (by, version) in [(&member, "1.3.0"), (&token, "1.4.0")] {
        check(db, by, &name).await.expect("checked");
        try_publish(db, by, manifest(&name, version)).await.expect("enrolled");
    }
    make_private(db, &member, &name).await.expect("enrolled");
    set(db, &member, &scope, false).await.expect("an owner may lift it");
    assert!(!requires_2fa(db, &scope).await);
    let set = audit_by(db, &owner).await.iter().filter(|one| one.entry.event == AuditEvent::PolicySet).count();
    assert_eq!(set, 1, "it is in the audit log, and a refusal is not");
}

/// What a scope demands is set by its owners and administrators who have a second factor: nobody locks himself out.
pub async fn a_scopes_demand_is_set_by_who_meets_it(db: &dyn Database) {
    let owner = actor(db).await;
    let scope = scope(db, &owner).await;
    refused(set(db, &owner, &scope, true).await, ErrorCode::TwoFactorRequired);
    assert!(!requires_2fa(db, &scope).await);
    set(db, &owner, &scope, false).await.expect("it is so already");
    let admin = with_roles(db, AccountRoles::ADMIN).await;
    refused(set(db, &admin, &scope, true).await, ErrorCode::TwoFactorRequired);
    let member = enrolled(db).await;
    refused(set(db, &member, &scope, true).await, ErrorCode::Forbidden);
    set_member(db, &owner, &scope, &member, ScopeRole::Member).await.expect("a member");
    refused(set(db, &member, &scope, true).await, ErrorCode::Forbidden);
    refused(set(db, &member, &scope_name(), true).await, ErrorCode::ScopeNotFound);
    for (why, dead) in dead_actors(db, &member).await {
        let refusal = set(db, &dead, &scope, true).await.expect_err(why);
        assert_eq!(refusal.code(), ErrorCode::Unauthorized, "{why}");
    }
    enrol(db, &admin).await;
    set(db, &admin, &scope, true).await.expect("an administrator who has a second factor");
    assert!(requires_2fa(db, &scope).await);
    let host = Actor { credential: Credential::Host, ..owner.clone() };
    try_publish(db, &host, manifest(&scoped_name(&scope), "1.0.0")).await.expect("a host checks logins itself");
    set(db, &Actor { credential: Credential::Operator, ..admin }, &scope, false).await.expect("the operator");
    assert!(!requires_2fa(db, &scope).await);
}
