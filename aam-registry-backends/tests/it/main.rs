//! The adapters with the conformance suites of their ports, and their further guarantees.

mod agreement;
mod archives;
mod cdn;
mod growth;
mod oidc;
mod outgoing;
mod passwords;
#[cfg(feature = "service-tests")]
mod postgres;
mod rate_limit;
#[cfg(feature = "service-tests")]
mod redis;
mod replicas;
mod rows;
mod searches;
mod sessions;
mod smtp;
mod sqlite;
mod tampering;
mod webhook;
mod world;
