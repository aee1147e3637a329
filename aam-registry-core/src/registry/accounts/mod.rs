//! Accounts, logins, API tokens and scopes.

mod change;
mod email;
mod login;
mod manage;
mod password;
mod profile;
mod register;
mod scopes;
mod tokens;

pub use change::OwnAccountChange;
pub use login::SessionToken;
pub use manage::{AccountDescription, OPERATOR};
pub use profile::Account;
pub use register::{NewAccount, Registration};
pub use tokens::TokenRequest;
