//! Password hashes with Argon2id (RFC 9106).

mod config;
mod passwords;

pub use config::Argon2Config;
pub use passwords::Argon2Passwords;
