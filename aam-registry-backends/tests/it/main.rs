//! The adapters against the conformance suites of their ports, and what each
//! promises beyond them.

mod agreement;
mod archives;
mod passwords;
#[cfg(feature = "service-tests")]
mod postgres;
mod rate_limit;
#[cfg(feature = "service-tests")]
mod redis;
mod replicas;
mod searches;
mod sessions;
mod sqlite;
mod webhook;
mod world;
