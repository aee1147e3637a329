//! The in-memory database keeps what every database promises.

use aam_registry_core::{database_conformance, memory::MemoryMetadata};

database_conformance!(async { (MemoryMetadata::new(), ()) });
