//! HTTP clients for what the server itself calls: through the operator's proxy, trusting the operator's
//! certificate authorities, and only on networks that may be called.
//!
//! Needs the feature `outgoing`.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use aam_registry_backends::outgoing::{AllowedNetworks, Outgoing};
//!
//! let outgoing = Outgoing::default().with_proxy("http://proxy.example.com:3128", "minio,.internal")?;
//! let client = outgoing.client(AllowedNetworks::default(), Duration::from_secs(10))?;
//! let answer = client.get("https://issuer.example.com/.well-known/openid-configuration").await?;
//! if answer.status().is_success() {
//!     let document = answer.body(64 << 10).await?;
//! #   drop(document);
//! }
//! # Ok(())
//! # }
//! ```

mod client;
mod headers;
mod names;
mod networks;
mod route;

pub use client::{OutgoingAnswer, OutgoingClient, OutgoingError};
pub use headers::OutgoingHeaders;
pub use names::{NameResolver, SystemResolver};
pub use networks::AllowedNetworks;
pub use route::{Outgoing, OutgoingFault};
