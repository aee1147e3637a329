//! Invitations: made, revoked, used.

use futures_util::future::join_all;

use super::world::{actor, after, entry, now, refused, scope, scope_name, stranger};
use crate::{
    decide::{InvitationChange, InvitationOfSecret, InvitationUpdate, Invitations, NewUser, UsedInvitation},
    error::ErrorCode,
    ports::{CommandHandlerExt, Database, QueryHandlerExt},
    types::{
        Actor, AuditEvent, Invitation, InvitationId, NewAuditEntry, OneTimeSecret, ScopeName, ScopeRole, Sha256Digest,
    },
};

fn invitation(scopes: Vec<(ScopeName, ScopeRole)>) -> Invitation {
    Invitation {
        id: InvitationId::generate(),
        digest: OneTimeSecret::generate().digest(),
        email: None,
        roles: Vec::new(),
        scopes,
        invited_by: "somebody".into(),
        created_at: now(),
        expires_at: after(3600),
    }
}

fn change(actor: Option<&Actor>, update: InvitationUpdate) -> InvitationChange {
    let audit = match actor {
        Some(actor) => entry(AuditEvent::UserInvite, actor),
        None => NewAuditEntry::new(AuditEvent::UserInvite, now()),
    };
    InvitationChange { actor: actor.cloned(), update, audit }
}

fn create(invitation: &Invitation) -> InvitationUpdate {
    InvitationUpdate::Create { invitation: invitation.clone(), mail: None }
}

fn registration(invitation: Sha256Digest) -> NewUser {
    let user = stranger();
    let audit = NewAuditEntry::new(AuditEvent::UserRegister, now()).with_actor(user.username.as_str());
    let invitation = UsedInvitation { id: InvitationId::generate(), digest: invitation, memberships: Vec::new() };
    NewUser { user, password_hash: "hash".into(), audit, invitation: Some(invitation) }
}

/// An invitation is listed until it is used; of several who use it at once, one gets the account and its memberships.
pub async fn an_invitation_is_used_once(db: &dyn Database) {
    let owner = actor(db).await;
    let team = scope(db, &owner).await;
    let made = invitation(vec![(team.clone(), ScopeRole::Contributor)]);
    db.execute(&change(None, create(&made))).await.expect("made");
    assert!(db.ask(Invitations(now())).await.expect("read").contains(&made));
    assert!(!db.ask(Invitations(after(7200))).await.expect("read").contains(&made), "it has expired then");
    assert_eq!(db.ask(InvitationOfSecret(made.digest)).await.expect("read"), Some(made.clone()));

    let users: Vec<_> = (0..4).map(|_| registration(made.digest)).collect();
    let done = join_all(users.iter().map(|user| db.execute(user))).await;
    let winners: Vec<_> = users.iter().zip(&done).filter(|(_, done)| done.is_ok()).map(|(user, _)| user).collect();
    let [winner] = winners.try_into().expect("one account");
    assert!(db.scopes_of(winner.user.id, 10).await.expect("read").contains(&(team, ScopeRole::Contributor)));
    assert_eq!(db.ask(InvitationOfSecret(made.digest)).await.expect("read"), None);
    refused(db.execute(&registration(made.digest)).await, ErrorCode::InvitationInvalid);
    let unknown = OneTimeSecret::generate().digest();
    refused(db.execute(&registration(unknown)).await, ErrorCode::InvitationInvalid);
}

/// Only administrators and the operator make and revoke invitations, and only for scopes that exist.
pub async fn an_invitation_is_made_by_administrators(db: &dyn Database) {
    let user = actor(db).await;
    let made = invitation(Vec::new());
    refused(db.execute(&change(Some(&user), create(&made))).await, ErrorCode::Forbidden);
    let nowhere = invitation(vec![(scope_name(), ScopeRole::Member)]);
    refused(db.execute(&change(None, create(&nowhere))).await, ErrorCode::ScopeNotFound);
    db.execute(&change(None, create(&made))).await.expect("made");
    let revoke = || InvitationUpdate::Revoke(made.id);
    refused(db.execute(&change(Some(&user), revoke())).await, ErrorCode::Forbidden);
    db.execute(&change(None, revoke())).await.expect("revoked");
    refused(db.execute(&change(None, revoke())).await, ErrorCode::NotFound);
    assert_eq!(db.ask(InvitationOfSecret(made.digest)).await.expect("read"), None);
}
