use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Time, rules};
use crate::{
    registry::{Account, PasswordResetLink, SessionToken},
    types::{User, UserProfile},
};

/// An account to create.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct RegisterRequest {
    /// Also the name of the user's own scope.
    #[schemars(required, regex(pattern = rules::USERNAME))]
    pub(crate) username: Option<String>,
    #[schemars(required, email, length(max = 254))]
    pub(crate) email: Option<String>,
    /// At least 12 characters, at most 1024 bytes, and not a common password.
    #[schemars(required, length(min = 12, max = 1024))]
    pub(crate) password: Option<String>,
    /// The token of an invitation, or the link that ends with it.
    pub(crate) invitation: Option<String>,
}

/// An account that was made.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Registered")]
pub(crate) struct RegisteredAnswer {
    id: String,
    username: String,
    email: String,
    created_at: Time,
    /// Whether the account can be used only once the link is opened that was mailed to the address. Where it is, this
    /// answer is the same for an address that has an account.
    awaits_verification: bool,
}

impl RegisteredAnswer {
    pub(crate) fn new(user: User, awaits_verification: bool) -> Self {
        Self {
            awaits_verification,
            id: user.id.to_string(),
            username: user.username.to_string(),
            email: user.email,
            created_at: user.created_at.into(),
        }
    }
}

/// A login: `username` or `email`, and the password.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("anyOf" = [
    {"required": ["username"], "properties": {"username": {"type": "string"}}},
    {"required": ["email"], "properties": {"email": {"type": "string"}}}
]))]
pub(crate) struct LoginRequest {
    /// A username, or an e-mail address.
    pub(crate) username: Option<String>,
    /// An e-mail address, where `username` is not given.
    pub(crate) email: Option<String>,
    pub(crate) password: String,
    /// A code of the second factor, or a recovery code, for accounts that have one.
    pub(crate) otp: Option<String>,
}

/// A login session.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(crate) struct SessionAnswer {
    /// The credential: send it as `Authorization: Bearer …`.
    access_token: String,
    /// Always `bearer`.
    token_type: &'static str,
    /// In seconds.
    expires_in: i64,
    expires_at: Time,
}

impl From<SessionToken> for SessionAnswer {
    fn from(session: SessionToken) -> Self {
        Self {
            expires_in: session.expires_at.as_second() - session.issued_at.as_second(),
            expires_at: session.expires_at.into(),
            access_token: session.access_token,
            token_type: "bearer",
        }
    }
}

/// The caller's own account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Account")]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the answer")]
pub(crate) struct AccountAnswer {
    id: String,
    username: String,
    email: String,
    /// Whether the user has opened the link of a mail to this address.
    email_verified: bool,
    is_admin: bool,
    /// What the user is in the whole registry: `admin`, `approver`, `moderator`, `auditor`.
    roles: Vec<&'static str>,
    /// Whether logins need a code of a second factor.
    otp_enabled: bool,
    /// The scopes the user is a member of, by name: at most 1,000.
    scopes: Vec<Membership>,
    /// Whether the user is a member of more scopes than are listed.
    scopes_truncated: bool,
    created_at: Time,
}

/// A scope and the user's role in it.
#[derive(Debug, Serialize, JsonSchema)]
struct Membership {
    /// The scope, without `@`.
    name: String,
    /// `owner`, `member` or `contributor`.
    role: &'static str,
}

impl From<Account> for AccountAnswer {
    fn from(account: Account) -> Self {
        let Account { user, scopes, has_more_scopes } = account;
        let scopes = scopes.iter().map(|(name, role)| Membership { name: name.to_string(), role: role.as_str() });
        Self {
            id: user.id.to_string(),
            username: user.username.to_string(),
            is_admin: user.is_admin(),
            email: user.email,
            email_verified: user.email_verified,
            roles: user.roles.names(),
            otp_enabled: user.otp_enabled,
            scopes: scopes.collect(),
            scopes_truncated: has_more_scopes,
            created_at: user.created_at.into(),
        }
    }
}

/// What to change of the caller's account: `email`, `password` or both.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("anyOf" = [
    {"required": ["email"], "properties": {"email": {"type": "string"}}},
    {"required": ["password"], "properties": {"password": {"type": "string"}}}
]))]
pub(crate) struct AccountChangeRequest {
    /// The password that the account has.
    pub(crate) current_password: String,
    /// The e-mail address it shall have.
    #[schemars(email, length(max = 254))]
    pub(crate) email: Option<String>,
    /// The password it shall have: at least 12 characters, at most 1024 bytes, and not a common one.
    #[schemars(length(min = 12, max = 1024))]
    pub(crate) password: Option<String>,
}

/// Whose password shall be reset: `email` or `username`.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("anyOf" = [
    {"required": ["email"], "properties": {"email": {"type": "string"}}},
    {"required": ["username"], "properties": {"username": {"type": "string"}}}
]))]
pub(crate) struct ResetRequest {
    /// The e-mail address of the account.
    pub(crate) email: Option<String>,
    /// The username, where `email` is not given.
    pub(crate) username: Option<String>,
}

/// What was done, whether or not there is such an account.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ResetRequested")]
pub(crate) struct ResetRequestedAnswer {
    pub(crate) message: &'static str,
}

/// The token that was sent to an address.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct EmailVerification {
    /// The token, or the link that ends with it.
    pub(crate) token: String,
}

/// Another password for the account that the token was sent to.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ResetConfirmation {
    /// The token, or the link that ends with it.
    pub(crate) token: String,
    /// At least 12 characters, at most 1024 bytes, and not a common password.
    #[schemars(length(min = 12, max = 1024))]
    pub(crate) password: String,
}

/// A link with which a user sets another password.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ResetLink")]
pub(crate) struct ResetLinkAnswer {
    username: String,
    /// Works once. Only its user may see it.
    token: String,
    /// A page that asks for the new password.
    url: String,
    /// What to tell the user.
    text: String,
    expires_at: Time,
}

impl ResetLinkAnswer {
    pub(crate) fn new(link: &PasswordResetLink, base_url: &str) -> Self {
        Self {
            username: link.user.username.to_string(),
            token: link.secret.expose().to_owned(),
            url: link.url(base_url),
            text: link.text(base_url),
            expires_at: link.expires_at.into(),
        }
    }
}

/// What everybody may know of a user.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Profile")]
pub(crate) struct ProfileAnswer {
    username: String,
    created_at: Time,
    /// The packages the user owns, by name: at most 1,000.
    packages: Vec<String>,
    /// Whether the user owns more packages than are listed.
    packages_truncated: bool,
}

impl From<UserProfile> for ProfileAnswer {
    fn from(profile: UserProfile) -> Self {
        Self {
            username: profile.username.to_string(),
            created_at: profile.created_at.into(),
            packages: profile.packages.iter().map(ToString::to_string).collect(),
            packages_truncated: profile.has_more_packages,
        }
    }
}
