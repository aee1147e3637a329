//! The servers that the registry is compared with; each serves the same bytes.

mod distribution;
mod kind;
mod nginx;
mod peer;
mod verdaccio;
mod work;

pub(crate) use kind::{Kind, Yardstick};
pub(crate) use work::{Protocol, Work};
