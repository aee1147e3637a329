//! The HTTP service in the test's process, with in-memory ports.
//!
//! Every answer is compared with the OpenAPI document: a status that it does not list for the route
//! fails the test.

mod accounts;
mod badges;
mod caching;
mod changes;
mod documented;
mod download;
mod errors;
mod evals;
mod files;
mod guessing;
mod invitations;
mod junk;
mod kept;
mod limits;
mod loads;
mod mounting;
mod packages;
mod publish;
mod quotas;
mod read_only;
mod reading;
mod redirects;
mod reply;
mod reports;
mod resets;
mod rights;
mod roles;
mod scope_policy;
mod service;
mod sessions;
mod shares;
mod site;
mod stalled;
mod token_reports;
mod totp;
mod trusted_publishing;
mod unseen;
mod users;
mod webhooks;
mod withheld;
