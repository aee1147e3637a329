//! CDNs: purging what they have cached, and signing URLs of what not everybody may have.
//!
//! Each provider is called as its documentation has it. Private archives are only on a CDN that checks
//! signatures and that the registry knows by a secret; the signature is in the query, which the CDN must leave out
//! of the key of its cache.

mod api;
mod cloudflare;
mod cloudfront;
mod fastly;
mod signing_key;

pub use cloudflare::Cloudflare;
pub use cloudfront::{CloudFront, CloudFrontKey};
pub use fastly::Fastly;
pub use signing_key::InvalidSigningKey;
