//! Login sessions as signed JSON Web Tokens (RFC 7519), HS256.
//!
//! Needs the feature `jwt`.

mod config;
mod sessions;

pub use config::JwtConfig;
pub use sessions::JwtSessions;
