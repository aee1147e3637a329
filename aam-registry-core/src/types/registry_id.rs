//! Which registry this is.

use crate::types::id::id;

id! {
    /// The id of a registry, made once with its database. It marks what is the
    /// registry's in stores that others may use too.
    RegistryId
}
