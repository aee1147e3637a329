//! Whether archive store and database agree.

mod cleanup;
mod health;
mod known_owner;
mod owner;
mod probe;
mod verify;

pub use cleanup::{CleanupOptions, CleanupReport, Garbage, GarbageFate, GarbageKind, Suspicion};
pub(super) use known_owner::KnownOwner;
pub use known_owner::StorageOwner;
pub(super) use probe::StorageProbe;
pub use verify::{Damage, VerifyReport};
