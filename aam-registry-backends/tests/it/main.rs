//! The adapters against the conformance suites of their ports, and what each
//! promises beyond them.

mod agreement;
mod archives;
mod passwords;
mod rate_limit;
#[cfg(feature = "service-tests")]
mod redis;
mod sessions;
mod sqlite;
