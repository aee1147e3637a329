//! Encrypts secrets that have to be read again, with AES-256-GCM.

mod keys;

pub use keys::{InvalidKey, SecretKeys};
