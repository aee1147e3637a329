//! The identity of a registry.

use crate::types::id::id;

id! {
    /// The id of a registry, created once with its database. It marks the registry's data in stores
    /// that other registries may use too.
    RegistryId
}
