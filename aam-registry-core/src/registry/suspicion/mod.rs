//! What may come from a stolen account or a leaked token: noticed, counted and logged, and never refused.
//!
//! Each replica notices what it sees itself, for at most a fixed number of accounts, tokens and packages at a time. The
//! counter `aam_suspicious_activity_total` has no names, which only the log has.

mod bursts;
mod download_spikes;
mod login_failure;
mod notice;
mod token_networks;
mod watched;

pub(super) use login_failure::LoginFailure;
pub(super) use watched::WatchedActivity;
