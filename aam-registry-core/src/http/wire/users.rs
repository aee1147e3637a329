use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Time;
use crate::types::{Page, User};

/// A page of accounts.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Users")]
pub(crate) struct UsersPage {
    /// By username.
    users: Vec<UserAnswer>,
    total: u64,
    page: u64,
    /// 0 where there is nothing.
    pages: u64,
}

impl From<Page<User>> for UsersPage {
    fn from(page: Page<User>) -> Self {
        let (total, pages, number) = (page.total, page.pages(), page.request.page);
        Self { users: page.items.into_iter().map(UserAnswer::from).collect(), total, page: number, pages }
    }
}

/// An account, as administrators see it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ManagedUser")]
pub(crate) struct UserAnswer {
    id: String,
    username: String,
    email: String,
    email_verified: bool,
    is_admin: bool,
    roles: Vec<&'static str>,
    otp_enabled: bool,
    disabled: bool,
    created_at: Time,
}

impl From<User> for UserAnswer {
    fn from(user: User) -> Self {
        Self {
            id: user.id.to_string(),
            is_admin: user.is_admin(),
            roles: user.roles.names(),
            username: user.username.to_string(),
            email: user.email,
            email_verified: user.email_verified,
            otp_enabled: user.otp_enabled,
            disabled: user.disabled,
            created_at: user.created_at.into(),
        }
    }
}

/// What an administrator changes of an account.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct ManagedUserChange {
    /// Whether it is locked out. Its packages stay.
    pub(crate) disabled: Option<bool>,
    /// All roles that it is to have; the others are taken away.
    #[schemars(extend("items" = {"enum": ["admin", "approver", "moderator", "auditor"]}))]
    pub(crate) roles: Option<Vec<String>>,
}

/// The deletion of the own account.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct AccountDeletion {
    pub(crate) current_password: String,
    /// A code of the second factor, for accounts that have one.
    pub(crate) otp: Option<String>,
}
