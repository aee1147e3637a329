//! Password hashes with Argon2id (RFC 9106).
//!
//! Needs the feature `argon2`.

mod config;
mod passwords;

pub use config::Argon2Config;
pub use passwords::Argon2Passwords;
