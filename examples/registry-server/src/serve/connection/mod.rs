//! One connection: what is spoken over it, and how long it is waited for.
//!
//! A [`Client`](client::Client) is what is known of who is connected. Its
//! stream and its service tell it what goes on, its clock sees what takes too
//! long. A connection that says nothing holds no buffers: it is handed to the
//! HTTP library with its first bytes, and taken back when it has lain idle for
//! a while.

mod body;
mod chunk;
mod client;
mod clock;
mod line;
mod notices;
mod pace;
mod refusal;
mod service;
mod serving;
mod stream;

pub(super) use clock::Patience;
pub(super) use refusal::{crowded, overloaded};
pub(super) use serving::{Http2Bounds, Serving};
