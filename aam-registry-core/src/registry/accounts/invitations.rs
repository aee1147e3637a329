//! Invitations to make an account.

use std::collections::BTreeMap;

use super::{OPERATOR, email};
use crate::{
    decide::{Action, InvitationChange, InvitationOfSecret, InvitationUpdate, Invitations, Rights},
    error::{Detail, Error, Result},
    ports::{CommandHandlerExt, QueryHandlerExt},
    registry::Registry,
    types::{
        AccountRole, AuditEvent, Invitation, InvitationId, NewAuditEntry, OneTimeSecret, Principal, ScopeName,
        ScopeRole, SealedSecret,
    },
};

/// An invitation somebody asks for, as it was typed.
#[derive(Clone, Debug, Default)]
pub struct InvitationRequest {
    /// The e-mail address that the account has to have; `None` for any.
    pub email: Option<String>,
    /// The roles that the account gets, such as `admin`.
    pub roles: Vec<String>,
    /// The scopes that the account becomes a member of, with the role: `owner`, `member` or `contributor`.
    pub scopes: BTreeMap<String, String>,
}

/// An invitation that was made.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// Its secret, told here and never again.
    pub secret: OneTimeSecret,
    /// Whether a mail with the link is on its way to its address.
    pub is_mailed: bool,
}

/// What the address and the secret of a mail are sealed for.
const MAIL: &str = "the mail of an invitation";

impl NewInvitation {
    /// The link, at the public address of the registry. The secret is in its fragment, which browsers send to
    /// nobody.
    pub fn url(&self, base_url: &str) -> String {
        invitation_url(&self.secret, base_url)
    }
}

pub(crate) fn invitation_url(secret: &OneTimeSecret, base_url: &str) -> String {
    format!("{}/register#{}", base_url.trim_end_matches('/'), secret.expose())
}

impl Registry {
    /// Makes an invitation, with which one account is made within a week. It is mailed to its address, if it has
    /// one and the registry sends mail.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who is no administrator; [`Error::InvalidRequest`] with every fault;
    /// [`Error::ScopeNotFound`].
    pub async fn invite(&self, by: &Principal, request: &InvitationRequest) -> Result<NewInvitation> {
        Action::Invite.require_credential(by, None)?;
        let audit = self.entry_by(AuditEvent::UserInvite, by);
        self.make_invitation(Some(by), request, audit).await
    }

    /// The same for the operator, never for clients.
    ///
    /// # Errors
    /// Those of [`invite`](Self::invite).
    pub async fn invite_as_operator(&self, request: &InvitationRequest) -> Result<NewInvitation> {
        let audit = NewAuditEntry::new(AuditEvent::UserInvite, self.now()).with_actor(OPERATOR);
        self.make_invitation(None, request, audit).await
    }

    async fn make_invitation(
        &self,
        by: Option<&Principal>,
        request: &InvitationRequest,
        audit: NewAuditEntry,
    ) -> Result<NewInvitation> {
        let (roles, scopes) = check(request)?;
        let secret = OneTimeSecret::generate();
        let expires_at = audit.timestamp.checked_add(Invitation::LIFETIME).map_err(Error::internal)?;
        let invitation = Invitation {
            id: InvitationId::generate(),
            digest: secret.digest(),
            email: request.email.clone(),
            roles,
            scopes,
            invited_by: by.map_or(OPERATOR, |by| by.username.as_str()).to_owned(),
            created_at: audit.timestamp,
            expires_at,
        };
        let mail = self.sealed_invitation(&invitation, &secret)?;
        let is_mailed = mail.is_some();
        let scopes: BTreeMap<_, _> = invitation.scopes.iter().map(|(scope, role)| (scope, role.as_str())).collect();
        let scopes: serde_json::Map<_, _> =
            scopes.into_iter().map(|(scope, role)| (scope.to_string(), role.into())).collect();
        let audit = audit
            .with("invitation", invitation.id.to_string())
            .with("roles", invitation.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>())
            .with("scopes", serde_json::Value::from(scopes))
            .with("expires_at", expires_at.to_string());
        let update = InvitationUpdate::Create { invitation: invitation.clone(), mail };
        let change = InvitationChange { actor: by.map(Principal::actor), update, audit };
        self.inner().commands.execute(&change).await?;
        let by = &invitation.invited_by;
        tracing::info!(event = "user_invited", by, invitation_id = %invitation.id, "somebody was invited");
        Ok(NewInvitation { invitation, secret, is_mailed })
    }

