//! Checks the signatures of secret scanners that report leaked API tokens.
//!
//! Needs the feature `secret-scanning`.
//!
//! Scanners sign as [GitHub's secret scanning partner program](https://docs.github.com/en/code-security/secret-scanning/secret-scanning-partnership-program/secret-scanning-partner-program)
//! does: ECDSA on the curve P-256 with SHA-256, by a key of a published list.

mod keys;
mod source;

pub use keys::ScannerKeys;
pub use source::KeySource;
