//! OpenDAL's in-memory store.

use aam_registry_backends::opendal::{OpendalArchives, OpendalConfig};
use aam_registry_core::archive_store_conformance;

archive_store_conformance!(async { (OpendalArchives::new(&OpendalConfig::Memory).expect("a store"), ()) });
