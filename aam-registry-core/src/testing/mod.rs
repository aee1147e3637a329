//! The conformance suites: what every adapter of a port has to do, as plain `async fn case(port: &dyn
//! Port)` that panic if it does not.
//!
//! Needs the feature `testing`.
//!
//! Each suite has a macro that defines a `#[tokio::test]` for every case. Its argument is an expression
//! that is evaluated for each case: a future that returns the port under test, and a value to keep
//! until the end of the test (`()` if there is none).
//!
//! ```
//! mod memory_archives {
//!     use aam_registry_core::{archive_store_conformance, memory::MemoryArchives};
//!
//!     archive_store_conformance!(async { (MemoryArchives::new(), ()) });
//! }
//! ```

#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

pub mod archive_source;
pub mod archives;
pub mod changes;
pub mod database;
pub mod mailer;
pub mod passwords;
pub mod rate_limit;
pub mod secrets;
pub mod sessions;
pub mod shared_cache;

/// Defines a `#[tokio::test]` for every named case of a suite in [`testing`](crate::testing).
#[macro_export]
macro_rules! conformance {
    ($suite:ident, $make:expr, [$($case:ident),+ $(,)?]) => {
        $(
            #[tokio::test]
            async fn $case() {
                let (port, _held) = $make.await;
                $crate::testing::$suite::$case(&port).await;
            }
        )+
    };
}
