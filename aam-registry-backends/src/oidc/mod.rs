//! Verifies ID tokens of OpenID Connect providers against the keys that they publish.
//!
//! Needs the feature `oidc`.
//!
//! ES256, RS256 and EdDSA are taken, each with a key of that type alone: what the head of a token says of
//! its algorithm is compared with the key, never believed.

mod documents;
mod keys;
mod verifier;

pub use documents::{DocumentSource, HttpDocuments};
pub use verifier::OidcIdTokens;
