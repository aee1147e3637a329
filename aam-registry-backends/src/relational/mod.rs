//! What the adapters on relational databases share: how domain types lie in
//! columns, how searches run, how downloads are counted, what becomes
//! of tags, which schema serves this release, and what is said to those who
//! are refused.

pub(crate) mod columns;
pub(crate) mod downloads;
pub(crate) mod listing;
pub(crate) mod refusals;
pub(crate) mod schema;
pub(crate) mod search;
pub(crate) mod tags;
