use aam_registry_core::database_conformance;

use super::world::database;

database_conformance!(database());

#[test]
fn it_does_as_the_in_memory_database_does() {
    crate::agreement::check(database);
}
