//! Whether archive store and database agree.

mod cleanup;
mod health;
mod verify;

pub use cleanup::{CleanupOptions, CleanupReport, Garbage, GarbageFate, GarbageKind, Suspicion};
pub(super) use health::StorageProbe;
pub use verify::{Damage, VerifyReport};
