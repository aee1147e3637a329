//! Whether archive store and database agree.

mod cleanup;
mod owner;
mod verify;

pub use cleanup::{CleanupOptions, CleanupReport, Garbage, GarbageFate, GarbageKind};
pub(super) use owner::KnownOwner;
pub use owner::StorageOwner;
pub use verify::{Damage, VerifyReport};
