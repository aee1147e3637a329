//! Whether archive store and database agree.

mod cleanup;
mod verify;

pub use cleanup::{CleanupOptions, CleanupReport, Garbage, GarbageFate, GarbageKind};
pub use verify::{Damage, VerifyReport};
