//! Accounts, logins, API tokens and scopes.

mod change;
mod email;
mod leaked_tokens;
mod login;
mod manage;
mod password;
mod password_guess;
mod profile;
mod register;
mod reset;
mod scopes;
mod second_factor;
mod sessions;
mod tokens;
mod verify;

pub use change::OwnAccountChange;
pub use leaked_tokens::{LeakedToken, MAX_LEAKED_TOKENS};
pub use login::{LoginRequest, SessionToken};
pub use manage::{AccountDescription, OPERATOR};
pub(crate) use password::{MAX_BYTES as MAX_PASSWORD_BYTES, MIN_CHARS as MIN_PASSWORD_CHARS};
pub(crate) use password_guess::Guesser;
pub use profile::Account;
pub use register::{NewAccount, Registration};
pub use reset::PasswordResetLink;
pub(crate) use reset::{DONE, LINK, REQUESTED, STEP};
pub use second_factor::EnrolledFactor;
pub use tokens::TokenRequest;
pub(crate) use tokens::{MAX_NAME as MAX_TOKEN_NAME, MAX_PATTERNS as MAX_TOKEN_PATTERNS};
pub(crate) use verify::VerificationLink;
