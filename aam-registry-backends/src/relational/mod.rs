//! What the adapters on relational databases share: how domain types lie in
//! columns, how searches run, what is shown of private packages, how downloads are counted, how queued jobs are read,
//! and which schema serves this release, and which credentials and accounts are valid.

pub(crate) mod columns;
pub(crate) mod downloads;
pub(crate) mod embedded;
pub(crate) mod jobs;
pub(crate) mod listing;
pub(crate) mod maintenance;
pub(crate) mod predicates;
pub(crate) mod resources;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod sight;
pub(crate) mod transaction;
