//! Whether archive store and database agree.

mod cleanup;
mod health;
mod owner;
mod verify;

pub use cleanup::{CleanupOptions, CleanupReport, Garbage, GarbageFate, GarbageKind, Suspicion};
pub(super) use health::StorageProbe;
pub(super) use owner::KnownOwner;
pub use owner::StorageOwner;
pub use verify::{Damage, VerifyReport};
