use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;
use crate::{registry::NewInvitation, types::Invitation};

/// An invitation to make.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct InvitationRequest {
    /// The e-mail address that the account has to have; any if absent.
    #[schemars(email, length(max = 254))]
    pub(crate) email: Option<String>,
    /// The roles that the account gets.
    #[schemars(extend("items" = {"enum": ["admin", "approver", "moderator", "auditor"]}))]
    pub(crate) roles: Option<Vec<String>>,
    /// The scopes that the account becomes a member of, with the role: `owner`, `member` or `contributor`.
    #[schemars(extend("additionalProperties" = {"enum": ["owner", "member", "contributor"]}))]
    pub(crate) scopes: Option<BTreeMap<String, String>>,
}

/// A new invitation.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NewInvitation")]
pub(crate) struct NewInvitationAnswer {
    /// What is registered with, once. It is never shown again.
    token: String,
    /// A page that registers with it; its token is behind the `#`.
    url: String,
    /// Whether a mail with the link is on its way to `email`.
    mailed: bool,
    #[serde(flatten)]
    invitation: InvitationRow,
}

impl NewInvitationAnswer {
    pub(crate) fn new(made: NewInvitation, base_url: &str) -> Self {
        Self {
            token: made.secret.expose().to_owned(),
            url: made.url(base_url),
            mailed: made.is_mailed,
            invitation: made.invitation.into(),
        }
    }
}

/// The invitations that are open.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Invitations")]
pub(crate) struct InvitationsAnswer {
    /// Newest first.
    invitations: Vec<InvitationRow>,
}

/// An invitation, without its token.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Invitation")]
struct InvitationRow {
    id: String,
    email: Option<String>,
    roles: Vec<&'static str>,
    scopes: BTreeMap<String, &'static str>,
    invited_by: String,
    created_at: Time,
    expires_at: Time,
}

impl From<Invitation> for InvitationRow {
    fn from(invitation: Invitation) -> Self {
        Self {
            id: invitation.id.to_string(),
            email: invitation.email,
            roles: invitation.roles.iter().map(|role| role.as_str()).collect(),
            scopes: invitation.scopes.iter().map(|(scope, role)| (scope.to_string(), role.as_str())).collect(),
            invited_by: invitation.invited_by,
            created_at: invitation.created_at.into(),
            expires_at: invitation.expires_at.into(),
        }
    }
}

impl From<Vec<Invitation>> for InvitationsAnswer {
    fn from(invitations: Vec<Invitation>) -> Self {
        Self { invitations: invitations.into_iter().map(InvitationRow::from).collect() }
    }
}
