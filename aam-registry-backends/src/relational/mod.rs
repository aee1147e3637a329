//! What the adapters on relational databases share: the statements of resources, how domain types are stored in
//! columns, searches, the conditions of SQL for valid credentials and visible packages, the check of the schema, the
//! times of calls, and how all rows are copied from one database to another.

pub(crate) mod columns;
pub(crate) mod downloads;
pub(crate) mod embedded;
pub(crate) mod jobs;
pub(crate) mod listing;
pub(crate) mod maintenance;
pub(crate) mod predicates;
pub(crate) mod resources;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod sight;
pub(crate) mod timing;
pub(crate) mod transaction;
