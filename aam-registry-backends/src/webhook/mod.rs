//! Sends webhooks by HTTP, to no address but those that anybody on the
//! internet can reach, or that the operator allowed.
//!
//! Needs the feature `webhook`.

mod names;
mod networks;
mod sender;

pub use names::{NameResolver, SystemResolver};
pub use networks::AllowedNetworks;
pub use sender::HttpWebhooks;
