//! The parts of the limits on requests: headers of answers, and what bad credentials cost.

mod deposit;
mod headers;
mod proven;

pub(crate) use deposit::Deposit;
pub(crate) use headers::insert;
pub(crate) use proven::ProvenCredentials;
