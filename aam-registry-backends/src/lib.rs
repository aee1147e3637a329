// The program in the README needs these features.
#![cfg_attr(
    all(feature = "argon2", feature = "folder", feature = "governor", feature = "jwt", feature = "sqlite"),
    doc = include_str!("../README.md")
)]
#![cfg_attr(
    not(all(feature = "argon2", feature = "folder", feature = "governor", feature = "jwt", feature = "sqlite")),
    doc = "Adapters for the ports of `aam-registry-core`, each behind a feature of its own."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(any(feature = "folder", feature = "s3", feature = "gcs", feature = "azblob"))]
mod archive_rules;
#[cfg(feature = "argon2")]
pub mod argon2;
#[cfg(feature = "cdn")]
pub mod cdn;
#[cfg(feature = "folder")]
pub mod folder;
#[cfg(feature = "governor")]
pub mod governor;
#[cfg(feature = "jwt")]
pub mod jwt;
#[cfg(feature = "oidc")]
pub mod oidc;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azblob"))]
pub mod opendal;
#[cfg(feature = "outgoing")]
pub mod outgoing;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "governor", feature = "redis"))]
mod rate_limits;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod relational;
#[cfg(feature = "secret-scanning")]
pub mod secret_scanning;
#[cfg(feature = "secrets")]
pub mod secrets;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "sqlite")]
pub mod sqlite;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod url_options;
#[cfg(feature = "webhook")]
pub mod webhook;

#[cfg(any(feature = "governor", feature = "redis"))]
pub use rate_limits::RateLimits;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use relational::maintenance::{DatabaseStats, SlowStatement, TableSize};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use relational::rows::{Cell, RowSink, RowSource, TableRows};

/// The program in the repository's README, in the section on embedding, so that it is compiled.
#[cfg(all(doctest, feature = "argon2", feature = "folder", feature = "governor", feature = "jwt", feature = "sqlite"))]
#[doc = include_str!("../../README.md")]
struct Readme;
