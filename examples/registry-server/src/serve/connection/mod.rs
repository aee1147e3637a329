//! One connection: its protocols and its time-outs.
//!
//! A [`Client`](client::Client) holds the state of a connection. Its stream and its service record
//! there what happens, and its clock finds what takes too long. An idle connection holds no buffers: it
//! is passed to the HTTP library when its first bytes arrive, and taken back after it has been idle for
//! a while.

mod base_path;
mod body;
mod chunk;
mod client;
mod clock;
mod frames;
mod line;
mod notices;
mod pace;
mod refusal;
mod service;
mod serving;
mod stream;

pub(super) use base_path::BasePath;
pub(super) use clock::Patience;
pub(super) use refusal::{crowded, overloaded};
pub(super) use serving::{Http2Bounds, Serving};