    /// The invitations that have been neither used nor revoked and have not expired, newest first.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who is no administrator.
    pub async fn invitations(&self, by: &Principal) -> Result<Vec<Invitation>> {
        Action::Invite.require_credential(by, None)?;
        Rights::of_account(by.acting_roles()).require_everywhere(Action::Invite)?;
        self.inner().queries.ask(Invitations(self.now())).await
    }

    /// Revokes an invitation.
    ///
    /// # Errors
    /// [`Error::Forbidden`] to who is no administrator; [`Error::NotFound`].
    pub async fn revoke_invitation(&self, by: &Principal, id: InvitationId) -> Result<()> {
        Action::Invite.require_credential(by, None)?;
        let audit = self.entry_by(AuditEvent::UserInvite, by).with("invitation", id.to_string()).with("revoked", true);
        let change = InvitationChange { actor: Some(by.actor()), update: InvitationUpdate::Revoke(id), audit };
        self.inner().commands.execute(&change).await?;
        tracing::info!(event = "invitation_revoked", by = %by.username, invitation_id = %id, "invitation revoked");
        Ok(())
    }

    /// The invitation with that secret, if an account with that address may be made with it now. The transaction
    /// that makes the account asks again.
    ///
    /// # Errors
    /// [`Error::InvitationInvalid`].
    pub(super) async fn usable_invitation(&self, secret: &str, email: &str) -> Result<Invitation> {
        let secret = OneTimeSecret::parse(secret).ok_or(Error::InvitationInvalid)?;
        let invitation = self.inner().queries.ask(InvitationOfSecret(secret.digest())).await?;
        invitation.filter(|found| found.admits(email, self.now())).ok_or(Error::InvitationInvalid)
    }

    /// The address and the secret of an invitation, sealed for its mail; `None` where none is sent.
    fn sealed_invitation(&self, invitation: &Invitation, secret: &OneTimeSecret) -> Result<Option<SealedSecret>> {
        let keys = self.inner().secrets.as_ref().filter(|_| self.mailing().is_some());
        let Some((keys, email)) = keys.zip(invitation.email.as_ref()) else { return Ok(None) };
        keys.seal(&format!("{} {email}", secret.expose()), MAIL).map(Some)
    }

    /// The secret and the address that [`sealed_invitation`](Self::sealed_invitation) sealed.
    pub(crate) fn opened_invitation(&self, sealed: &SealedSecret) -> Result<(OneTimeSecret, String)> {
        let keys = self.inner().secrets.as_ref().ok_or_else(|| Error::internal("no key of stored secrets is set"))?;
        let opened = keys.open(sealed, MAIL)?;
        let parts = opened.split_once(' ').and_then(|(secret, email)| Some((OneTimeSecret::parse(secret)?, email)));
        let (secret, email) = parts.ok_or_else(|| Error::internal("the mail of an invitation cannot be read"))?;
        Ok((secret, email.to_owned()))
    }
}

/// Scopes, and the role in each.
type ScopeRoles = Vec<(ScopeName, ScopeRole)>;

/// The roles and scopes in the domain's words; else every fault.
fn check(request: &InvitationRequest) -> Result<(Vec<AccountRole>, ScopeRoles)> {
    let mut details: Vec<Detail> = request.email.as_deref().and_then(email::fault).into_iter().collect();
    let shown = |text: &str| text.chars().take(64).collect::<String>();
    let mut roles = Vec::new();
    for text in &request.roles {
        match AccountRole::parse(text) {
            Some(role) if roles.contains(&role) => {}
            Some(role) => roles.push(role),
            None => {
                let known = AccountRole::ALL.map(AccountRole::as_str).join(", ");
                details.push(Detail::new("roles", format!("`{}` is none of {known}", shown(text))));
            }
        }
    }
    if request.scopes.len() > Invitation::MAX_SCOPES {
        details.push(Detail::new("scopes", format!("has more than {} entries", Invitation::MAX_SCOPES)));
    }
    let mut scopes = Vec::new();
    for (name, role) in request.scopes.iter().take(Invitation::MAX_SCOPES) {
        match (name.trim_start_matches('@').parse::<ScopeName>(), ScopeRole::parse(role)) {
            (Ok(name), Some(role)) => scopes.push((name, role)),
            (Err(error), _) => details.push(Detail::new("scopes", error.to_string())),
            (_, None) => {
                let fault = format!("`{}` is none of {}", shown(role), ScopeRole::listed());
                details.push(Detail::new("scopes", fault));
            }
        }
    }
    if details.is_empty() {
        return Ok((roles, scopes));
    }
    Err(Error::InvalidRequest { message: "The invitation cannot be made as asked; see the details".into(), details })
}
