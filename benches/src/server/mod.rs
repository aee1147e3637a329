//! The registry under test, run as its users run it.

mod account;
mod answer;
mod registry;

pub(crate) use account::Account;
pub(crate) use answer::Canned;
pub(crate) use registry::{Launcher, Registry, Setup};
