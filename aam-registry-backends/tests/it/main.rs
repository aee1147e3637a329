//! The adapters against the conformance suites of their ports, and what each
//! promises beyond them.

mod agreement;
mod archives;
mod passwords;
mod rate_limit;
mod sessions;
mod sqlite;
