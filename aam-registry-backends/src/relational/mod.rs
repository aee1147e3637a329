//! What the adapters on relational databases share: how domain types lie in
//! columns, how searches run, what is shown of private packages, how downloads are counted, how queued jobs are read,
//! which schema serves this release, which credentials and accounts are valid, how long calls take, and how all
//! rows are copied from one database to another.

pub(crate) mod columns;
pub(crate) mod downloads;
pub(crate) mod invitations;
pub(crate) mod jobs;
pub(crate) mod listing;
pub(crate) mod maintenance;
pub(crate) mod predicates;
pub(crate) mod rows;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod sight;
pub(crate) mod timing;
