//! The in-memory database passes the conformance suite.

use aam_registry_core::{database_conformance, memory::MemoryMetadata};

database_conformance!(async { (MemoryMetadata::new(), ()) });
