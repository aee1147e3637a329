use aam_registry_core::database_conformance;

use super::world::database;

database_conformance!(database());
