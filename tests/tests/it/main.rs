//! Tests of the registry as its users see it: real server processes over HTTP.

mod api;
mod audit_log;
mod audited;
mod backup;
mod client;
mod delivery;
mod kill;
mod mails;
mod mishaps;
mod object_store;
#[cfg(feature = "service-tests")]
mod production;
mod races;
mod read_access;
mod restarts;
mod sent;
mod traces;
mod trusted_publishing;
mod unseen;
mod webhook_client;
mod workflows;
