//! Accounts, logins, API tokens and scopes (contract, section 6).

mod email;
mod login;
mod password;
mod profile;
mod register;
mod scopes;
mod tokens;

pub use login::SessionToken;
pub use profile::Account;
pub use register::{NewAccount, Registration};
pub use tokens::TokenRequest;
