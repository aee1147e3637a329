//! Sends webhooks by HTTP, to no address but those that anybody on the
//! internet can reach, or that the operator allowed.
//!
//! Needs the feature `webhook`.

mod sender;

pub use sender::HttpWebhooks;
