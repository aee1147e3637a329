//! What the layer that limits requests and the limit of login attempts share.

mod deposit;
mod headers;
mod proven;
mod take_request;

pub(crate) use deposit::Deposit;
pub(crate) use headers::{insert, passed, refuse_over_limit};
pub(crate) use proven::ProvenCredentials;
pub(crate) use take_request::{give_back, take_request};
